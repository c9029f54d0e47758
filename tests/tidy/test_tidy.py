#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""For every rule of tidy: small trees in which it finds something, and others in which not."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import ctext
import pages
import tables
import tidy

C = '/* SPDX-License-Identifier: BSD-3-Clause */\n/* A file for a test. */\n'
PY = '# SPDX-License-Identifier: BSD-3-Clause\n'


def header(guard, text=''):
    """A header with its guard."""
    return f'{C}#ifndef {guard}\n#define {guard}\n{text}#endif\n'


def body(lines, name='f'):
    """A function of so many lines, its signature and braces included."""
    return f'void\n{name}(void)\n{{\n' + '\tg();\n' * (lines - 4) + '}\n'


def nested(depth):
    """A function with blocks so deep."""
    return ('void\nf(int a)\n{\n' + '\tif (a) {\n' * depth + '\tg();\n' + '\t}\n' * depth + '}\n')


def attack_rows(changed):
    """A table of 60 rows; changed: (knobs, counters, tests) of a row, or None to leave it out."""
    cells = {number: ('tcp_a', 'TcpExtGo ip4-bad', 'unit/test_a.c:runs') for number in range(1, 61)}
    cells.update(changed)
    return ''.join('\t'.join((f'A-{number:02}', 'attack', 'bound') + row) + '\n'
                   for number, row in cells.items() if row is not None)


def attack_tree():
    """What the table speaks of, and the page that goes with it."""
    table = attack_rows({})
    return {
        'tests/attacks.tsv': table,
        'tests/unit/test_a.c': 'runs(void **state)\nis_not_run(void **state)\nT(runs)\n',
    } | DEFS, f'{pages.BEGIN}\n{pages.render(table)}\n{pages.END}'


def regression_tree(without=()):
    """A test for each of the bugs but these: a script of each kind, the others in C."""
    names = [f'reg_tf_{number:02}_is_gone' for number in set(range(3, 24)) - set(without)]
    tree = {'tests/attacks.tsv': '',
            'tests/unit/test_a.c': ''.join(f'{name}(void **state)\nT({name})\n' for name in names)}
    for number, folder, path in ((1, 'tests/script', 'a/b'), (2, 'tests/packetdrill/scripts', 'c')):
        tree[f'{folder}/{path}.pkt'] = f'// REG-TF-{number:02}: it is gone\n'
        if number not in without:
            tree[f'{folder.removesuffix("/scripts")}/meson.build'] = f"\t'{path}',\n"
    return tree


def life_tree(text):
    """A page, and the tables it speaks of."""
    return DEFS | {'docs/handshake.md': f'{text}\n'}


DEFS = {
    'stack/conf/tunables.def': '/* Opening. */\nTUN_ONE(tcp_a, BOOL)\n/* Else. */\n',
    'stack/conf/counters.def': 'COUNTER(Go, "TcpExt", "x")\n',
    'stack/conf/outcomes.def': 'OUTCOME(IP4_BAD, DROP, "x", "")\n',
}

