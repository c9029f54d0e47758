#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The benchmarks run, and what they print is what the comparison makes of it."""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import compare  # noqa: E402
import flood_bed  # noqa: E402
import gate  # noqa: E402
import http_compare  # noqa: E402
import http_figures  # noqa: E402
import relay_compare  # noqa: E402
import report  # noqa: E402
import stages  # noqa: E402

ARRAYS = 6
HUGE_BYTES = 2 << 20
BUILD = os.environ.get('SLUICE_BUILD', os.path.join(report.ROOT, 'build'))


def line(who, number, bench, size, median):
    """A line of a benchmark as compare.measure returns it."""
    return {'who': who, 'round': number, 'bench': bench, 'size': size, 'median': median,
            'preempted': 1}


class Comparison(unittest.TestCase):
    """A whole round, short."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix='sluice-bench-') as folder:
            out = os.path.join(folder, 'out.json')
            done = subprocess.run(
                [os.path.join(HERE, 'compare.py'), '--build', BUILD, '--quick', '--runs', '1',
                 '--out', out], text=True, capture_output=True, timeout=60, check=False)
            if done.returncode != 0:
                raise AssertionError(done.stdout + done.stderr)
            cls.text = done.stdout
            cls.with_linux = 'without Linux' not in done.stderr
            with open(out, encoding='ascii') as file:
                cls.result = json.load(file)

    def test_every_operation_has_plausible_cycles(self):
        rows = self.result['rows']
        self.assertEqual({row['name'] for row in rows}, set(compare.OPERATIONS))
        for row in rows:
            with self.subTest(row['name'], size=row['connections']):
                ours = row['ours']
                self.assertTrue(5 < ours['min'] <= ours['median'] <= ours['max'] < 1000000)
                self.assertIn(row['what'], self.text)

    def test_linux_stands_beside_it_and_costs_more_than_its_tap(self):
        if not self.with_linux:
            self.skipTest('no network namespace with a tap can be made here')
        floor = self.result['tap_floor']['median']
        beside = [row for row in self.result['rows'] if row['linux']]
        self.assertEqual({row['axis'] for row in beside}, {'a', 'a2', 'b', 'c'})
        self.assertGreater(floor, 50)
        for row in beside:
            with self.subTest(row['name'], size=row['connections']):
                self.assertTrue(floor < row['linux']['median'] < 10000000)
                self.assertGreater(row['ratio'], 0)

    def test_memory_is_what_the_structures_say(self):
        lines = self.result['memory']
        self.assertEqual({entry['bench'] for entry in lines}, set(compare.LIFETIMES))
        for entry in lines:
            with self.subTest(entry['bench']):
                self.assertAlmostEqual(entry['entry'] + entry['timer'] + entry['table'],
                                       entry['all'], delta=0.2)
                # Arrays that fill up from their start are resident a huge page ahead.
                ahead = ARRAYS * HUGE_BYTES / entry['size']
                self.assertGreater(entry['resident'], entry['all'] - 25)
                self.assertLess(entry['resident'], entry['all'] + 25 + ahead)

    def test_full_segments_stand_beside_those_of_linux(self):
        printed = {entry['bench'] for entry in self.result['lines']}
        self.assertLessEqual(set(compare.BULK), printed)
        for what, _ in compare.BULK.values():
            self.assertIn(what, self.text)
        if self.with_linux:
            self.assertLessEqual({'linux_' + name for name in compare.BOTH_ENDS}, printed)

    def test_time_of_a_request_is_counted_once_for_each(self):
        names = [name for name in compare.RESIDENCE if self.with_linux or 'linux' not in name]
        for name in names:
            with self.subTest(name):
                took, = [entry for entry in self.result['lines'] if entry['bench'] == name]
                self.assertTrue(0 < took['p50'] <= took['p99'] <= took['p999'])

    def test_two_engines_work_at_once(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest('one CPU')
        for what, _ in compare.SCALING.values():
            self.assertIn(what, self.text)

    def test_each_attack_stands_beside_a_request(self):
        printed = {entry['bench'] for entry in self.result['lines']}
        self.assertLessEqual(set(compare.ATTACKS) | {compare.ATTACKED}, printed)
        for what in compare.ATTACKS.values():
            self.assertIn(what, self.text)

    def test_idle_connections_are_woken_and_parked(self):
        rows = [entry for entry in self.result['lines'] if entry['bench'] == 'idle_memory']
        self.assertEqual([entry['size'] for entry in rows], [1000, 2000])
        for entry in rows:
            # What so few take is less than what the allocator keeps of earlier runs.
            self.assertGreaterEqual(entry['live'], 0)
            self.assertLessEqual(entry['awake'], entry['size'])


class Floors(unittest.TestCase):
    """Programs that are run by hand, for what stands beside a figure in the document."""

    def lines(self, *words):
        """What a program prints."""
        command = [os.path.join(BUILD, 'tests/bench', words[0]), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(text) for text in done.stdout.splitlines()]

    def test_requests_come_few_at_a_time(self):
        rows = self.lines('bench_engine', '--quick', 'request_bursts')
        self.assertEqual([row['size'] for row in rows], [1, 2, 4, 8, 16, 32])
        self.assertTrue(all(row['median'] > 0 for row in rows))

    def test_a_thread_is_woken(self):
        row, = self.lines('wake_floor', '--quick')
        self.assertTrue(0 < row['p50'] <= row['p99'])


class Figures(unittest.TestCase):
    """Lines that are known make rows that are known."""

    def test_figures_are_medians_of_the_rounds(self):
        lines = [line('ours', n, 'request', 64, value) for n, value in enumerate((30, 10, 20))]
        lines += [line('linux', n, 'linux_request', 64, 200) for n in range(3)]
        lines += [line('linux', n, 'linux_tap_floor', 0, 50) for n in range(3)]
        (row,), floor = compare.compare(lines)
        self.assertEqual((row['ours']['min'], row['ours']['median'], row['ours']['max']),
                         (10, 20, 30))
        self.assertEqual((row['ratio'], row['ratio_without_tap']), (10, 7.5))
        self.assertEqual((row['target'], row['preempted'], floor['median']), (220, 6, 50))

    def test_two_engines_are_compared_with_twice_one(self):
        lines = [line('ours', n, 'scaling_one', 1000, 90 + n) for n in range(3)]
        lines += [line('ours', n, 'scaling_two', 1000, 2 * (90 + n)) for n in range(3)]
        _, table = compare.scaling_table(lines)
        self.assertEqual(table[0][1:], ['90.0 / 91.0 / 92.0', '180 / 182 / 184',
                                        '0.50 / 0.50 / 0.50', '0.95'])

    def test_the_kernel_is_compared_where_it_does_the_same(self):
        lines = [line('ours', 0, name, 8, 100) for name in compare.BULK]
        lines += [line('linux', 0, 'linux_' + name, 8, 5000) for name in compare.BOTH_ENDS]
        _, table = compare.bulk_table(lines)
        self.assertEqual([row[4] for row in table], ['-', '50.0x', '-', '50.0x', '50.0x'])

    def test_idle_connections_are_measured_by_a_thousand(self):
        lines = [line('ours', 0, name, size, value) for name, size, value in (
            ('idle_request', 1000, 100), ('idle_request', 10000000, 220),
            ('idle_keepalive', 1000, 50), ('idle_keepalive', 10000000, 75))]
        lines += [{'who': 'ours', 'bench': 'idle_memory', 'size': 10000000, 'idle': 2.5e9,
                   'live': 2.55e9, 'awake': 7}]
        _, (row,) = compare.idle_table(lines)
        self.assertEqual(row, ['10000000', '2.2x', '220 / 220 / 220', '2.2x',
                               '75.0 / 75.0 / 75.0', '1.5x', '2600', '2500', '2550', '7'])

    def test_an_axis_that_fills_the_machine_is_asked_for_by_name(self):
        parser = argparse.ArgumentParser()
        self.assertNotIn('h-most', compare.chosen_axes(parser, None))
        self.assertEqual(compare.chosen_axes(parser, 'a,h'), ['a', 'h', 'h-most'])

    def test_without_linux_there_is_no_ratio(self):
        (row,), floor = compare.compare([line('ours', 0, 'syn_cookie', 1000000, 90)])
        self.assertEqual((row['linux'], row['ratio'], floor), (None, None, None))
        self.assertEqual(row['target'], 150)

    def test_numbers_keep_three_digits(self):
        for value, text in ((1.234, '1.23'), (12.34, '12.3'), (1234.4, '1234'),
                            (12345, '12.3k'), (123456, '123k')):
            self.assertEqual(report.number(value), text)


class Gate(unittest.TestCase):
    """What became slower is shown."""

    @staticmethod
    def lines(request, live, loops=(10, 50)):
        """Two rounds, the first of them disturbed."""
        values = ((gate.COMPUTES, 0, loops[0]), (gate.FETCHES, 0, loops[1]),
                  ('request', 64, request), ('request_acked', 1000000, live))
        return [{'bench': bench, 'size': size, 'min': value * factor}
                for factor in (3, 1) for bench, size, value in values]

    def test_a_change_beyond_the_limit_is_shown(self):
        then = gate.ratios(self.lines(400, 1000))
        for request, live, words in ((400, 1000, ['same', 'same']), (419, 1000, ['same', 'same']),
                                     (421, 1000, ['SLOWER', 'same']),
                                     (400, 1051, ['SLOWER', 'same']),
                                     (379, 1000, ['same', 'faster'])):
            with self.subTest(request=request, live=live):
                shown = gate.verdict(gate.ratios(self.lines(request, live)), then, 5)
                self.assertEqual([text.split()[0] for text in shown], words)

    def test_a_slower_machine_is_no_slower_engine(self):
        then, now = self.lines(400, 1000), self.lines(800, 3000, (20, 150))
        for text in gate.verdict(gate.ratios(now), gate.ratios(then), 5):
            self.assertTrue(text.startswith('same'), text)

    def test_a_byte_more_in_a_connection_is_compared_as_it_is(self):
        def memory(size):
            return self.lines(1, 1) + [{'bench': 'memory_established', 'size': 9, 'all': size}]
        self.assertEqual(
            gate.verdict(gate.ratios(memory(270)), gate.ratios(memory(253)), 5)[0].split()[:2],
            ['SLOWER', 'memory_established'])

    def test_figures_without_a_partner_are_named(self):
        shown = gate.verdict({'new 1': 1.0}, {'old 1': 1.0}, 5)
        self.assertEqual([text.split()[:2] for text in shown], [['NEW', 'new'], ['GONE', 'old']])

    def test_an_engine_made_slower_is_found_out(self):
        with tempfile.TemporaryDirectory(prefix='sluice-bench-') as folder:
            def run(*words, **env):
                done = subprocess.run(
                    [os.path.join(HERE, 'gate.py'), '--build', BUILD, '--quick', '--runs', '1',
                     '--limit', '400', '--baselines', os.path.join(folder, 'b.json'), *words],
                    text=True, capture_output=True, timeout=120, check=True,
                    env={**os.environ, **env})
                return done.stdout
            self.assertIn('no baseline', run())
            self.assertIn('stored', run('--store'))
            self.assertNotIn('SLOWER', run())
            for text in run(SLUICE_BENCH_WASTE='1000000').splitlines():
                word, name = text.split()[:2]
                self.assertEqual(word, 'same' if name.startswith('memory') else 'SLOWER', text)


class Http(unittest.TestCase):
    """What clients print becomes figures."""

    class Bed:
        """A client that says what it is told to."""
        options = argparse.Namespace(seconds=1, megabytes=8)
        url = staticmethod(http_compare.Bed.url)

        def __init__(self, text):
            self.text = text

        def client(self, *_):
            """What it printed."""
            return self.text

    def test_failures_of_wrk_are_counted(self):
        text = '     50%   97.00us\n     99%    1.50ms\n' \
            '  Socket errors: connect 1, read 2, write 3, timeout 4\n' \
            '  Non-2xx or 3xx responses: 5\nRequests/sec:  12345.67\n'
        self.assertEqual(http_figures.requests(self.Bed(text), 64),
                         ({'rps-64': 12345.67, 'p50-64': 97.0, 'p99-64': 1500.0}, 15))

    def test_the_table_has_all_that_wrk_says(self):
        for count in (1, 64, 1000):
            made, _ = http_figures.requests(self.Bed('Requests/sec: 1\n'), count)
            self.assertLessEqual(set(made), set(http_figures.FIGURES))

    def test_failures_of_ab_are_counted(self):
        text = 'Complete requests:      900\nFailed requests:        7\n' \
            'Non-2xx responses:      2\nRequests per second:    300.50 [#/sec] (mean)\n'
        self.assertEqual(http_figures.connections(self.Bed(text)), ({'cps': 300.5}, 9))

    def test_short_download_is_a_failure(self):
        for size, bad in ((8388608, 0), (8388607, 1)):
            self.assertEqual(http_figures.download(self.Bed(f'{size} 125000000')),
                             ({'down': 1.0}, bad))

    def test_client_without_a_figure_is_an_error(self):
        with self.assertRaises(RuntimeError):
            http_figures.requests(self.Bed('unable to connect'), 1)

    def test_servers_are_measured_by_nginx(self):
        lines = [{'server': server, 'figure': 'down', 'round': 0, 'value': value, 'bad': bad}
                 for server, value, bad in (('sluiced', 6.0, 1), ('nginx', 4.0, 0))]
        rows = http_compare.compare(lines, ['sluiced', 'nginx', 'epoll'], ['download'])
        self.assertEqual(rows[0]['ratio'], {'sluiced': 1.5, 'epoll': None})
        head, table = http_compare.table(rows, ['sluiced', 'nginx', 'epoll'])
        self.assertEqual(head, ['', 'sluiced', 'nginx', 'epoll'])
        self.assertEqual(table, [['one download, Gb/s', '6.00 / 6.00 / 6.00 (1.50x), 1 failed',
                                  '4.00 / 4.00 / 4.00', '-']])

    def test_another_server_is_a_program(self):
        parser = argparse.ArgumentParser()
        self.addCleanup(http_compare.SERVERS.pop, 'mine', None)
        self.assertEqual(http_compare.more_servers(parser, ['mine=' + sys.executable]), ['mine'])
        for text in ('mine=' + sys.executable, 'nginx=/bin/sh', 'other=/nonexistent', 'other'):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                http_compare.more_servers(parser, [text])


    def test_a_program_in_the_place_for_stacks_is_a_server_of_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, mode in (('mine', 0o755), ('notes.txt', 0o644), ('off', 0o644),
                               ('nginx', 0o755)):
                with open(os.path.join(folder, name), 'w', encoding='ascii'):
                    os.chmod(os.path.join(folder, name), mode)
            self.addCleanup(http_compare.SERVERS.pop, 'mine', None)
            self.assertEqual(http_compare.add_stacks(folder), ['mine'])
            self.assertEqual(http_compare.SERVERS['mine'][0], os.path.join(folder, 'mine'))
            self.assertEqual(http_compare.SERVERS['nginx'][0], 'nginx')

    def test_a_server_that_dies_takes_no_other_with_it(self):
        class Bed:
            """Whose figures are an error for all but one."""
            options = argparse.Namespace(runs=1)

            def __init__(self, _):
                self.stopped = []

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def start(self, name):
                """It is of no interest how."""
                self.server = name

            def stop(self):
                """Counted."""
                self.stopped.append(self.server)

        def figures(bed):
            if bed.server != 'good':
                raise {'gone': FileNotFoundError('/proc/1/status'),
                       'silent': ValueError('not enough values'),
                       'closed': BrokenPipeError()}[bed.server]
            return {'down': 1.0}, 0
        with mock.patch.object(http_compare, 'Bed', Bed), \
                mock.patch.dict(http_figures.MEASURE, {'download': figures}), \
                contextlib.redirect_stderr(io.StringIO()):
            lines = http_compare.measure(Bed.options, ['gone', 'silent', 'closed', 'good'],
                                         ['download'])
        self.assertEqual(['error' in line for line in lines], [True, True, True, False])


class FloodLink(unittest.TestCase):
    """The wire of floods over vhost ends in the middle."""

    def test_it_is_named_and_the_server_is_stopped(self):
        with subprocess.Popen(['sh', '-c', 'exit 3'], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as link:
            link.wait(10)
            made = flood_bed.VhostBed.__new__(flood_bed.VhostBed)
            made.link = link
            # The first may still find room in the pipe's buffer, and no answer.
            with self.assertRaisesRegex(RuntimeError, 'ended'):
                made.order('syn 1000')
            with mock.patch.object(http_compare.Bed, 'stop') as stop:
                made.stop()
            stop.assert_called_once()
            self.assertIsNone(made.link)


class Relay(unittest.TestCase):
    """Lines of the clients behind the relay become rows."""

    @staticmethod
    def lines(test, figure, ours, linux):
        """Rounds of both servers on one path."""
        return [{'server': server, 'round': number, 'test': test, 'rtt_ms': 10, 'loss': '1 %',
                 figure: value, 'timeouts': number, 'lost': 5}
                for server, values in (('sluiced', ours), ('linux', linux))
                for number, value in enumerate(values)]

    def test_more_goodput_and_shorter_times_are_better(self):
        lines = self.lines('download', 'mbps', (30, 10, 20), (10, 10, 10))
        lines += self.lines('response', 'p99_ms', (50, 50, 50), (100, 75, 25))
        lines.append({'server': 'linux', 'round': 1, 'error': 'lost'})
        (row,) = relay_compare.rows_of(lines, 'download')
        self.assertEqual((row['ratio'], row['sluiced']['median'], row['timeouts']['linux']['max']),
                         (2, 20, 2))
        (row,) = relay_compare.rows_of(lines, 'response')
        self.assertEqual(row['ratio'], 1.5)
        self.assertEqual(relay_compare.rows_of(lines, 'upload'), [])
        head, (cells,) = relay_compare.table(lines, 'download')
        self.assertEqual(len(head), len(cells))
        self.assertEqual(cells[:2] + cells[4:5], ['10', '1 %', '2.00x'])


class Words(unittest.TestCase):
    def test_processors_of_one_name_are_told_apart(self):
        text = ('processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n'
                'stepping\t: 1\n')
        self.assertEqual(report.cpu_name(text), 'AMD EPYC (family 25, model 17)')
        self.assertEqual(report.cpu_name('model name : Some ARM\n'), 'Some ARM')

    def test_every_command_says_how_it_is_used(self):
        for name in ('compare', 'flood', 'gate', 'http_compare', 'port_floor', 'relay_compare',
                     'stages'):
            with self.subTest(command=name):
                done = subprocess.run([sys.executable, os.path.join(HERE, name + '.py'), '--help'],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertIn('usage: ', done.stdout)


class Document(unittest.TestCase):
    """Tables get into a document, and nothing else is touched."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-bench-')
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, 'doc.md')

    def write(self, text):
        """The document."""
        with open(self.path, 'w', encoding='ascii') as file:
            file.write(text)

    def test_table_replaces_what_stands_between_its_marks(self):
        self.write('before\n<!-- a -->\nold\n<!-- end a -->\n<!-- b -->\nkept\n<!-- end b -->\n')
        options = argparse.Namespace(update=self.path, markdown=True, out=None, runs=1)
        with contextlib.redirect_stdout(io.StringIO()):
            report.publish(options, {'a': (['x'], [['1']]), 'b': (['x'], [])}, {})
        with open(self.path, encoding='ascii') as file:
            text = file.read()
        self.assertTrue(text.startswith('before\n<!-- a -->\n| x |\n| --- |\n| 1 |\n'))
        self.assertTrue(text.endswith('<!-- end a -->\n<!-- b -->\nkept\n<!-- end b -->\n'))
        self.assertNotIn('old', text)

    def test_document_without_marks_is_refused(self):
        self.write('nothing here\n')
        with self.assertRaises(SystemExit):
            report.update(self.path, 'a', 'text')


