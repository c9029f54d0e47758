#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tables of RFC requirements: checks what they name, and writes docs/rfc-coverage.md."""

import argparse
import collections
import functools
import os
import re
import sys

PAGE = 'docs/rfc-coverage.md'
TABLES = (
    ('tests/rfc/requirements.tsv', 'RFC 9293, Transmission Control Protocol',
     'Ids are those of RFC 9293 (SHLD is SHOULD); RULE-n are rules of s3.10.7 and s3.10.8 that '
     'have none there.'),
    ('tests/rfc/others.tsv', 'Other RFCs',
     'The id is the number of the RFC and a number of ours.'),
    ('tests/rfc/linux.tsv', 'Queues, closing and counters as Linux has them',
     'No RFC asks for these: they are what operators know, and what every tunable of that name '
     'must do here, too. Each tunable by itself is a script in `tests/script/tunable`.'),
    ('tests/rfc/wire.tsv', 'The wire as Linux has it',
     'Where RFCs leave room, peers, tools and operators expect what Linux does. The letters of a '
     'number are the behaviours that belong together.'),
)
COLUMNS = ('id', 'section', 'rule', 'state', 'code', 'tests', 'note')
# done: it holds, and a test shows it. deviates: it does not, and the note says why. left: it may be
# left out, and is.
STATES = ('done', 'deviates', 'left')
# Families of ids, and how many of RFC 9293's there are.
FAMILIES = {'MUST': 69, 'SHLD': 31, 'MAY': 18, 'REC': 1}
STRICT = ('MUST', 'REC', 'RULE')
# Where Linux is followed on the wire: so many behaviours, in parts with a letter each.
WIRE_IDS = 24

Row = collections.namedtuple('Row', COLUMNS + ('line',))

HEAD = '''# What the RFCs ask, where it is done, and what shows it

Generated from `tests/rfc/*.tsv` by `tests/rfc/rfc.py --write`; the suite `tidy` fails when this
page and the tables differ, when a MUST has neither a test nor a declared deviation, and when a
file, function or test named here does not exist. What we do otherwise, and why, is told in words in
`docs/deviations.md`.

- *Where*: file and function, under `stack/`.
- *Shown by*: `module:name` is the test `name` in `tests/unit/test_module.c`, `folder/name` a script
  in `tests/script`, `sim:name` a scenario of the simulation, `integ:name` is
  `tests/integ/test_name.py`.
- *State*: **done**; **deviates**, the note says why; **left** out, as a MAY or SHOULD allows.
'''


def read(root, path):
    """The rows of a table; every line has the columns of the head line."""
    with open(os.path.join(root, path), encoding='ascii') as file:
        lines = file.read().splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        fields = line.split('\t')
        if len(fields) != len(COLUMNS):
            raise ValueError(f'{path}:{number}: {len(fields)} columns, not {len(COLUMNS)}')
        if number > 1:
            rows.append(Row(*('' if f == '-' else f for f in fields), number))
    return rows


@functools.lru_cache(maxsize=None)
def text_of(root, path):
    """The text of a file, or None."""
    try:
        with open(os.path.join(root, path), encoding='utf-8') as file:
            return file.read()
    except OSError:
        return None


def code_exists(root, name):
    """'tcp/tcp_ack.c:tcp_acked': a file of the stack and a function defined in it."""
    path, _, function = name.partition(':')
    text = text_of(root, 'stack/' + path)
    return text is not None and \
        re.search(rf'^(?:[a-z].*[ *])?{re.escape(function)}\(', text, re.M) is not None


def in_list(root, path, name):
    """Whether a meson list holds the name."""
    return f"'{name}'" in (text_of(root, path) or '')


def test_exists(root, name):
    """Whether a test is there and is run: each kind has its own way to be listed."""
    kind, _, rest = name.partition(':')
    if kind == 'sim':
        return in_list(root, 'tests/sim/meson.build', rest)
    if kind == 'integ':
        return text_of(root, f'tests/integ/test_{rest}.py') is not None and \
            in_list(root, 'tests/integ/meson.build', rest)
    if kind == 'packetdrill':
        return text_of(root, f'tests/packetdrill/scripts/{rest}.pkt') is not None and \
            in_list(root, 'tests/packetdrill/meson.build', rest)
    if rest:
        text = text_of(root, f'tests/unit/test_{kind}.c') or ''
        # Defined, and named once more: a row of the list.
        return re.search(rf'^{rest}\(void', text, re.M) is not None and \
            re.search(rf'\w\(\s*{rest}\s*[,)]', text) is not None
    return text_of(root, f'tests/script/{name}.pkt') is not None and \
        in_list(root, 'tests/script/meson.build', name)