# (rule, tree in which it finds something). Each tree breaks the rule in one way.
BAD = [
    ('layers', {'stack/net/arp.c': '#include "tcp/tcp.h"\n'}),
    ('layers', {'stack/tcp/tcp.c': '#include "net/net.h"\n'}),
    ('layers', {'stack/base/a.h': '#include "wire/ip.h"\n'}),
    ('layers', {'stack/timer/a.h': '#include "table/flow.h"\n'}),
    ('layers', {'stack/worker/a.c': '#include "io/port.h"\n'}),
    ('layers', {'stack/io/a.c': '#include "ctl/server.h"\n'}),
    ('layers', {'stack/sock/a.c': '#include "worker/worker.h"\n'}),
    ('layers', {'stack/tcp/a.c': '#  include "io/port.h" /* hidden */\n'}),
    ('layers', {'stack/tcp/a.c': '#include "tcp.h"\n', 'stack/tcp/tcp.h': ''}),
    ('layers', {'stack/odd/a.c': ''}),
    ('layers', {'app/services/echo/echo.c': '#include "tcp/tcp.h"\n'}),
    ('layers', {'app/sluicectl/main.c': '#include "io/port.h"\n'}),
    ('system-headers', {'stack/tcp/a.c': '#include <time.h>\n'}),
    ('system-headers', {'stack/wire/a.h': '#include <rte_mbuf.h>\n'}),
    ('system-headers', {'stack/base/a.c': '#include <stdlib.h>\n'}),
    ('system-headers', {'stack/include/sluice/a.h': '#include <sys/socket.h>\n'}),
    ('include-order', {'stack/io/a.c': '#include "base/a.h"\n#include <stdint.h>\n'}),
    ('include-order', {'stack/io/a.c': '#include <rte_mbuf.h>\n#include <stdint.h>\n'}),
    ('include-order', {'stack/io/a.c': '#include <string.h>\n#include <stdint.h>\n'}),
    ('banned-calls', {'app/sluiced/a.c': 'x = strcpy(a, b);\n'}),
    ('banned-calls', {'tests/lib/a.c': 'sprintf (a, "x");\n'}),
    ('pure-calls', {'stack/tcp/a.c': 'x = malloc(3);\n'}),
    ('pure-calls', {'stack/tcp/a.c': '#define NOW() time(NULL)\n'}),
    ('pure-calls', {'stack/net/a.c': 'pthread_create(0);\n'}),
    ('pure-calls', {'stack/net/a.c': 'rte_pktmbuf_free(m);\n'}),
    ('pure-calls', {'stack/sock/init.c': body(5, 'other').replace('g()', 'p = calloc(1, 1)')}),
    ('no-globals', {'stack/tcp/a.c': 'static int x;\n'}),
    ('no-globals', {'stack/tcp/a.c': 'int x = 3;\n'}),
    ('no-globals', {'stack/tcp/a.c': 'static const char *name;\n'}),
    ('no-globals', {'stack/tcp/a.c': 'static const char *names[] = { "a", "b" };\n'}),
    ('no-globals', {'stack/tcp/a.c': 'static struct a table[3] = {\n\t{ 1 },\n};\n'}),
    ('no-globals', {'stack/tcp/a.c': 'static void (*hook)(int);\n'}),
    ('no-globals', {'stack/tcp/a.c': '_Thread_local unsigned int x;\n'}),
    ('no-globals', {'stack/tcp/a.h': 'extern unsigned long x;\n'}),
    ('no-globals', {'stack/tcp/a.c': body(5) + 'static int x;\n'}),
    ('no-globals', {'stack/tcp/a.c': 'int\nf(void)\n{\n\tstatic int calls;\n}\n'}),
    ('no-globals', {'stack/tcp/a.c': 'int\nf(void)\n{\n\tstatic const char *s = "";\n}\n'}),
    ('no-struct-typedef', {'stack/tcp/a.h': 'typedef struct a {\n\tint x;\n} a_t;\n'}),
    ('no-struct-typedef', {'tests/lib/a.h': 'typedef  struct a a_t;\n'}),
    ('function-style', {'stack/tcp/a.c': 'int\nf(void) {\n}\n'}),
    ('function-style', {'stack/tcp/a.c': 'int f(void)\n{\n\treturn 1;\n}\n'}),
    ('function-size', {'stack/tcp/a.c': body(72)}),
    ('function-size', {'tests/unit/a.c': body(72)}),
    ('function-size', {'stack/tcp/a.c': 'int\nf(int a, int b, int c, int d, int e, int f, int g)'
                                        '\n{\n}\n'}),
    ('function-size', {'stack/tcp/a.c': nested(5)}),
    ('file-size', {'stack/tcp/a.c': C + '\n' * 799}),
    ('line-form', {'stack/tcp/a.c': 'x' * 101 + '\n'}),
    ('line-form', {'stack/tcp/a.c': '\t' * 12 + 'xxxxx\n'}),
    ('line-form', {'docs/a.md': 'caf\u00e9\n'}),
    ('line-form', {'docs/a.md': 'a line with an end \n'}),
    ('line-form', {'docs/a.md': 'a'}),
    ('tabs', {'stack/tcp/a.c': 'int\nf(void)\n{\n        return 1;\n}\n'}),
    ('tabs', {'stack/tcp/a.c': '\tf(a,\n\t' + 9 * ' ' + 'b);\n'}),
    ('tabs', {'stack/tcp/a.c': '\tf(a,\n  \tb);\n'}),
    ('spdx', {'stack/tcp/a.c': 'int x;\n'}),
    ('spdx', {'app/run': '#!/bin/sh\n'}),
    ('spdx', {'stack/tcp/meson.build': "files('a.c')\n"}),
    ('spdx', {'stack/conf/tunables.def': 'T(a)\n'}),
    ('spdx', {'stack/tcp/a.c': C.split('\n', maxsplit=1)[0] + '\nint x;\n'}),
    ('header-guard', {'stack/tcp/rack.h': C}),
    ('header-guard', {'stack/tcp/rack.h': header('RACK_H')}),
    ('header-guard', {'stack/tcp/rack.h': C + '#ifndef TCP_RACK_H\n#define TCP_RACK\n#endif\n'}),
    ('header-alone', {'stack/tcp/a.h': header('TCP_A_H', 'uint8_t f(void);\n')}),
    ('header-alone', {'stack/include/sluice/a.h': header('SLUICE_A_H', '#include "base/b.h"\n'),
                      'stack/base/b.h': header('BASE_B_H', '#define B 1\n')}),
    ('unit-test', {'stack/tcp/rack.c': C}),
    ('unit-test', {'stack/tcp/rack.c': C, 'tests/unit/test_other.c': 'assert_true(1);\n'}),
    ('unit-test', {'stack/tcp/excused.c': C, 'tests/unit/test_excused.c': 'assert_true(1);\n'}),
    ('unit-test', {'tests/unit/test_rack.c': 'f(); /* assert_true(1); */\n'}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows({7: None})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows({60: None})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows({7: ('-', '-', '-')})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows(
        {7: ('-', '-', 'unit/test_a.c:is_not_run')})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows(
        {7: ('-', '-', 'unit/test_b.c:runs')})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows(
        {7: ('tcp_b', '-', 'unit/test_a.c:runs')})}),
    ('attack-rows', attack_tree()[0] | {'tests/attacks.tsv': attack_rows(
        {7: ('-', 'Runs', 'unit/test_a.c:runs')})}),
    ('attack-rows', attack_tree()[0] | {'docs/attacks.md': 'no table\n'}),
    ('attack-rows', attack_tree()[0] | {
        'tests/unit/test_b.c': 'a07_nobody_gets_in(void **state)\n'}),
    ('script-prose', {'tests/script/a/b.pkt': '// It waits.\n' + '+1 expect nothing\n' * 15}),
    ('regressions', regression_tree({23})),
    ('regressions', regression_tree({1})),
    ('regressions', regression_tree({2})),
    ('regressions', regression_tree({9}) | {
        'tests/unit/test_b.c': 'reg_tf_09_is_not_run(void **state)\n'}),
    ('life-page', life_tree('all but one') | {}),
    ('life-page', life_tree('tcp_a tcp_b') | {}),
    ('life-page', life_tree('tcp_a TcpExtGone') | {
        'stack/conf/counters.def': '/* Closing and TIME-WAIT. */\nCOUNTER(Go, "TcpExt", "x")\n'
                                   'COUNTER(Gone, "TcpExt", "x")\n'}),
    ('life-page', life_tree('tcp_a') | {'docs/memory.md': 'limited by tcp_b\n'}),
    ('life-page', life_tree('tcp_a TcpExtStop') | {}),
    ('life-page', life_tree('tcp_a, dropped as `no-such`') | {}),
    ('tunable-test', {'stack/conf/tunables.def': 'TUN_ONE(tcp_a, BOOL)\n'}),
    ('tunable-test', {'stack/conf/tunables.def': 'TUN_ONE(tcp_a, BOOL)\n',
                      'tests/script/tunable/tcp_ab.pkt': '+0 set tcp_a=1\n',
                      'tests/unit/test_tunables.c': 'tcp_a_is_set(void **state)\n'}),
    ('tunable-test', {'stack/conf/tunables.def': 'TUN_ONE(tcp_a, BOOL)\nTUN_ONE(tcp_a_b, BOOL)\n',
                      'tests/unit/test_b.c': 'what_tcp_a_b_does(void **state)\n'}),
    ('tunable-test', {'stack/conf/tunables.def': 'TUN_ONE(tcp_delack_max, BOOL)\n',
                      'tests/script/tunable/tcp_delack_max.pkt': '+0 expect nothing\n'}),
    ('built', {'stack/tcp/a.c': C, 'stack/tcp/meson.build': "files('b.c')\n"}),
    ('built', {'tests/unit/test_a.c': C, 'stack/tcp/meson.build': "files('test_a.c')\n"}),
    ('unused-rows', {'stack/conf/tunables.def': 'T(tcp_sack, 1)\n', 'stack/tcp/a.c': C}),
    ('unused-rows', {'stack/conf/tunables.def': 'T(tcp_sack, 1)\n',
                     'stack/tcp/a.c': '/* tcp_sack */ x("tcp_sack");\n'}),
    ('unused-rows', {'stack/conf/drops.def': '\tDROP(\n\tpaws, "x")\n',
                     'tests/unit/a.c': 'x(DROP_PAWS);\n'}),
    ('unused-rows', {'stack/ctl/config.def': 'KEY(top, workers, UINT, workers_count, 1)\n',
                     'stack/ctl/a.c': 'x->top; x->workers;\n'}),
    ('unused-rows', {'stack/conf/later.def': 'T(tcp_later, 1)\n',
                     'stack/tcp/a.c': 'x->tcp_later;\n'}),
    ('foreign-text', {'docs/a.md': 'see /wor' + 'k/shared\n'}),
    ('foreign-text', {'docs/a.md': 'cd /tmp/w' + 't/a\n'}),
    ('foreign-text', {'app/run': 'p' + 'kill sluiced\n'}),
    ('foreign-text', {'app/run': 'kill' + 'all -9 sluiced\n'}),
    ('foreign-text', {'docs/a.md': 'http://deb.deb' + 'ian.org/debian\n'}),
    ('foreign-text', {'docs/a.md': 'wanted by Issue #' + '2\n'}),
    ('foreign-text', {'stack/tcp/a.c': '/* TO' + 'DO: more */\n'}),
    ('top-level', {'Makefile': ''}),
    ('top-level', {'scripts/a.sh': ''}),
    ('shell-scripts', {'app/run': '#!/bin/bash\nrm $1/*\n'}),
]