CALLGRIND = """\
version: 1
events: Ir

fl=(8) /b/../t/tests/bench/bench_engine.c
fn=(6) bench_syn
1 0
cfi=(1) /b/../t/tests/bench/membed.c
cfn=(1) membed_burst.constprop.0
calls=2 0
* 1405

fl=(1)
fn=(1)
10 5
cfi=(2) /b/../t/tests/bench/peer_frames.c
cfn=(2) peer_frame_write
calls=4 0
+1 400
cfi=(3) /b/../t/stack/worker/worker.c
cfn=(3) worker_rx
calls=1 0
* 1000

fl=(2)
fn=(2)
66 400

fl=(3)
fn=(3)
20 40
fi=(4) /b/../t/stack/base/siphash.h
-3 100
fe=(3)
+2 20
fi=(5) /b/../t/stack/base/compiler.h
7 8

fl=(6) /b/../t/tests/bench/engine_peers.c
fn=(4) echo_readable
1 12

fl=(7) ./string/memmove.S
fn=(5) __memcpy_avx_unaligned_erms
1 4
"""


class Stages(unittest.TestCase):
    """What callgrind counted, an operation and stage."""

    def test_instructions_are_shared_out_by_the_file_they_come_from(self):
        found = stages.Profile(CALLGRIND.splitlines()).stages('membed_burst', 1)
        self.assertEqual(found, {'Ethernet, IP, checks': 34, 'hash of the tuple': 50,
                                 'API and service': 6, stages.COPIES: 2})

    def test_a_table_ends_with_the_sum(self):
        head, rows = stages.table({'request': {'hash of the tuple': 50, stages.REST: 7.4}})
        self.assertEqual(head, ['instructions', 'request of 64 B'])
        self.assertEqual(rows, [['hash of the tuple', '50'], ['rest', '7'], ['all', '57']])


if __name__ == '__main__':
    unittest.main(verbosity=2)