def check_row(root, row):
    """What is wrong with one row."""
    family = row.id.split('-')[0]
    strict = family in STRICT or family.isdigit()
    if row.state not in STATES:
        yield f'the state {row.state!r} is none of {", ".join(STATES)}'
    if row.state == 'done' and not row.tests:
        yield 'done, and no test shows it'
    if row.state != 'done' and not row.note:
        yield f'{row.state}, and no reason is given'
    if family == 'WIRE' and not row.tests:
        yield 'no test shows what is on the wire'
    if row.state == 'left' and strict and not family.isdigit():
        yield 'a MUST cannot be left out; it deviates'
    if not row.code:
        yield 'no place in the code'
    for name in row.code.split():
        if not code_exists(root, name):
            yield f'no function {name} in stack/'
    for name in row.tests.split():
        if not test_exists(root, name):
            yield f'no test {name}'


def check_ids(path, rows):
    """Every id once, and of each family as many as the RFC has."""
    seen = collections.Counter(row.id for row in rows)
    for name, count in seen.items():
        if count > 1:
            yield f'{path}: {name} is there {count} times'
    if path == TABLES[3][0]:
        numbers = {re.sub(r'^WIRE-(\d+)[a-z]?$', r'\1', name) for name in seen}
        for number in range(1, WIRE_IDS + 1):
            if str(number) not in numbers:
                yield f'{path}: WIRE-{number} is missing'
    if path != TABLES[0][0]:
        return
    for family, count in FAMILIES.items():
        for number in range(1, count + 1):
            if f'{family}-{number}' not in seen:
                yield f'{path}: {family}-{number} is missing'


def cell(names):
    """Names as code, one after the other."""
    return ' '.join(f'`{name}`' for name in names.split())


def table_text(rows):
    """The rows as a Markdown table."""
    out = ['| Id | Section | What is asked | State | Where | Shown by | Note |',
           '|---|---|---|---|---|---|---|']
    for row in rows:
        state = f'**{row.state}**' if row.state == 'deviates' else row.state
        fields = (row.id, row.section, row.rule, state, cell(row.code), cell(row.tests), row.note)
        out.append('| ' + ' | '.join(field.replace('|', '\\|') for field in fields) + ' |')
    return '\n'.join(line.replace('|  |', '| |').replace('|  |', '| |') for line in out)


def page(tables):
    """The whole page."""
    parts = [HEAD]
    for (_, title, words), rows in zip(TABLES, tables):
        states = collections.Counter(row.state for row in rows)
        total = ', '.join(f'{states[state]} {state}' for state in STATES)
        parts.append(f'## {title}\n{words}\n\n{len(rows)} rows: {total}.\n\n{table_text(rows)}\n')
    return '\n'.join(parts)


def check(root):
    """All that is wrong, in lines."""
    tables = []
    for path, _, _ in TABLES:
        try:
            rows = read(root, path)
        except (OSError, ValueError) as err:
            yield str(err)
            return
        tables.append(rows)
        yield from check_ids(path, rows)
        for row in rows:
            for what in check_row(root, row):
                yield f'{path}:{row.line}: {row.id}: {what}'
    if text_of(root, PAGE) != page(tables):
        yield f'{PAGE}: differs from the tables; tests/rfc/rfc.py --write makes it anew'


def main():
    """Checks, or writes the page; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=os.path.join(os.path.dirname(__file__), '../..'))
    parser.add_argument('--write', action='store_true', help='write the page from the tables')
    arguments = parser.parse_args()
    if arguments.write:
        text = page([read(arguments.root, path) for path, _, _ in TABLES])
        with open(os.path.join(arguments.root, PAGE), 'w', encoding='ascii') as file:
            file.write(text)
    findings = list(check(arguments.root))
    for line in findings:
        print(line)
    print(f'{len(findings)} findings', file=sys.stderr)
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