# (rule, tree in which it finds nothing): what comes closest to breaking it.
GOOD = [
    ('layers', {'stack/net/arp.c': '#include "conf/tun.h"\n#include "net/arp.h"\n'
                                   '/* #include "tcp/tcp.h" */\n'}),
    ('layers', {'stack/table/a.h': '#include "wire/flow.h"\n'}),
    ('layers', {'stack/worker/a.c': '#include "sock/sock.h"\n#include "sluice/sluice.h"\n'}),
    ('layers', {'stack/io/a.c': '#include <rte_mbuf.h>\n#include "worker/worker.h"\n'}),
    ('layers', {'app/services/http/a.c': '#include "http.h"\n#include "sluice/sluice.h"\n',
                'app/services/http/http.h': ''}),
    ('layers', {'app/sluiced/a.c': '#include "io/port.h"\n#include "worker/worker.h"\n'}),
    ('layers', {'tests/unit/a.c': '#include "tcp/tcp.h"\n#include "io/port.h"\n'}),
    ('system-headers', {'stack/tcp/a.c': '#include <stdint.h>\n#include <string.h>\n',
                        'stack/io/a.c': '#include <rte_mbuf.h>\n#include <time.h>\n'}),
    ('system-headers', {'stack/sock/init.c': '#include <stdlib.h>\n'}),
    ('include-order', {'stack/io/a.c': '#include "io/a.h"\n#include <stdint.h>\n#include <zlib.h>'
                                       '\n#if defined(A)\n#include <emmintrin.h>\n#endif'
                                       '\n#include <rte_mbuf.h>\n#include "base/a.h"\n'}),
    ('banned-calls', {'app/sluiced/a.c': 'snprintf(a, 3, "sprintf(");\nmy_strcpy(a);\n'}),
    ('pure-calls', {'stack/io/a.c': 'p = malloc(3);\n'}),
    ('pure-calls', {'stack/tcp/a.c': 'uptime(a); env->read(3); s.time(1); /* malloc( */\n'}),
    ('pure-calls', {'stack/sock/init.c': body(6, 'start').replace('g()', 'p = calloc(1, 1)')}),
    ('no-globals', {'stack/tcp/a.c': 'static const int x = 3;\nstruct a;\n'
                                     'int f(int a, int (*g)(void));\n'
                                     'static const char *const n[] = {\n\t"a",\n};\n'
                                     '_Static_assert(sizeof(int) == 4, "");\nenum e { A, B };\n'
                                     'struct b {\n\tint x;\n} __attribute__((aligned(64)));\n'
                                     'struct c {\n\tint x;\n} SLUICE_ALIGNED(64);\n'
                                     'typedef int (*fn)(void);\n'
                                     'extern const struct a table[];\n'}),
    ('no-globals', {'stack/tcp/a.c': body(6).replace('g()', 'static const int x = 3') +
                                     'static int\ng(struct a *b)\n{\n\tint x;\n}\n'}),
    ('no-globals', {'stack/io/a.c': 'static int x;\n'}),
    ('no-struct-typedef', {'stack/tcp/a.h': 'typedef uint64_t handle;\nstruct a;\n'}),
    ('function-style', {'stack/tcp/a.c': 'static int\nf(int a,\n\tint b)\n{\n\tif (a) {\n\t}\n}\n'
                                         'struct a {\n\tint x;\n};\n'
                                         'static const struct a t[] = {\n\t{ F(1) },\n};\n'}),
    ('function-size', {'stack/tcp/a.c': body(70)}),
    ('function-size', {'stack/tcp/a.c': 'int\nf(int a, int b, int c, int d, int e,\n'
                                        '\tint (*f)(int, int))\n{\n}\n'}),
    ('function-size', {'stack/tcp/a.c': nested(4)}),
    ('function-size', {'stack/tcp/a.c': 'int\nf(int a)\n{\n\tstruct x y = { { { { { 1 } } } } };\n'
                                        '\tg(&(struct x){ { { { 1 } } } });\n}\n'}),
    ('file-size', {'stack/tcp/a.c': C + '\n' * 798, 'stack/tcp/a.def': 'T(a)\n' * 900}),
    ('line-form', {'stack/tcp/a.c': 'x' * 100 + '\n', 'stack/tcp/a.def': 'x' * 200 + '\n',
                   'docs/a.md': '|' * 200 + '\n', 'tests/fuzz/corpus/tcp/a': '\u00e9 '}),
    ('tabs', {'stack/tcp/a.c': '/*\n * a\n */\nint\nf(void)\n{\n\treturn g(h(1, /* b\n'
                               '   c */\n'
                               '\t\t   2),\n\t\t3);\n}\n'}),
    ('spdx', {'stack/tcp/a.c': C, 'stack/tcp/b.h': C, 'app/run': '#!/bin/sh\n' + PY,
              'docs/a.md': 'text\n', 'stack/tcp/meson.build': PY}),
    ('spdx', {'stack/tcp/a.c': C.split('\n', maxsplit=1)[0] + '\n/*\n * A sentence.\n */\n'}),
    ('header-guard', {'stack/tcp/rack.h': header('TCP_RACK_H'),
                      'stack/tcp/tcp_in.h': header('TCP_IN_H'),
                      'stack/include/sluice/sluice.h': header('SLUICE_SLUICE_H')}),
    ('header-alone', {'stack/tcp/a.h': header('TCP_A_H', '#include "base/b.h"\n'),
                      'stack/base/b.h': header('BASE_B_H', '#include <stdint.h>\n')}),
    ('unit-test', {'stack/tcp/rack.c': C, 'tests/unit/test_rack.c': 'assert_int_equal(1, 1);\n',
                   'stack/net/poll.c': C, 'tests/unit/test_net_poll.c': 'assert_true(1);\n',
                   'stack/tcp/excused.c': C, 'stack/io/port.c': C}),
    ('attack-rows', attack_tree()[0]),
    ('attack-rows', attack_tree()[0] | {'docs/attacks.md': attack_tree()[1]}),
    ('script-prose', {'tests/script/a/b.pkt': ('// It waits.\n' + '+1 expect nothing\n' * 14) * 2}),
    ('regressions', regression_tree()),
    ('life-page', life_tree('tcp_a in tcp_segment.c: TcpExtGo, dropped as `ip4-bad`')),
    ('tunable-test', {'stack/conf/tunables.def': 'TUN_ONE(tcp_a, BOOL)\nTUN_NAME(tcp_b, n)\n'
                                                 'TUN_ONE(tcp_delack_max, BOOL)\n'
                                                 'TUN_ONE(tcp_c, BOOL)\n',
                      'tests/script/tunable/tcp_a-ip4.pkt': '+0 expect nothing\n',
                      'tests/unit/test_b.c': 'what_tcp_b_does(void **state)\n',
                      'tests/integ/test_c.py': '    def test_tcp_c(self):\n'}),
    ('tunable-test', {'stack/conf/other.def': 'TUN_ONE(tcp_a, BOOL)\n'}),
    ('built', {'stack/tcp/a.c': C, 'stack/tcp/meson.build': "files('a.c')\n",
               'tests/unit/test_b.c': C, 'tests/unit/meson.build': "x = [\n\t'b',\n]\n",
               'app/x/y/c.c': C, 'app/meson.build': "f('x/y/c.c')\n"}),
    ('unused-rows', {'stack/conf/tunables.def': '#define T(a, b) a\nT(tcp_sack, 1)\nT(b, 2)\n',
                     'stack/conf/drops.def': 'DROP(paws, "x")\n',
                     'stack/conf/later.def': 'T(tcp_later, 1)\n',
                     'stack/ctl/config.def': 'KEY(top, b, UINT, workers, 1)\n',
                     'stack/ctl/a.c': 'x->workers;\n',
                     'stack/io/port_types.def': 'PORT_TYPE(TAP, "tap")\n',
                     'stack/conf/no.def': 'TUN_REFUSED(tcp_tw_recycle, "no")\n',
                     'stack/tcp/a.c': 'x->tcp_sack; x(TUN_B); drop(TCP_DROP_PAWS);\n'}),
    ('foreign-text', {'docs/a.md': 'the framework/a, skill, overkill all, an issue: 3 mktemp '
                                   'XXXX' + 'XX network/work\n'}),
    ('top-level', {'README.md': '', 'app/run': '', '.ci/run': '', '.clang-format': ''}),
    ('shell-scripts', {'app/run': '#!/bin/bash\nrm -- "$1"\n', 'docs/a.md': 'rm $1\n'}),
]

