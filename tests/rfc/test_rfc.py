#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of rfc.py: each finds what it is there for, and nothing in the tree it starts from."""

import os
import shutil
import tempfile
import unittest

import rfc

HEAD = '\t'.join(rfc.COLUMNS)
CODE = 'void\ntcp_f(int a)\n{\n}\n'
UNIT = 'static void\nit_works(void **ctx)\n{\n}\n\tT(it_works),\n'
FILES = {
    'stack/tcp/f.c': CODE,
    'tests/unit/test_f.c': UNIT,
    'tests/script/meson.build': "\t'send/nagle',\n",
    'tests/script/send/nagle.pkt': '',
    'tests/sim/meson.build': "\t'mixed': '900',\n",
    'tests/packetdrill/meson.build': "\t'cork',\n",
    'tests/packetdrill/scripts/cork.pkt': '',
    'tests/integ/meson.build': "\t'pmtu',\n",
    'tests/integ/test_pmtu.py': '',
}
GOOD = ['1-1', '1', 'a rule', 'done', 'tcp/f.c:tcp_f',
        'f:it_works send/nagle sim:mixed packetdrill:cork integ:pmtu', '-']
# One behaviour in two parts, the others in one.
WIRE = [[f'WIRE-{number}'] + GOOD[1:]
        for number in ['1a', '1b'] + list(range(2, rfc.WIRE_IDS + 1))]

# (column, value, part of the message): the good row with one thing wrong.
BAD = [
    ('state', 'perhaps', 'is none of'),
    ('tests', '-', 'no test shows it'),
    ('state', 'deviates', 'no reason'),
    ('state', 'left', 'no reason'),
    ('code', '-', 'no place'),
    ('code', 'tcp/g.c:tcp_f', 'no function'),
    ('code', 'tcp/f.c:tcp_g', 'no function'),
    ('tests', 'f:it_fails', 'no test'),
    ('tests', 'g:it_works', 'no test'),
    ('tests', 'send/cork', 'no test'),
    ('tests', 'sim:clean', 'no test'),
    ('tests', 'packetdrill:more', 'no test'),
    ('tests', 'integ:ipv6', 'no test'),
]


class Rfc(unittest.TestCase):
    """A small tree, and one thing wrong with it."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        rfc.text_of.cache_clear()
        for path, text in FILES.items():
            self.write(path, text)

    def write(self, path, text):
        """A file of the tree."""
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='ascii') as file:
            file.write(text)
        rfc.text_of.cache_clear()

    def findings(self, row, first=None, make_page=True, wire=None):
        """What is found with this row in the second table, and the first as asked."""
        families = [[f'{family}-{n}', '1', 'a rule', 'done', GOOD[4], GOOD[5], '-']
                    for family, count in rfc.FAMILIES.items() for n in range(1, count + 1)]
        lines = families if first is None else first
        self.write(rfc.TABLES[0][0], '\n'.join([HEAD] + ['\t'.join(r) for r in lines]) + '\n')
        self.write(rfc.TABLES[1][0], HEAD + '\n' + '\t'.join(row) + '\n')
        self.write(rfc.TABLES[2][0], HEAD + '\n')
        lines = [HEAD] + ['\t'.join(r) for r in wire or WIRE]
        self.write(rfc.TABLES[3][0], '\n'.join(lines) + '\n')
        if make_page:
            tables = [rfc.read(self.root, path) for path, _, _ in rfc.TABLES]
            self.write(rfc.PAGE, rfc.page(tables))
        return list(rfc.check(self.root))

    def test_good_tables_pass(self):
        """Nothing is wrong with the tree all others are made from."""
        self.assertEqual(self.findings(GOOD), [])

    def test_each_fault_is_found(self):
        """One cell changed, one finding."""
        for column, value, message in BAD:
            with self.subTest(column=column, value=value):
                row = list(GOOD)
                row[rfc.COLUMNS.index(column)] = value
                found = self.findings(row)
                self.assertTrue(any(message in line for line in found), found)

    def test_test_in_no_list_is_none(self):
        """A script or a function that nothing runs shows nothing."""
        self.write('tests/script/send/more.pkt', '')
        self.write('tests/unit/test_f.c', UNIT.replace('T(it_works)', ''))
        for name in ('send/more', 'f:it_works'):
            row = list(GOOD)
            row[5] = name
            self.assertIn('no test', ''.join(self.findings(row)))

    def test_must_is_not_left_out(self):
        """A MUST has a test or deviates."""
        row = ['MUST-1', '1', 'a rule', 'left', GOOD[4], '-', 'we like it so']
        self.assertIn('cannot be left out', ''.join(self.findings(GOOD, [row])))

    def test_missing_and_double_ids_are_found(self):
        """Each id of the RFC is there, once."""
        row = ['MUST-1'] + GOOD[1:]
        found = '\n'.join(self.findings(GOOD, [row, row]))
        self.assertIn('MUST-1 is there 2 times', found)
        self.assertIn('MUST-69 is missing', found)

    def test_each_part_of_the_wire_has_a_test(self):
        """None is missing, and to deviate is no excuse for showing nothing."""
        self.assertIn('WIRE-24 is missing', ''.join(self.findings(GOOD, wire=WIRE[:-1])))
        row = ['WIRE-24', '1', 'a rule', 'deviates', GOOD[4], '-', 'we like it so']
        self.assertIn('no test shows', ''.join(self.findings(GOOD, wire=WIRE[:-1] + [row])))

    def test_old_page_is_found(self):
        """The page is that of the tables."""
        self.findings(GOOD)
        self.write(rfc.PAGE, 'another page\n')
        self.assertIn('differs', ''.join(self.findings(GOOD, make_page=False)))

    def test_line_with_too_few_columns_is_found(self):
        """A tab forgotten shifts no cell in silence."""
        self.findings(GOOD)
        self.write(rfc.TABLES[0][0], HEAD + '\nMUST-1\t1\n')
        self.assertIn('columns', ''.join(rfc.check(self.root)))


if __name__ == '__main__':
    unittest.main()
