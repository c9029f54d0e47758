#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""sluice-pcapgen as its users meet it: what it writes, what it refuses, and in which words."""

import hashlib
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL = sys.argv[1]
SECRET = 'sluice-test-secret 0123456789abcdef\n'
TARGET = ['--target', '192.0.2.1:80']


def run(*words, **more):
    """Its exit status, standard output (bytes) and standard error."""
    done = subprocess.run([TOOL, *words], capture_output=True, timeout=30, check=False, **more)
    return done.returncode, done.stdout, done.stderr.decode()


def frames(data):
    """The frames of a pcap file."""
    head = struct.unpack('<IHHIIII', data[:24])
    assert head == (0xa1b2c3d4, 2, 4, 0, 0, 65535, 1), head
    at, found = 24, []
    while at < len(data):
        _, _, kept, length = struct.unpack('<IIII', data[at:at + 16])
        assert kept == length, at
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    assert at == len(data)
    return found


class Pcapgen(unittest.TestCase):
    """Each test has a folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='sluice-pcapgen-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.secret = os.path.join(self.folder, 'secret')
        with open(self.secret, 'w', encoding='ascii') as file:
            file.write(SECRET)

    def path(self, name):
        return os.path.join(self.folder, name)

    def made(self, *words):
        """What it writes to standard output."""
        code, out, err = run(*words, '--output', '-')
        self.assertEqual((code, err), (0, ''))
        return out

    def test_every_kind_has_as_many_frames_as_asked_for(self):
        code, text, _ = run('--help')
        self.assertEqual(code, 0)
        kinds = [line.split()[0] for line in text.decode().split('Kinds:\n')[1].split('\n\n')[0]
                 .splitlines()]
        self.assertEqual(len(kinds), 8)
        for kind in kinds:
            more = ['--secret-file', self.secret] if kind in ('ack-valid', 'data') else []
            for target in ('192.0.2.1:80', '[2001:db8::1]:80'):
                out = self.made('--kind', kind, '--target', target, '--count', '3k', *more)
                self.assertEqual(len(frames(out)), 3000, kind)

    def test_a_file_is_the_same_as_standard_output_and_the_same_again(self):
        words = ['--kind', 'syn', *TARGET, '--count', '1000']
        self.assertEqual(run(*words, '-o', self.path('a.pcap'))[0], 0)
        with open(self.path('a.pcap'), 'rb') as file:
            data = file.read()
        self.assertEqual(data, self.made(*words))
        self.assertNotEqual(data, self.made(*words, '--seed', '2'))

    def test_tcpdump_finds_nothing_wrong(self):
        if shutil.which('tcpdump') is None:
            self.skipTest('not installed: tcpdump')
        for kind, wrong in (('syn', 0), ('bad-csum', 500), ('rst', 0), ('data', 0)):
            more = ['--secret-file', self.secret, '--flows', '100'] if kind == 'data' else []
            path = self.path(kind)
            self.assertEqual(run('--kind', kind, *TARGET, '--count', '500', '-o', path,
                                 *more)[0], 0)
            text = subprocess.run(['tcpdump', '-nvvr', path], capture_output=True, text=True,
                                  check=True).stdout
            self.assertEqual(text.count('incorrect'), wrong, kind)
            self.assertEqual(text.count('bad cksum'), 0, kind)
            self.assertEqual(text.count('IP (tos'), 500, kind)

    def test_memory_does_not_grow_with_the_file(self):
        with subprocess.Popen([TOOL, '--kind', 'syn', *TARGET, '--count', '2M', '-o', '-'],
                              stdout=subprocess.PIPE) as tool:
            size, digest = 0, hashlib.sha256()
            while block := tool.stdout.read(1 << 20):
                size += len(block)
                digest.update(block)
        self.assertEqual(tool.returncode, 0)
        self.assertGreater(size, 2000000 * 70)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 100000)

    def test_mistakes_are_named_and_cost_status_2(self):
        good = ['--kind', 'syn', *TARGET, '-o', self.path('x')]
        rows = [
            ([], '--kind'),
            (['--kind', 'syn'], '--target'),
            (['--kind', 'syn', *TARGET], '--output'),
            (['--kind', 'sin'], "no kind 'sin'"),
            ([*good, '--count', '0'], '--count 0'),
            ([*good, '--count', '-1'], '--count -1'),
            ([*good, '--count', '10x'], '--count 10x'),
            ([*good, '--count', '99999999999999999999'], '--count 9999'),
            ([*good, '--rate', '2M'], '1000000'),
            ([*good, '--target', '192.0.2.1'], '192.0.2.1:80'),
            ([*good, '--target', '192.0.2.256:80'], '192.0.2.256'),
            ([*good, '--target', '192.0.2.1:0'], '192.0.2.1:0'),
            ([*good, '--dst-mac', 'x'], '--dst-mac x'),
            ([*good, '--sources', '0.0.0.0/0'], '--sources'),
            ([*good, '--sources', '2001:db8::/32'], 'versions'),
            ([*good, '--secret-file', self.secret], 'no use'),
            ([*good, '--payload', '1401'], '1400'),
            ([*good, '--address-index', '64'], '63'),
            ([*good, '--nope'], '--nope'),
            ([*good, 'more'], "'more'"),
            ([*good, '--count'], 'lacks its value'),
            (['--kind', 'ack-valid', *TARGET, '-o', self.path('x')], '--secret-file'),
            (['--kind', 'data', *TARGET, '-o', self.path('x'), '--secret-file', self.secret,
              '--flows', '10', '--count', '74'], 'no data'),
        ]
        for words, said in rows:
            code, out, err = run(*words)
            self.assertEqual((code, out), (2, b''), words)
            self.assertIn(said, err, words)
            self.assertEqual(err.count('\n'), 1, words)
        self.assertFalse(os.path.exists(self.path('x')))

    def test_what_is_no_test_secret_is_refused(self):
        with open(self.secret, 'wb') as file:
            file.write(os.urandom(32))
        for path in (self.secret, self.path('nothing'), self.folder):
            code, _, err = run('--kind', 'ack-valid', *TARGET, '-o', self.path('x'),
                               '--secret-file', path)
            self.assertEqual(code, 1)
            self.assertIn(path, err)
        self.assertFalse(os.path.exists(self.path('x')))

    def test_what_cannot_be_written_leaves_nothing(self):
        words = ['--kind', 'syn', *TARGET]
        code, _, err = run(*words, '-o', self.path('no/where'))
        self.assertEqual(code, 1)
        self.assertIn('No such file', err)
        code, _, err = run(*words, '--count', '1M', '-o', '/dev/full')
        self.assertEqual(code, 1)
        self.assertIn('No space', err)
        code, _, err = run(*words, '--count', '1M', '-o', self.path('big'), preexec_fn=lambda:
                           (resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))))
        self.assertNotEqual(code, 0)
        self.assertTrue(os.path.exists('/dev/full'))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