EXCUSED = {'stack/tcp/excused.c': (None, 'a test')}
LATER = (('stack/conf/later.def', ('tcp_later',), 'a test'),)
ALLOCATORS = {'stack/sock/init.c': (('start',), 'a test')}


class Rules(unittest.TestCase):
    """Runs one rule at a time over a tree made for it."""

    def findings(self, name, files):
        """What a rule says about a tree with these files."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, 'w', encoding='utf-8') as file:
                    file.write(text)
            with mock.patch.object(tables, 'INIT_ALLOCATORS', ALLOCATORS), \
                    mock.patch.object(tables, 'NO_UNIT_TEST', EXCUSED), \
                    mock.patch.object(tables, 'ROW_EXCEPTIONS', LATER):
                return list(tidy.RULES[name](tidy.Tree(root)))

    def skip_without_tools(self, name):
        """Rules that call a program say nothing where it is not installed."""
        tool = {'shell-scripts': 'shellcheck', 'header-alone': 'gcc'}.get(name)
        if tool and not shutil.which(tool):
            self.skipTest(f'{tool} is not installed')

    def test_every_rule_has_a_bad_and_a_good_tree(self):
        """A rule that never found anything may never do."""
        self.assertEqual(set(tidy.RULES), {name for name, _ in BAD})
        self.assertEqual(set(tidy.RULES), {name for name, _ in GOOD})

    def test_every_rule_says_why_in_one_line(self):
        """The reasons are what --list prints."""
        for name, check in tidy.RULES.items():
            self.assertRegex(check.__doc__ or '', r'^\S[^\n]{20,}$', name)

    def test_bad_trees_are_found_once(self):
        """Each breaks its rule in one way, and the finding is in a file of the tree."""
        for number, (name, files) in enumerate(BAD):
            with self.subTest(number=number, rule=name, files=files):
                self.skip_without_tools(name)
                found = self.findings(name, files)
                self.assertEqual(len(found), 1, found)
                path, line, _ = found[0]
                self.assertTrue(any(file == path or file.startswith(path + '/')
                                    for file in files))
                self.assertGreater(line, 0)

    def test_good_trees_are_left_alone(self):
        """The nearest miss of each rule is no finding."""
        for number, (name, files) in enumerate(GOOD):
            with self.subTest(number=number, rule=name, files=files):
                self.skip_without_tools(name)
                self.assertEqual(self.findings(name, files), [])

    def test_line_numbers_are_those_of_the_culprit(self):
        """An editor jumps to the place."""
        for name, files, line in [
                ('layers', {'stack/net/a.c': C + '\n#include "tcp/tcp.h"\n'}, 4),
                ('pure-calls', {'stack/net/a.c': '/*\n\n*/\n\tx = "a";\n\tmalloc(1);\n'}, 5),
                ('no-globals', {'stack/net/a.c': C + body(5) + 'static int x;\n'}, 8),
                ('function-size', {'stack/net/a.c': C + nested(5)}, 10),
                ('unused-rows', {'stack/net/a.def': '\nT(a)\n'}, 2)]:
            with self.subTest(rule=name):
                self.assertEqual([found[1] for found in self.findings(name, files)], [line])


class Exceptions(unittest.TestCase):
    """The tables of exceptions stay honest."""

    def test_every_exception_has_a_reason_and_a_file(self):
        """An exception for a file that is gone would excuse its successor."""
        tree = tidy.Tree(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
        for table in (tables.EDGE_EXCEPTIONS, tables.HEADER_EXCEPTIONS, tables.INIT_ALLOCATORS,
                      tables.NO_UNIT_TEST, tables.FUNCTION_EXCEPTIONS, tables.FILE_EXCEPTIONS,
                      {table: (rows, why) for table, rows, why in tables.ROW_EXCEPTIONS}):
            for key, value in table.items():
                path = (key[0] if isinstance(key, tuple) else key).split(':')[0]
                self.assertIn(path, tree.paths)
                if table is tables.NO_UNIT_TEST and value[0]:
                    self.assertIn(value[0], tree.paths)
                reason = value[1] if isinstance(value, tuple) else value
                self.assertGreater(len(reason), 10, key)


class Reading(unittest.TestCase):
    """The reader of C keeps positions and is not taken in by strings."""

    def test_comments_and_strings_are_blanked_in_place(self):
        """A quote in a comment, and a comment in a string, start nothing."""
        text = 'a /* "x */ b "// c" \'"\' d // e\nf'
        code = ctext.without_comments(text)
        self.assertEqual(len(code), len(text))
        self.assertEqual(code.split(), ['a', 'b', '"', '"', "'", "'", 'd', 'f'])

    def test_directives_go_with_their_continuation_lines(self):
        """A macro's body is no code of the file."""
        self.assertEqual(ctext.without_directives('a\n#define B \\\n\tc\nd\n').split(), ['a', 'd'])

    def test_functions_are_found_with_their_lines(self):
        """The first line is the one with the return type."""
        code = 'int x;\n\nstatic int\nf(void)\n{\n}\n\nstruct a\n*g(int a,\n\tint b)\n{\n\tx;\n}\n'
        found = ctext.functions(code)
        self.assertEqual([(f.name, f.first_line, f.last_line) for f in found], [('f', 3, 6)])

    def test_main_reports_and_fails(self):
        """The exit status is what the test suite sees."""
        with tempfile.TemporaryDirectory() as root, \
                contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()):
            with open(os.path.join(root, 'Makefile'), 'w', encoding='utf-8') as file:
                file.write('all:\n')
            with mock.patch.object(sys, 'argv', ['tidy.py', '--root', root]):
                self.assertEqual(tidy.main(), 1)
            os.rename(os.path.join(root, 'Makefile'), os.path.join(root, 'README.md'))
            with mock.patch.object(sys, 'argv', ['tidy.py', '--root', root]):
                self.assertEqual(tidy.main(), 0)
        self.assertEqual(out.getvalue(), 'Makefile:1: top-level: not an entry of the top level\n')


if __name__ == '__main__':
    unittest.main()
