#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The units for systemd: it understands each line, and they take away what they say."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SERVICE, PREPARE, MORE = sys.argv[1:4]


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


class Units(unittest.TestCase):
    def setUp(self):
        if shutil.which('systemd-analyze') is None:
            self.skipTest('no systemd-analyze')
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-units-')
        self.addCleanup(self.folder.cleanup)

    def put(self, path, text):
        """A copy whose programs are there."""
        copy = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(copy, 'w', encoding='ascii') as file:
            file.write(re.sub(r'(?m)(=-?)/\S*/sluice(d|ctl) ', r'\1/bin/true ', text))
        return copy

    def analyze(self, *words):
        done = subprocess.run(['systemd-analyze', *words], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def test_each_line_is_understood(self):
        paths = [self.put(os.path.basename(path), read(path)) for path in (SERVICE, PREPARE)]
        code, out = self.analyze('verify', '--man=no', *paths)
        if 'Failed to' in out and 'bus' in out:
            self.skipTest(out)
        self.assertEqual((code, out), (0, ''))
        # A name that it does not know is a warning there.
        bad = self.put('bad.service', read(SERVICE).replace('ProtectHome', 'ProtectHouse'))
        self.assertIn('ProtectHouse', self.analyze('verify', '--man=no', bad)[1])

    def exposure(self, text):
        path = self.put('sluiced.service', text)
        code, out = self.analyze('security', '--offline=true', path)
        match = re.search(r'exposure level for \S+: (\d+\.\d)', out)
        if match is None:
            self.skipTest(out)
        return float(match[1])

    def test_little_is_left_to_somebody_who_takes_the_daemon_over(self):
        self.assertLessEqual(self.exposure(read(SERVICE)), 3.5)
        # What kernel ports need more is little, too.
        section = read(MORE).split('[Service]\n')[1]
        self.assertLessEqual(
            self.exposure(read(SERVICE).replace('\n[Install]', section + '\n[Install]')), 4.5)

    def test_programs_and_file_are_the_installed_ones(self):
        for line in re.findall(r'(?m)^Exec\w+=-?(.*)$', read(SERVICE) + read(PREPARE)):
            self.assertRegex(line, r'^/\S+/(sluiced|sluicectl) ')
        self.assertIn('--config /etc/sluice/sluice.yaml', read(SERVICE))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
