#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of sluicectl as its users meet it, against a made-up daemon on a real socket."""

import json
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

CLI, DAEMON = sys.argv[1:3]
# Where nstat keeps its values.
RUNTIME = tempfile.TemporaryDirectory(prefix='sluice-cli-')


class Daemon:
    """fake_daemon with so many connections per worker, on a socket of its own."""

    def __init__(self, connections=3, path=None, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
        self.path = path or os.path.join(self.folder.name, 'c.sock')
        self.process = subprocess.Popen([DAEMON, self.path, str(connections)],
                                        stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        if self.process.stdout.readline() != 'ready\n':
            raise RuntimeError('fake_daemon does not start')

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def cli(*words, path=None, env=None):
    """Run sluicectl; its exit code, standard output and standard error."""
    full = {**os.environ, 'XDG_RUNTIME_DIR': RUNTIME.name, **(env or {})}
    full.pop('SLUICE_SOCKET', None)
    if path is not None:
        full['SLUICE_SOCKET'] = path
    done = subprocess.run([CLI, *words], capture_output=True, text=True, env=full, timeout=30,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def scripted(*lines, greeting=b'{"sluice":"x","protocol":1,"schema_version":1,"role":"read"}\n'):
    """A daemon that greets and then says these lines, whatever it is asked."""
    folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
    path = os.path.join(folder.name, 'c.sock')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4)

    def serve():
        client, _ = listener.accept()
        with client:
            client.sendall(greeting)
            for line in lines:
                if not client.recv(65536):
                    return
                client.sendall(line)
            while client.recv(65536):
                pass

    threading.Thread(target=serve, daemon=True).start()
    return folder, listener, path


class Shared(unittest.TestCase):
    """Tests that share one daemon."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def ok(self, *words, **kwargs):
        code, out, err = cli(*words, path=self.daemon.path, **kwargs)
        self.assertEqual((code, err), (0, ''), words)
        return out

    def fails(self, code, message, *words):
        got, out, err = cli(*words, path=self.daemon.path)
        self.assertEqual((got, out), (code, ''), words)
        self.assertIn(message, err)

    def test_every_command_has_json_of_one_object(self):
        for words in (['show', 'version'], ['show', 'stats'], ['show', 'drops'],
                      ['show', 'outcomes'], ['show', 'counters'], ['show', 'cores'],
                      ['show', 'ports'], ['show', 'listeners'], ['show', 'connections'],
                      ['show', 'tunables'], ['show', 'config'], ['get', 'tcp_sack'],
                      ['set', 'tcp_sack', '1'], ['nstat'], ['top', '--once'],
                      ['metrics']):
            out = self.ok(*words, '--json')
            self.assertEqual(out.count('\n'), 1, words)
            self.assertEqual(json.loads(out)['schema_version'], 1, words)
            self.assertNotEqual(self.ok(*words), '', words)

    def test_cores_show_how_long_they_were_kept_from_running(self):
        head, row, _ = self.ok('show', 'cores', '--plain').strip().split('\n')
        cells = dict(zip(head.split(), row.split()))
        self.assertEqual((cells['BUSY'], cells['STALL']), ('25%', '2%'))

    def test_words_may_be_cut_short_while_unique(self):
        # A second may pass in between.
        short, whole = ([line for line in self.ok(*words).split('\n') if 'uptime' not in line]
                        for words in (('sho', 'vers'), ('show', 'version')))
        self.assertEqual(short, whole)
        self.fails(2, "'con' could be: show connections, show config", 'show', 'con')
        self.fails(2, "'show' could be: show version, show stats", 'show')
        self.fails(2, "did you mean 'show drops'?", 'show', 'drosp')
        self.fails(2, "did you mean 'show drops'?", 'shw', 'drops', '--all')
        self.fails(2, 'sluicectl help lists all', 'frobnicate')

    def test_wrong_usage_is_explained_with_exit_code_2(self):
        self.fails(2, "has no option '--al'", 'show', 'drops', '--al')
        self.fails(2, "takes no 'x'", 'show', 'drops', 'x')
        self.fails(2, "get needs 'name'", 'get')
        self.fails(2, "set needs 'value'", 'set', 'tcp_sack')
        self.fails(2, "'--limit' needs a value", 'show', 'connections', '--limit')
        self.fails(2, "'--socket' needs a value", 'show', 'version', '--socket')
        self.fails(2, 'not a number of seconds', 'show', 'version', '--timeout', 'soon')
        self.fails(2, 'none of auto, always, never', 'show', 'version', '--color=red')
        self.fails(2, 'it needs a command')
        self.fails(2, 'changes things', 'watch', '1', 'set', 'tcp_sack', '1')
        self.fails(2, "no completion for 'fish'", 'completion', 'fish')

    def test_a_slip_is_met_with_what_was_meant(self):
        for message, words in (
                ("did you mean 'show'?", ('shwo',)),
                ("did you mean 'doctor'?", ('docter', '--config', 'x')),
                ("did you mean 'reason'?", ('trace', '--reson=x')),
                ("did you mean 'snaplen'?", ('capture', 'x', '--snaplne', '9')),
                ("sluicectl help show stats lists what it takes", ('show', 'stats', '--frob')),
                ("show stats has no option '-x'", ('show', 'stats', '-x')),
                ("there is no option '-x'", ('-x',)),
                ("usage: sluicectl set NAME VALUE", ('set', 'tcp_sack')),
                ("usage: sluicectl capture FILE", ('capture',))):
            self.fails(2, message, *words)

    def test_a_daemon_that_is_older_is_named(self):
        folder, listener, path = scripted(
            b'{"error":{"code":"E_UNKNOWN_COMMAND","message":"no command is called x"}}\n',
            greeting=b'{"sluice":"0.0.1","protocol":1,"schema_version":1,"role":"read"}\n')
        with folder, listener:
            code, out, err = cli('show', 'version', path=path)
        self.assertEqual((code, out), (1, ''))
        self.assertIn('the daemon is sluice 0.0.1, older than this sluicectl: restart it', err)

    def test_sockets_that_are_none_or_not_ours_are_told_apart(self):
        with tempfile.TemporaryDirectory(prefix='sluice-cli-') as folder:
            plain = os.path.join(folder, 'file')
            with open(plain, 'w', encoding='ascii'):
                pass
            for path, code, message in (
                    (plain, 3, 'no daemon at %s: Connection refused; is sluiced running?' % plain),
                    (os.path.join(folder, 'none'), 3, 'No such file or directory; is sluiced'),
                    (os.path.join(plain, 'x'), 3, 'Not a directory'),
                    ('x' * 200, 2, 'socket path too long')):
                got, out, err = cli('show', 'version', '--socket', path)
                self.assertEqual((got, out), (code, ''), err)
                self.assertIn(message, err)
            if os.getuid() != 0:
                os.chmod(folder, 0)
                got, _, err = cli('show', 'version', '--socket', plain)
                os.chmod(folder, 0o700)
                self.assertEqual(got, 5)
                self.assertIn('control.group', err)

    def test_the_daemon_saying_no_is_exit_code_1(self):
        self.fails(1, "did you mean 'tcp_sack' or 'tcp_dsack'?", 'get', 'tcp_sak')
        self.fails(1, '1..3600', 'set', 'tcp_fin_timeout', '0')
        self.fails(1, 'tcp_tw_reuse', 'set', 'tcp_tw_recycle', '1')
        code, out, err = cli('get', 'tcp_sak', '--json', path=self.daemon.path)
        self.assertEqual((code, err), (1, ''))
        self.assertEqual(json.loads(out)['error']['code'], 'E_UNKNOWN_TUNABLE')

    def test_set_takes_units_several_numbers_and_assignments(self):
        self.assertEqual(self.ok('set', 'tcp_fin_timeout', '2m'), 'tcp_fin_timeout = 120\n')
        # As sysctl writes it.
        self.assertEqual(self.ok('set', 'net.ipv4.tcp_fin_timeout=80'), 'tcp_fin_timeout = 80\n')
        self.assertIn('somaxconn = ', self.ok('get', 'net.core.somaxconn'))
        self.fails(1, "'tcp_fin'", 'get', 'net.ipv4.tcp_fin')
        self.assertEqual(self.ok('set', 'tcp_fin_timeout=90'), 'tcp_fin_timeout = 90\n')
        self.assertEqual(self.ok('set', 'tcp_rmem', '4096', '16Ki', '1Mi'),
                         'tcp_rmem = 4096 16384 1048576\n')
        self.assertEqual(self.ok('get', 'tcp_rmem', '--plain'),
                         'tcp_rmem = 4096 16384 1048576\n')
        self.assertEqual(self.ok('set', 'tcp_congestion_control', 'reno'),
                         'tcp_congestion_control = reno\n')
        row = [line for line in self.ok('show', 'tunables').split('\n')
               if line.startswith('tcp_fin_timeout')][0]
        self.assertEqual(row.split()[1:3], ['90', '60'])

    def test_numbers_have_separators_for_people_only(self):
        self.assertIn('148,800', self.ok('show', 'drops'))
        self.assertIn('148800', self.ok('show', 'drops', '--plain'))
        self.assertIn('148800', self.ok('show', 'drops', '--json'))

    def test_drops_add_up(self):
        answer = json.loads(self.ok('show', 'drops', '--json'))
        self.assertEqual(sum(row['packets'] for row in answer['drops']), answer['total'])
        self.assertEqual(answer['total'] + answer['delivered'], answer['received'])

    def test_rates_come_from_two_answers(self):
        row = [line for line in self.ok('show', 'drops', '--plain').split('\n')
               if line.startswith('no-listener')][0]
        self.assertGreater(int(row.split()[2]), 0)

    def test_drops_have_an_age(self):
        head, *rows = self.ok('show', 'drops').strip().split('\n')
        self.assertEqual(head.split(), ['REASON', 'PACKETS', '/s', 'LAST', 'MEANING'])
        self.assertRegex(rows[0].split()[3], r'^\d+\.\ds$')
        self.assertRegex(rows[-1].split()[3], r'^\d+\.\ds$')
        self.assertIn('= received', rows[-1])
        self.assertRegex(self.ok('show', 'drops', '--plain').split('\n')[1].split()[3],
                         r'^\d+\.\d$')
        rows = json.loads(self.ok('show', 'drops', '--all', '--json'))['drops']
        self.assertEqual([row['last_s'] is None for row in rows],
                         [row['packets'] == 0 for row in rows])

    def test_a_secret_is_set_and_never_shown(self):
        self.assertIn('tcp_fastopen_key = random\n', self.ok('get', 'tcp_fastopen_key'))
        self.assertEqual(self.ok('set', 'tcp_fastopen_key', 'aaaabbbb-1-2-3', '4-5-6-7'),
                         'tcp_fastopen_key = set, with a backup\n')
        for words in (['get', 'tcp_fastopen_key'], ['show', 'tunables'], ['show', 'config']):
            self.assertNotIn('aaaabbbb', self.ok(*words, '--json'))
        self.fails(1, 'is no key; allowed: random, or KEY[,BACKUP]', 'set', 'tcp_fastopen_key', 'x')
        self.ok('set', 'tcp_fastopen_key', 'random')

    def test_features_say_what_is_missing_and_what_it_means(self):
        head, row, *remarks = self.ok('show', 'ports', '--features').strip().split('\n')
        self.assertEqual(head.split(), ['PORT', 'DRIVER', 'LINK', 'QUEUES', 'CSUM-RX', 'CSUM-TX',
                                        'TSO', 'LRO', 'RSS-KEY', 'RETA', 'MTU'])
        self.assertEqual(row.split(), ['wan0', 'net_tap', '10G', 'up', '2/2', 'hw', 'sw(!)', 'off',
                                       '-', 'fixed(!)', '-', '1,500'])
        self.assertEqual([line.split(':')[0] for line in remarks],
                         ['(!) wan0 csum_tx', '(!) wan0 rss_key'])
        plain = self.ok('show', 'ports', '--features', '--plain')
        self.assertNotIn('(!)', plain)
        self.assertEqual(plain.count('\n'), 2)
        port = json.loads(self.ok('show', 'ports', '--features', '--json'))['ports'][0]
        self.assertEqual([r['feature'] for r in port['features']['remarks']],
                         ['csum_tx', 'rss_key'])

    def test_listeners_are_shown_as_ss_does(self):
        head, _, http = self.ok('show', 'listeners', '--plain').split('\n')[:3]
        row = dict(zip(head.split(), http.split()))
        self.assertEqual((row['LOCAL'], row['RECV-Q'], row['SEND-Q'], row['SYN-MAX']),
                         ('*:80', '2', '4096', '8192'))
        self.assertEqual((row['COOKIES'], row['SENT'], row['DROP-SYNQ'], row['DROP-EARLY'],
                          row['DROP-ACCEPT'], row['DROP-SOURCE']),
                         ('if-full', '24', '2', '4', '6', '8'))
        self.assertEqual((row['TFO'], row['TFO-OK'], row['TFO-FAIL']), ('2/256', '40', '6'))
        head, *rows = self.ok('show', 'listeners', '--cores', '--plain').strip().split('\n')
        self.assertEqual([row.split()[:2] for row in rows],
                         [['0', 'echo'], ['0', 'http'], ['1', 'echo'], ['1', 'http']])
        rows = json.loads(self.ok('show', 'listeners', '--cores', '--json'))['listeners']
        self.assertEqual([row['worker'] for row in rows], [0, 0, 1, 1])
        self.assertEqual(len(self.ok('show', 'listeners', '--json-lines').split('\n')), 3)

    def test_filters_of_connections(self):
        lines = self.ok('show', 'connections', '--state', 'time-wait', '--json-lines').split('\n')
        self.assertEqual([json.loads(line)['state'] for line in lines if line],
                         ['time-wait', 'time-wait'])
        out = self.ok('show', 'connections', '--limit=2', '--plain')
        self.assertEqual(out.count('\n'), 3)
        self.fails(1, "'open'", 'show', 'connections', '--state', 'open')
        # ss has shorter names for three.
        for name, of_ss in (('established', 'estab'), ('syn-received', 'syn-recv'),
                            ('listen', 'listening')):
            self.assertEqual(self.ok('show', 'connections', '--state', of_ss),
                             self.ok('show', 'connections', '--state', name))

    def test_info_is_what_ss_shows(self):
        out = self.ok('show', 'connections', '--info', '--limit', '1')
        row, info = out.strip().split('\n')[1:]
        self.assertIn('192.0.2.1:80', row)
        self.assertEqual(info.strip(), 'ts sack ecn cubic wscale:7,8 rto:204 backoff:1 '
                         'rtt:1.500/0.750 ato:40 mss:1460 pmtu:1512 rcvmss:536 advmss:1448 cwnd:10 '
                         'acked(mod-4Gi):123456 received(mod-4Gi):7890 send:77.87Mbps '
                         'lastsnd:56 lastrcv:34 lastack:12 delivery_rate 73.00Mbps ca:recovery '
                         'unacked:4 retrans:1/7 lost:2 sacked:1 notsent:99 rwnd_limited')
        out = self.ok('show', 'connections', '--info', '--limit', '1', '--plain')
        self.assertEqual(out.count('\n'), 2)
        self.assertNotIn('segs_in', out)
        out = self.ok('show', 'connections', '--info', '--remote=:2', '--limit', '1')
        self.assertRegex(out, r' bytes_retrans:77 segs_in:6 send:.* busy:5ms '
                              r'rwnd_limited:3ms$')
        rows = json.loads(self.ok('show', 'connections', '--info', '--json', '--local', ':80',
                                  '--remote=192.0.2.9:2'))['connections']
        self.assertEqual([row['segs_in'] for row in rows], [6, 6])
        self.assertEqual([row['data_idle_ms'] for row in rows], [34, 34])
        self.fails(1, "remote 'x' is no address", 'show', 'connections', '--remote', 'x')

    def test_diagnose_finds_nothing_in_a_quiet_system(self):
        self.assertRegex(self.ok('diagnose', '--seconds', '1'),
                         r'^ok     nothing found by \d+ rules in 1\.\d s\n$')
        answer = json.loads(self.ok('diagnose', '--seconds=1', '--json'))
        self.assertEqual((answer['schema_version'], answer['findings']), (1, []))
        self.fails(2, 'not a number', 'diagnose', '--seconds', '0')
        self.fails(2, 'more than 50', 'diagnose', '--seconds', '51')

    def test_what_diagnose_finds_decides_its_exit_code(self):
        sick = Daemon(env={'FAKE_OVERFLOWS': '1'})
        try:
            code, out, err = cli('diagnose', '--seconds', '1', path=sick.path)
            self.assertEqual((code, err), (1, ''))
            self.assertRegex(out, r'^ERROR  accept-queue: the accept queue of echo \(port 7\)')
            self.assertIn('\n       fix: sluicectl set somaxconn 8192;', out)
            self.assertTrue(out.endswith('s\n'), out)
            code, out, err = cli('diagnose', '--seconds', '1', '--json', path=sick.path)
            self.assertEqual((code, err), (1, ''))
            self.assertEqual(json.loads(out)['findings'][0]['severity'], 'error')
        finally:
            sick.close()
        self.ok('set', 'tcp_max_syn_backlog', '100000')
        try:
            code, out, err = cli('diagnose', '--seconds', '1', path=self.daemon.path)
            self.assertEqual((code, err), (6, ''))
            self.assertIn('WARN   syn-backlog-alone', out)
        finally:
            self.ok('set', 'tcp_max_syn_backlog', '4096')

    def test_watch_repeats_and_top_draws_frames(self):
        out = self.ok('watch', '--count', '2', '1', 'show', 'vers')
        self.assertEqual(out.count('your role'), 2)
        lines = self.ok('watch', '1', '--count', '2', 'show', 'drops', '--json-lines')
        self.assertEqual(len([json.loads(line) for line in lines.strip().split('\n')]), 2)
        frame = self.ok('top', '--once', '--plain')
        for word in ('sluice 0.0.0-test', 'CORE', 'PORT', 'DROPS', 'no-listener'):
            self.assertIn(word, frame)
        self.assertLessEqual(frame.count('\n'), 24)
        self.assertLessEqual(max(map(len, frame.split('\n'))), 80)

    def test_batches_are_frames_as_text(self):
        out = self.ok('top', '--batch', '2')
        self.assertEqual(out.count('sluice 0.0.0-test'), 2)
        self.assertNotIn('\033', out)
        lines = self.ok('top', '--batch', '2', '--json-lines').strip().split('\n')
        self.assertEqual([json.loads(line)['version']['workers'] for line in lines], [2, 2])
        self.fails(2, 'exclude each other', 'top', '--once', '--batch', '2')
        self.fails(2, 'not a number', 'top', '--batch', '0')

    def test_keys_of_top_lead_to_pages_and_back(self):
        steps = ((b'c', 'cores by number', 'STALL'), (b's', 'cores by busy', 'STALL'),
                 (b'd', 'drops by packets', 'bad-tcp-csum'),
                 (b's', 'drops by /s', 'bad-tcp-csum'),
                 (b'\033[B', 'drops by /s', 'cookie-invalid'),
                 (b'p', 'ports ', 'net_tap'), (b'f', 'flows by bytes/s', '192.0.2.9:0'),
                 (b's', 'flows by retrans', '192.0.2.1:80'), (b'h', 'help ', 'arrows'),
                 (b'h', 'everything by packets', 'PKTS'), (b'f', 'flows', 'REMOTE'),
                 (b'\033', 'everything', 'PKTS'))
        with self.Terminal(self.daemon.path, 'top') as top:
            top.frame_with('everything by packets')
            for key, status, content in steps:
                top.press(key)
                frame = top.frame_with(status)
                self.assertIn(content, frame, key)
                # The one with the highest rate is above what the arrow leads to.
                self.assertFalse(key == b'\033[B' and 'no-listener' in frame, frame)
                lines = frame.replace('\r', '').split('\n')
                self.assertLessEqual(len(lines), 25, (key, frame))
                self.assertLessEqual(max(map(len, lines)), 80, (key, frame))
            top.press(b'q')
            self.assertEqual(top.process.wait(10), 0)

    class Terminal:
        """sluicectl on a terminal of 80x24 that a test types at."""

        def __init__(self, path, *words):
            self.master, slave = pty.openpty()
            subprocess.run(['stty', 'cols', '80', 'rows', '24'], stdin=slave, check=True)
            self.process = subprocess.Popen(
                [CLI, *words], stdin=slave, stdout=slave,
                env=dict(os.environ, SLUICE_SOCKET=path, NO_COLOR='1', TERM='xterm'))
            os.close(slave)
            self.text = ''

        def __enter__(self):
            return self

        def __exit__(self, *_):
            if self.process.poll() is None:
                self.process.terminate()
                self.process.wait()
            os.close(self.master)

        def press(self, keys):
            self.text = ''
            os.write(self.master, keys)

        def frame_with(self, status):
            """The next whole frame whose last line begins with this."""
            end = time.monotonic() + 20
            while time.monotonic() < end:
                for frame in self.text.split('\033[H\033[J')[1:]:
                    if '\n' + status in frame and frame.endswith('sort\r\n'):
                        return frame
                self.text += os.read(self.master, 65536).decode()
            raise AssertionError(f'no frame with {status}: {self.text}')

    def test_color_is_for_terminals_that_want_it(self):
        self.assertNotIn('\033', self.ok('show', 'ports'))
        self.assertIn('\033[1m', self.ok('show', 'ports', '--color=always'))
        self.assertNotIn('\033', self.ok('show', 'ports', '--color', 'always', '--plain'))
        for env, colored in (({'TERM': 'xterm'}, True), ({'TERM': 'dumb'}, False),
                             ({'TERM': 'xterm', 'NO_COLOR': '1'}, False)):
            self.assertEqual('\033[1m' in self.on_terminal(env, 'show', 'ports'), colored, env)

    def on_terminal(self, env, *words):
        """Output with a terminal of 80 columns as standard output."""
        master, slave = pty.openpty()
        full = dict(os.environ, SLUICE_SOCKET=self.daemon.path)
        full.pop('NO_COLOR', None)
        full.update(env)
        subprocess.run(['stty', 'cols', '80'], stdin=slave, check=True)
        subprocess.run([CLI, *words], stdout=slave, env=full, timeout=30, check=True)
        os.close(slave)
        text = b''
        try:
            while chunk := os.read(master, 65536):
                text += chunk
        except OSError:
            pass
        os.close(master)
        return text.decode()

    def test_what_is_wide_wraps_at_the_terminal(self):
        text = self.on_terminal({'NO_COLOR': '1'}, 'show', 'drops')
        self.assertLessEqual(max(len(line.rstrip('\r')) for line in text.split('\n')), 80)
        self.assertIn('offload', text)

    def test_help_names_every_command(self):
        out = self.ok('help')
        self.assertEqual(out, self.ok('--help'))
        for word in ('show drops', 'set NAME VALUE', 'watch', 'Exit status', '--json'):
            self.assertIn(word, out)
        self.assertIn('--features', self.ok('show', 'ports', '--help'))
        self.assertIn("Needs the role 'operate'", self.ok('help', 'set'))
        self.assertLessEqual(max(map(len, out.split('\n'))), 100)

    def test_the_manual_page_has_every_command_and_exit_code(self):
        page = self.ok('manual')
        for line in self.ok('completion', 'bash').split('\n'):
            if line.startswith("\t'') words='"):
                names = line.split("'")[3].split()
        self.assertIn('top', names)
        for name in names:
            self.assertRegex(page, rf'(?m)^\.B {name}\b')
        for code in range(7):
            self.assertRegex(page, rf'(?m)^\.TP\n{code}$')
        if shutil.which('groff') is not None:
            done = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-z'], input=page, text=True,
                                  capture_output=True, check=True)
            self.assertEqual(done.stderr, '')

    def complete(self, line):
        """What bash offers behind a line."""
        script = self.ok('completion', 'bash')
        words = line.split(' ')
        quoted = ' '.join(f"'{word}'" for word in words)
        run = (f'{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _sluicectl; '
               'echo "${COMPREPLY[@]}"')
        return subprocess.run(['bash', '-c', run], capture_output=True, text=True,
                              check=True).stdout.split()

    def test_completion_offers_what_may_follow(self):
        self.assertEqual(self.complete('sluicectl sh'), ['show'])
        self.assertEqual(self.complete('sluicectl show con'), ['connections', 'config'])
        self.assertEqual(self.complete('sluicectl get tcp_sa'), ['tcp_sack'])
        self.assertEqual(self.complete('sluicectl -s /x show drops --a'), ['--all'])
        self.assertNotIn('tcp_tw_recycle', self.complete('sluicectl set '))
        self.assertIn('--json', self.complete('sluicectl show drops --'))


class Nstat(unittest.TestCase):
    """Counters since the last call, and the file that makes it possible."""

    def setUp(self):
        self.daemon = Daemon()
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
        self.env = {'XDG_RUNTIME_DIR': self.folder.name}

    def tearDown(self):
        self.daemon.close()
        self.folder.cleanup()

    def nstat(self, *words, code=0, env=None):
        got, out, err = cli('nstat', *words, path=self.daemon.path, env=env or self.env)
        self.assertEqual(got, code, (words, out, err))
        return out if code == 0 else err

    def values(self, *words):
        """Name and value of each line behind the first, which is a comment."""
        head, *lines = self.nstat(*words).strip().split('\n')
        self.assertEqual(head, '#sluice')
        for line in lines:
            self.assertRegex(line, r'^\S+ +\d+ +\d+\.\d$')
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    def state(self):
        files = os.listdir(self.folder.name)
        self.assertEqual(len(files), 1, files)
        return os.path.join(self.folder.name, files[0])

    def test_the_second_call_shows_what_was_added(self):
        first = self.values()
        self.assertEqual(first['TcpPassiveOpens'], 10000)
        self.assertNotIn('TcpCurrEstab', first)
        time.sleep(0.3)
        second = self.values()
        self.assertLess(0, second['SluiceRxPackets'])
        self.assertLess(second['SluiceRxPackets'], first['SluiceRxPackets'])
        self.assertNotIn('TcpPassiveOpens', second)
        self.assertEqual(self.values('-z', 'TcpPassiveOpens'), {'TcpPassiveOpens': 0})
        self.assertGreater(len(self.values('--zeros')), 80)

    def test_absolute_values_are_those_of_the_daemon(self):
        for word in ('-a', '--absolute'):
            self.assertEqual(self.values(word)['TcpPassiveOpens'], 10000)
        self.assertEqual(self.values('-a')['TcpCurrEstab'], 200)
        self.assertEqual(self.values('-az', 'TcpEx*')['TcpExtListenDrops'], 0)

    def test_without_an_update_the_next_call_sees_the_same(self):
        self.nstat('-s')
        self.assertEqual(os.listdir(self.folder.name), [])
        self.assertEqual(self.values('-s')['TcpPassiveOpens'], 10000)
        self.nstat()
        before = os.stat(self.state())
        self.nstat('-s')
        after = os.stat(self.state())
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_patterns_choose(self):
        names = set(self.values('TcpPassive*', 'SluiceRx?ackets'))
        self.assertEqual(names, {'TcpPassiveOpens', 'SluiceRxPackets'})
        self.assertEqual(set(self.values('-s', 'TcpCurrEstab')), {'TcpCurrEstab'})
        self.assertIn("did you mean 'TcpPassiveOpens'", self.nstat('TcpPasiveOpens', code=2))
        self.assertIn('lists them', self.nstat('x' * 70, code=2))
        self.assertIn('longer than', self.nstat(*['TcpExt*'] * 200, code=2))
        self.assertIn("no option '-x'", self.nstat('-x', code=2))

    def test_json_has_the_names_as_members(self):
        answer = json.loads(self.nstat('--json'))
        self.assertEqual(answer['sluice']['TcpPassiveOpens'], 10000)
        self.assertIsNone(answer['since_ns'])
        answer = json.loads(self.nstat('-j'))
        self.assertNotIn('TcpPassiveOpens', answer['sluice'])
        self.assertLess(answer['since_ns'], answer['ts_ns'])

    def test_a_restart_is_noticed(self):
        self.nstat()
        self.daemon.process.terminate()
        self.daemon.process.wait()
        again = Daemon(path=self.daemon.path)
        try:
            code, out, err = cli('nstat', path=again.path, env=self.env)
            self.assertEqual(code, 0)
            self.assertIn('started again', err)
            self.assertIn('10000', out)
            self.assertFalse(json.loads(self.nstat('--json'))['restarted'])
        finally:
            again.close()

    def test_each_daemon_has_values_of_its_own(self):
        other = Daemon()
        try:
            self.nstat()
            code, out, _ = cli('nstat', path=other.path, env=self.env)
            self.assertEqual((code, '10000' in out), (0, True))
            self.assertEqual(len(os.listdir(self.folder.name)), 2)
        finally:
            other.close()

    def test_the_file_is_private_and_broken_ones_are_replaced(self):
        self.nstat()
        path = self.state()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for text in ('', '{', '[1]', 'x' * 100):
            with open(path, 'w', encoding='ascii') as file:
                file.write(text)
            self.assertEqual(self.values()['TcpPassiveOpens'], 10000)

    def test_what_is_not_surely_ours_is_not_read_and_not_written(self):
        self.nstat()
        path = self.state()
        victim = os.path.join(self.folder.name, 'victim')
        os.rename(path, victim)
        with open(victim, encoding='ascii') as file:
            text = file.read()
        for make in (os.symlink, os.link):
            make(victim, path)
            self.assertIn('link', self.nstat(code=5))
            with open(victim, encoding='ascii') as file:
                self.assertEqual(file.read(), text)
            os.unlink(path)
        os.mkfifo(path)
        self.assertIn('link', self.nstat(code=5))
        os.unlink(path)
        os.rename(victim, path)
        os.chmod(path, 0o666)
        self.assertIn('link', self.nstat(code=5))
        self.assertEqual(self.values('-a', '-s')['TcpPassiveOpens'], 10000)

    def test_a_folder_of_others_is_not_used(self):
        os.chmod(self.folder.name, 0o777)
        self.nstat('-s')
        code, _, err = cli('nstat', path=self.daemon.path, env=self.env)
        self.assertEqual((code, os.listdir(self.folder.name)), (0, []), err)
        for name in os.listdir('/tmp'):
            if name.startswith(f'sluicectl-nstat.{os.geteuid()}.'):
                with open(os.path.join('/tmp', name), encoding='ascii') as file:
                    kept = json.load(file)
                if kept['pid'] == self.daemon.process.pid:
                    os.unlink(os.path.join('/tmp', name))
                    return
        self.fail('the values are not in /tmp either')

    def test_s_is_the_socket_before_the_command_and_in_other_ones(self):
        code, _, err = cli('-s', self.daemon.path, 'nstat', '-s', env=self.env)
        self.assertEqual((code, err), (0, ''))
        code, _, err = cli('show', 'version', '-s', self.daemon.path, env=self.env)
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(os.listdir(self.folder.name), [])
        out = self.nstat()
        code, out, _ = cli('watch', '--count', '2', '1', 'nstat', '-z', 'TcpPassive*',
                           path=self.daemon.path, env=self.env)
        self.assertEqual((code, re.findall('TcpPassiveOpens +([0-9]+)', out)), (0, ['0', '0']))


class Daemons(unittest.TestCase):
    """Tests with a daemon, or none, of their own."""

    def test_no_daemon_is_exit_code_3(self):
        code, out, err = cli('show', 'version', path='/nonexistent/c.sock')
        self.assertEqual((code, out), (3, ''))
        self.assertIn('is sluiced running?', err)
        code, out, err = cli('show', 'version', '--json', '-s', '/nonexistent/c.sock')
        self.assertEqual((code, err), (3, ''))
        self.assertEqual(json.loads(out)['error']['code'], 'E_UNREACHABLE')

    def test_a_silent_daemon_is_exit_code_4(self):
        folder, listener, path = scripted()
        with folder, listener:
            code, _, err = cli('show', 'version', '--timeout', '0.3', path=path)
            self.assertEqual(code, 4)
            self.assertIn('did not answer within 0.3 s', err)

    def test_a_daemon_without_permission_is_exit_code_5(self):
        folder, listener, path = scripted(
            b'{"error":{"code":"E_PERMISSION","message":"no","hint":"ask"}}\n')
        with folder, listener:
            code, _, err = cli('set', 'tcp_sack', '1', path=path)
            self.assertEqual((code, err), (5, 'sluicectl: no; ask\n'))

    @unittest.skipIf(os.geteuid() != 0, 'needs another user to be')
    def test_a_socket_without_permission_is_exit_code_5(self):
        daemon = Daemon()
        try:
            os.chmod(daemon.folder.name, 0o711)
            run = subprocess.run([CLI, 'show', 'version', '-s', daemon.path], user=65534,
                                 group=65534, extra_groups=[], capture_output=True, text=True,
                                 check=False)
            if 'Permission denied' in run.stderr and run.returncode == 126:
                self.skipTest('the build folder is not for other users')
            self.assertEqual(run.returncode, 5)
            self.assertIn('control.group', run.stderr)
        except PermissionError:
            self.skipTest('the build folder is not for other users')
        finally:
            daemon.close()

    def test_c10_nothing_a_daemon_says_reaches_the_terminal_raw(self):
        evil = '\\u001b[2J\\u009b31m\\u202e\\n'
        answer = ('{"schema_version":1,"ts_ns":1,"uptime_s":1,"pid":1,"workers":1,"version":"%s",'
                  '"role":"%s","ports":[{"name":"%s","driver":"%s"}],"config":{"%s":"%s"},'
                  '"counters":[{"name":"%s","value":1,"help":"%s"}]}\n' % ((evil,) * 8))
        for words in (['show', 'version'], ['show', 'ports'], ['show', 'config'],
                      ['show', 'counters'], ['nstat'], ['show', 'version', '--json']):
            folder, listener, path = scripted(answer.encode())
            with folder, listener:
                code, out, _ = cli(*words, path=path)
                self.assertEqual(code, 0, words)
                self.assertIsNone(re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]', out), words)
                self.assertRegex(out, r'\\(x|u00)1[bB]\[2J')
        folder, listener, path = scripted(
            f'{{"error":{{"code":"E_X","message":"{evil}","hint":"{evil}"}}}}\n'.encode())
        with folder, listener:
            code, _, err = cli('show', 'version', path=path)
            self.assertEqual(code, 1)
            self.assertNotIn('\x1b', err)

    def test_c11_what_a_newer_daemon_adds_is_ignored(self):
        folder, listener, path = scripted(
            b'{"schema_version":7,"new":[{}],"version":"9","pid":2}\n',
            greeting=b'{"sluice":"9","protocol":9,"extra":{}}\n')
        with folder, listener:
            code, out, _ = cli('show', 'version', path=path)
            self.assertEqual(code, 0)
            self.assertIn('version                  9\n', out)

    def test_what_is_no_daemon_is_told_apart(self):
        folder, listener, path = scripted(greeting=b'SSH-2.0-OpenSSH\n')
        with folder, listener:
            code, _, err = cli('show', 'version', path=path)
            self.assertEqual(code, 3)
            self.assertIn('does another program listen there?', err)

    def test_c09_long_listings_stream(self):
        daemon = Daemon(20000)
        try:
            code, out, _ = cli('show', 'connections', '--json', path=daemon.path)
            self.assertEqual(code, 0)
            self.assertEqual(len(json.loads(out)['connections']), 40000)
            code, out, _ = cli('show', 'connections', '--plain', path=daemon.path)
            self.assertEqual(out.count('\n'), 40001)
        finally:
            daemon.close()

    def test_stop_ends_the_daemon_and_its_socket(self):
        daemon = Daemon()
        try:
            self.assertEqual(cli('stop', path=daemon.path)[:2], (0, 'stopping\n'))
            self.assertEqual(daemon.process.wait(timeout=10), 0)
            self.assertFalse(os.path.exists(daemon.path))
        finally:
            daemon.close()

    def test_c06_killing_the_cli_at_any_time_harms_nobody(self):
        daemon = Daemon(20000)
        try:
            for ms in range(0, 40, 2):
                with subprocess.Popen([CLI, 'show', 'connections', '-s', daemon.path],
                                      stdout=subprocess.DEVNULL) as run:
                    try:
                        run.wait(timeout=ms / 1000)
                    except subprocess.TimeoutExpired:
                        run.kill()
            self.assertEqual(cli('show', 'version', path=daemon.path)[0], 0)
        finally:
            daemon.close()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
