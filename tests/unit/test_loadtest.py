#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The load-test kit without a wire: its command line, pktgen's scripts over a stub, its results."""

import argparse
import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
KIT = os.path.join(ROOT, 'app/loadtest')
STUB = os.path.join(ROOT, 'tests/lib/pktgen_stub.lua')
sys.path.insert(0, KIT)
from kit import generators, options, result, scenarios, session  # noqa: E402


class Words(unittest.TestCase):
    """Wrong command lines: status 2, one line that says what is wrong, nothing touched."""

    def refused(self, *words):
        """What it says."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
            options.parse(words)
        self.assertEqual(ended.exception.code, 2, words)
        self.assertEqual(said.getvalue().count('\n'), 1, said.getvalue())
        return said.getvalue()

    def test_the_program_ends_with_status_2(self):
        done = subprocess.run([os.path.join(KIT, 'run'), 'syn-flood', '--rate', 'x'], check=False,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout), (2, ''))
        self.assertIn("'x'", done.stderr)

    def test_mistakes_are_named(self):
        there = ['--target', '192.0.2.1:80', '--target-mac', '02:00:00:00:00:01']
        rows = [
            ([], 'SCENARIO'),
            (['syn'], "'syn'"),
            (['syn-flood', 'rst'], 'rst'),
            (['syn-flood', '--rate', '0'], '1mpps'),
            (['syn-flood', '--rate', 'fast'], "'fast'"),
            (['syn-flood', '--rate', '2000G'], "'2000G'"),
            (['syn-flood', '--seconds', '0'], "'0'"),
            (['syn-flood', '--seconds', '1d'], '2m'),
            (['syn-flood', '--seconds', '1e3'], "'1e3'"),
            (['syn-flood', '--seconds', '25h'], 'a day'),
            (['syn-flood', '--via', 'eth0'], 'af_packet:NAME'),
            (['syn-flood', '--via', 'tap:../x'], "'tap:../x'"),
            (['syn-flood', '--via', 'tap:lo'], 'another name'),
            (['syn-flood', '--via', 'vhost:relative'], 'vhost:/PATH'),
            (['syn-flood', '--via', 'vhost:/no/such/x.sock'], 'no such folder'),
            (['syn-flood', '--via', 'vhost:/etc/passwd'], 'no socket'),
            (['syn-flood', '--via', 'vhost:/a,b'], 'vhost:/PATH'),
            (['syn-flood', '--via', 'pci:3:0'], '0000:03:00.0'),
            (['syn-flood', '--target', '192.0.2.1:80'], 'made for the run'),
            (['syn-flood', '--target', '192.0.2.1'], '192.0.2.1:80'),
            (['syn-flood', '--target', '2001:db8::1:80'], "[2001:db8::1]:80"),
            (['syn-flood', '--target-mac', '02:00'], "'02:00'"),
            (['syn-flood', '--loss', '101'], '0 to 100'),
            (['syn-flood', '--frames', '0'], '10M'),
            (['syn-flood', '--generator', 'hping3'], "'hping3'"),
            (['syn-flood', '--cookies', 'valid'], '--cookies'),
            (['syn-flood', '--pcap', '/dev/null'], '--pcap'),
            (['pcap-replay'], '--pcap'),
            (['pcap-replay', '--pcap', '/no/such'], 'no such file'),
            (['rfc2544', '--rate', 'max'], '--rate'),
            (['fragments', '--via', 'af_packet:x'], 'af_packet'),
            (['syn-flood', '--confirm', '0000:03:00.0'], '--confirm'),
            (['syn-flood', '--via', 'pci:0000:03:00.0'], '--target'),
            (['syn-flood', '--via', 'pci:0000:03:00.0', *there[:2]], '--target-mac'),
            (['syn-flood', '--via', 'pci:0000:03:00.0', *there], '--confirm 0000:03:00.0'),
            (['syn-flood', '--via', 'pci:0000:03:00.0', *there, '--confirm', '0000:03:00.1'],
             '--confirm 0000:03:00.0'),
            (['ack-flood', '--cookies', 'valid', '--via', 'pci:0000:03:00.0', *there],
             '--secret-file'),
            (['mixed', '--via', 'pci:0000:03:00.0', *there], 'clients'),
        ]
        for words, said in rows:
            self.assertIn(said, self.refused(*words), words)

    def test_help_has_every_scenario_and_every_exit_status(self):
        text = subprocess.run([os.path.join(KIT, 'run'), '--help'], capture_output=True, text=True,
                              check=True).stdout
        for name in scenarios.SCENARIOS:
            self.assertIn(name, text)
        for code in (session.EXIT_PASS, session.EXIT_FAIL, session.EXIT_START,
                     session.EXIT_SATURATED, 130):
            self.assertRegex(text, rf'(?m)^  {code}  ')

    def test_an_interface_that_exists_is_not_named_by_a_wire_of_its_own(self):
        with mock.patch('socket.if_nameindex', return_value=[(1, 'lo'), (2, 'eth9')]):
            for via in ('tap:eth9', 'af_packet:eth9'):
                self.assertIn('eth9 is an interface', self.refused('syn-flood', '--via', via))
            self.assertEqual(options.parse(['syn-flood', '--via', 'tap:eth8']).via,
                             ('tap', 'eth8'))

    def test_units_are_what_people_write(self):
        for text, number in (('50k', 50000), ('1mpps', 1000000), ('1.5Mpps', 1500000),
                             ('10pps', 10), ('max', None)):
            self.assertEqual(options.rate(text), number)
        for text, number in (('10', 10), ('10s', 10), ('2m', 120), ('1h', 3600)):
            self.assertEqual(options.seconds(text), number)
        self.assertEqual(options.target('[2001:db8::1]:80'), ('2001:db8::1', 80))


class Scripts(unittest.TestCase):
    """What pktgen runs: it ends with a status, whatever happens, and says what was sent."""

    def setUp(self):
        if shutil.which('lua5.4') is None:
            self.skipTest('not installed: lua5.4')
        folder = tempfile.TemporaryDirectory(prefix='sluice-lua-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, 'results')

    def play(self, script, **env):
        """A script over the stub: its status, the lines it wrote and the calls it made."""
        log = os.path.join(self.folder, 'log')
        for path in (self.results, log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        full = {'PATH': os.environ['PATH'], 'SLUICE_LUA': os.path.join(KIT, 'pktgen/lib.lua'),
                'SLUICE_RESULT': self.results, 'SLUICE_RATE': '100000', 'SLUICE_SECONDS': '3',
                'SLUICE_DST_MAC': '02:00:00:00:00:01', 'SLUICE_SRC_MAC': '02:00:00:00:00:02',
                'STUB_LOG': log, **{key: value for key, value in env.items() if value is not None}}
        for key, value in env.items():
            if value is None:
                full.pop(key, None)
        done = subprocess.run(['lua5.4', STUB, os.path.join(KIT, 'pktgen', script)], env=full,
                              capture_output=True, text=True, timeout=30, check=False)
        lines, calls = [], []
        if os.path.exists(self.results):
            with open(self.results, encoding='ascii') as file:
                lines = [json.loads(line) for line in file]
        if os.path.exists(log):
            with open(log, encoding='utf-8') as file:
                calls = file.read().splitlines()
        return done.returncode, lines, calls

    def pcap(self, length=60):
        """A file of ten frames."""
        path = os.path.join(self.folder, 'x.pcap')
        with open(path, 'wb') as file:
            file.write(b'\xd4\xc3\xb2\xa1\x02\x00\x04\x00' + bytes(8) + b'\xff\xff\0\0\1\0\0\0')
            for _ in range(10):
                file.write(bytes(8) + length.to_bytes(4, 'little') * 2 + bytes(length))
        return path

    def test_the_compiler_takes_them(self):
        for name in os.listdir(os.path.join(KIT, 'pktgen')):
            if name.endswith('.lua'):
                subprocess.run(['luac5.4', '-p', os.path.join(KIT, 'pktgen', name)], check=True)

    def test_a_rate_becomes_the_share_of_the_link_that_it_is(self):
        for length, link in ((60, '<UP-10000-FD>'), (1500, '<UP-100000-FD>'), (60, '<UP-0-FD>'),
                             (60, '<--Down-->')):
            code, lines, calls = self.play('pcap-replay.lua', SLUICE_PCAP=self.pcap(length),
                                           STUB_LINK=link, STUB_FRAME=str(length))
            self.assertEqual(code, 0)
            self.assertAlmostEqual(lines[-1]['sent'], 300000, delta=300)
            self.assertIn('pcap 0 on', calls)
            self.assertEqual([line['what'] for line in lines],
                             ['begin', 'second', 'second', 'second', 'end'])
            self.assertFalse(lines[-1]['saturated'])

    def test_a_rate_below_what_pktgen_can_send_is_refused(self):
        code, lines, _ = self.play('pcap-replay.lua', SLUICE_PCAP=self.pcap(), SLUICE_RATE='1000')
        self.assertEqual((code, lines[-1]['what']), (2, 'error'))

    def test_it_says_when_it_sent_less_than_asked(self):
        code, lines, _ = self.play('pcap-replay.lua', SLUICE_PCAP=self.pcap(), STUB_MOST='94000')
        self.assertEqual((code, lines[-1]['saturated']), (0, True))
        self.assertEqual(lines[-1]['sent'], 282000)

    def test_frames_that_belong_together_are_sent_once(self):
        code, lines, calls = self.play('pcap-replay.lua', SLUICE_PCAP=self.pcap(),
                                       SLUICE_ONCE='1234')
        self.assertEqual((code, lines[-1]['sent']), (0, 1234))
        self.assertIn('set 0 count 1234.0', [c.replace('1234', '1234.0') if c.endswith('1234')
                                             else c for c in calls])

    def test_without_a_file_it_counts_through_syns(self):
        code, lines, calls = self.play('syn-flood.lua', SLUICE_TARGET='192.0.2.1',
                                       SLUICE_TARGET_PORT='81')
        self.assertEqual((code, lines[-1]['what']), (0, 'end'))
        loaded = calls.index('load ' + os.path.join(KIT, 'pktgen/syn-flood.pkt'))
        self.assertGreater(calls.index('range.dst_ip 0 start 192.0.2.1'), loaded)
        self.assertIn('set_range 0 on', calls)

    def test_counters_are_found_in_newer_and_older_versions(self):
        for version in ('23', '26'):
            for script in ('pcap-replay.lua', 'rfc2544.lua'):
                code, lines, _ = self.play(script, SLUICE_PCAP=self.pcap(), STUB_PKTGEN=version)
                self.assertEqual((code, lines[-1]['what']), (0, 'end'), version)
                self.assertGreater(lines[-1]['sent'], 0)
            code, lines, _ = self.play('pcap-replay.lua', SLUICE_PCAP=self.pcap(),
                                       STUB_PKTGEN=version, STUB_FAIL='portStats')
            self.assertEqual((code, lines[-1]['what']), (3, 'error'), version)

    def test_what_is_wrong_ends_it_with_a_status(self):
        rows = [
            ({'SLUICE_PCAP': None}, 2),
            ({'SLUICE_RATE': 'fast'}, 2),
            ({'SLUICE_RATE': '0'}, 2),
            ({'SLUICE_SECONDS': '0'}, 2),
            ({'SLUICE_DST_MAC': None}, 2),
            ({'SLUICE_RESULT': '/no/where'}, 3),
            ({'SLUICE_RESULT': None}, 2),
            ({'SLUICE_LUA': '/no/where'}, 3),
            ({'STUB_FAIL': 'start'}, 3),
            ({'STUB_FAIL': 'stop'}, 3),
            ({'STUB_FAIL': 'linkState'}, 3),
            ({'STUB_FAIL': 'portStats'}, 3),
            ({'STUB_FAIL': 'screen'}, 3),
        ]
        for script in ('pcap-replay.lua', 'syn-flood.lua', 'rfc2544.lua'):
            for env, status in rows:
                if script != 'pcap-replay.lua' and 'SLUICE_PCAP' in env:
                    continue
                code, lines, _ = self.play(script, **{'SLUICE_PCAP': self.pcap(), **env})
                self.assertEqual(code, status, (script, env))
                if lines:
                    self.assertEqual(lines[-1]['what'], 'error')
                    self.assertEqual(lines[-1]['code'], status)

    def test_the_search_finds_what_the_device_answers(self):
        for answers in (5000, 33333, 99999, 200000):
            code, lines, _ = self.play('rfc2544.lua', SLUICE_PCAP=self.pcap(),
                                       STUB_ANSWERS=str(answers), SLUICE_LOSS='0.001')
            end = lines[-1]
            self.assertEqual(code, 0)
            self.assertLessEqual(end['rate'], answers * 1.002)
            self.assertGreaterEqual(end['rate'], min(answers, 100000) * 0.94)
            self.assertLessEqual(len(end['trials']), 17)
            self.assertEqual(end['trials'][-1]['verdict'], 'pass')
            self.assertEqual(end['trials'][-1]['asked_pps'], end['rate'])

    def test_the_search_tells_a_weak_generator_from_a_weak_device(self):
        code, lines, _ = self.play('rfc2544.lua', SLUICE_PCAP=self.pcap(), STUB_MOST='50000')
        self.assertEqual(code, 0)
        self.assertEqual(lines[-1]['trials'][0]['verdict'], 'saturated')
        self.assertAlmostEqual(lines[-1]['rate'], 50000, delta=2500)
        code, lines, _ = self.play('rfc2544.lua', SLUICE_PCAP=self.pcap(), STUB_ANSWERS='0')
        self.assertEqual((code, lines[-1]['rate']), (1, 0))
        self.assertEqual({trial['verdict'] for trial in lines[-1]['trials']}, {'fail'})

    def test_steps_of_the_command_file_are_those_that_pktgen_can_take(self):
        with open(os.path.join(KIT, 'pktgen/syn-flood.pkt'), encoding='ascii') as file:
            text = file.read()
        port_step = int(re.search(r'range 0 src port \d+ \d+ \d+ (\d+)', text).group(1))
        self.assertLessEqual(port_step, 64)

    def test_only_syn_is_set_whichever_way_a_version_has_to_set_flags(self):
        for known, on, off in ((r'range 0 tcp flag (set|clr) (\w+)$', 'set', 'clr'),
                               (r'range 0 tcp (flags) (\w+)$', 'flags', None)):
            flags = {'ack'}
            with open(os.path.join(KIT, 'pktgen/syn-flood.pkt'), encoding='ascii') as file:
                found = [match.groups() for line in file if (match := re.match(known, line))]
            for how, flag in found:
                flags = {'set': flags | {flag}, 'clr': flags - {flag}, 'flags': {flag}}[how]
                self.assertIn(how, (on, off))
            self.assertEqual(flags, {'syn'}, known)

    def test_a_command_file_can_be_ended_by_another(self):
        with open(os.path.join(KIT, 'pktgen/run-10s.pkt'), encoding='ascii') as file:
            words = [line.split()[0] for line in file if line[0] != '#']
        self.assertEqual(words, ['start', 'sleep', 'stop', 'quit'])


class Results(unittest.TestCase):
    """One form of result, and what it means."""

    def made(self, **more):
        """A good one."""
        return {'schema_version': 1, 'scenario': 'syn-flood', 'started': '2026-01-01T00:00:00',
                'verdict': 'pass', 'reasons': [], 'generator': {
                    'name': 'trafgen', 'version': '1', 'path': '/x', 'passed_over': []},
                'via': 'tap:x', 'target': '192.0.2.1:80', 'seed': 1, 'frames': 10,
                'asked_pps': 1000, 'asked_s': 1, 'took_s': 1.0, 'sent': 10000, 'sent_pps': 1000,
                'received': 10000, 'received_pps': 1000, 'loss_limit': 0.01,
                'device': {'received': 10000, 'expected': ['syn-cookie-sent'],
                           'as_expected': 10000, 'outcomes': {'syn-cookie-sent': 10000}},
                'clients': None, 'rfc2544': None, 'samples': [],
                'machine': {'cpu': 'x', 'cpus': 1, 'kernel': 'x'}, **more}

    def test_the_schema_takes_what_it_should_and_nothing_else(self):
        rule = result.schema()
        self.assertEqual(list(result.violations(self.made(), rule)), [])
        for more in ({'verdict': 'good'}, {'sent': -1}, {'sent': '1'}, {'sent': True}, {'x': 1},
                     {'asked_pps': 0}, {'device': {}}, {'samples': [{}]}, {'reasons': [1]},
                     {'scenario': 'syn'}, {'schema_version': 2}):
            self.assertNotEqual(list(result.violations(self.made(**more), rule)), [], more)
        without = self.made()
        del without['seed']
        self.assertEqual(list(result.violations(without, rule)), ['result.seed: missing'])
        self.assertEqual(set(rule['required']), set(rule['properties']))

    def test_a_verdict_is_about_the_device_only_where_there_was_a_flood(self):
        row = scenarios.SCENARIOS['syn-flood']
        rows = [
            ({}, 'pass'),
            ({'sent_pps': 949, 'received': 0}, 'saturated'),
            ({'sent_pps': 951}, 'pass'),
            ({'asked_pps': None, 'sent_pps': 1}, 'pass'),
            ({'received': 9800}, 'fail'),
            ({'received': 9901}, 'pass'),
            ({'received': 10400}, 'fail'),
            ({'device': None}, 'pass'),
        ]
        for more, verdict in rows:
            self.assertEqual(session.judge(self.made(**more), row)[0], verdict, more)
        made = self.made()
        made['device']['as_expected'] = 9000
        self.assertEqual(session.judge(made, row)[0], 'fail')

    def search(self, rate, ended):
        """The trials of a search against what answers all, or has ended when it begins."""
        made = session.Session.__new__(session.Session)
        made.row, made.gone = scenarios.SCENARIOS['rfc2544'], None
        made.options = argparse.Namespace(rate=rate, seconds=1, loss=0)
        made.place = argparse.Namespace(ended=lambda: ended, outcomes=dict)
        made.flood = lambda rate, seconds: (argparse.Namespace(samples=[]), {
            'sent': rate, 'sent_pps': rate, 'received': rate, 'received_pps': rate})
        made.device = lambda before: None
        with contextlib.redirect_stderr(io.StringIO()):
            return made.search()['rfc2544']

    def test_a_search_ends_with_a_result_whatever_happens(self):
        self.assertEqual(self.search(1000, 'signal 9'), {'rate_pps': 0, 'trials': []})
        for rate in (1, 1000):
            found = self.search(rate, None)
            self.assertEqual(found['rate_pps'], rate)
            self.assertEqual([trial['asked_pps'] for trial in found['trials']], [rate])

    def test_a_file_that_is_for_others_is_no_pass(self):
        row = scenarios.SCENARIOS['pcap-replay']
        for outcomes, verdict in (({'bad-mac': 9001}, 'fail'), ({'bad-mac': 9000}, 'pass'),
                                  ({'ip4-not-us': 5000, 'ip6-not-us': 5000}, 'fail')):
            made = self.made(scenario='pcap-replay')
            made['device'].update(outcomes=outcomes)
            self.assertEqual(session.judge(made, row)[0], verdict, outcomes)

    def test_an_appliance_that_is_gone_has_failed_whatever_else_there_is(self):
        row = scenarios.SCENARIOS['syn-flood']
        for more in ({}, {'sent_pps': 1}, {'device': None},
                     {'rfc2544': {'rate_pps': 5, 'trials': []}}):
            self.assertEqual(session.judge(self.made(**more), row, 'it ended'),
                             ('fail', ['it ended']))

    def test_clients_beside_a_flood_do_not_make_up_for_what_it_lost(self):
        made = self.made(clients={'within_1s': 1.0})
        made['device'].update(received=20000, as_expected=9000)
        self.assertEqual(session.judge(made, scenarios.SCENARIOS['mixed'])[0], 'fail')

    def test_a_search_of_pktgen_is_given_the_time_it_takes(self):
        made = generators.Pktgen.__new__(generators.Pktgen)
        for scenario, sendings in (('rfc2544', session.TRIALS_MAX + 2), ('syn-flood', 1)):
            made.options = argparse.Namespace(scenario=scenario)
            for seconds in (1, 10, 600):
                # Before each sending the scripts wait 1.1 s, and 2.2 s behind it.
                self.assertGreater(made.most_s(seconds), sendings * (seconds + 3.3) + 5)

    def test_half_a_result_is_taken_away(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.json')
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
            try:
                with self.assertRaises(OSError):
                    result.write_json(self.made(), path, None)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            self.assertFalse(os.path.exists(path))

    def test_the_words_say_saturated_and_not_failed(self):
        made = self.made(verdict='saturated', reasons=['it sent less'])
        self.assertIn('GENERATOR SATURATED (not a verdict on the device)',
                      result.words(made, []))
        self.assertIn('PASS   json: x', result.words(self.made(), ['json: x']))

    def test_a_result_is_written_as_it_was_checked(self):
        out = io.StringIO()
        result.write_json(self.made(), '-', out)
        self.assertEqual(json.loads(out.getvalue()), self.made())

    def test_a_plot_is_an_svg_with_both_lines(self):
        if shutil.which('gnuplot') is None:
            self.skipTest('not installed: gnuplot')
        samples = [{'t_s': t / 2, 'sent': 500 * t, 'received': 400 * t} for t in range(10)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.svg')
            result.plot(self.made(samples=samples), path)
            with open(path, encoding='utf-8') as file:
                text = file.read()
            self.assertTrue(text.startswith('<?xml'))
            for word in ('sent', 'received', 'asked', 'syn-flood'):
                self.assertIn(word, text)
            with self.assertRaises(RuntimeError):
                result.plot(self.made(), path)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
