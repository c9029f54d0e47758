#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the pages on attacks and on a connection's life say, against the tables and the tests.

tests/tidy/pages.py brings the table of docs/attacks.md up to date with tests/attacks.tsv.
"""

import os
import re

TABLE = 'tests/attacks.tsv'
PAGE = 'docs/attacks.md'
LIFE = 'docs/handshake.md'
MEMORY = 'docs/memory.md'
BEGIN, END = '<!-- from tests/attacks.tsv -->\n', '<!-- end -->\n'
KNOB = re.compile(r'(?<![\w/.])((?:tcp|ip|icmp)_\w+|memory\.(?!md)\w+)(?![\w.]*\.c\b)')
WATCHED = re.compile(r'\b((?:TcpExt|Tcp|Sluice|Ip)[A-Z]\w+)|`([a-z0-9]+(?:-[a-z0-9]+)+)`')
ATTACK_TEST = re.compile(r'^(?:    def )?((?:test_)?a(\d\d)_\w+)\((?:void|self)', re.M)
REGRESSIONS = 23        # bugs that other user-space stacks had
REGRESSION_TEST = re.compile(r'^(reg_tf_(\d\d)_\w+)\(void', re.M)
REGRESSION_SCRIPT = re.compile(r'^// REG-TF-(\d\d): ', re.M)
SCRIPTS = (('tests/script', 'tests/script/'), ('tests/packetdrill', 'tests/packetdrill/scripts/'))
COLUMNS = ('row', 'the attack', 'what bounds it here', 'knobs', 'watch', 'tests')


def rows(text):
    """(line, cells) of each row; a cell of '-' is empty."""
    for number, line in enumerate(text.split('\n'), 1):
        if line and not line.startswith('#'):
            yield number, [cell if cell != '-' else '' for cell in line.split('\t')]


def render(text):
    """The table of the page."""

    def code(words):
        return '<br>'.join(f'`{word}`' for word in words.split())

    out = ['| ' + ' | '.join(COLUMNS) + ' |', '|' + '---|' * len(COLUMNS)]
    for _, (row, attack, bound, knobs, watch, tests) in rows(text):
        files = sorted({test.split(':')[0] for test in tests.split()})
        out.append(f'| {row} | {attack} | {bound} | {code(knobs)} | {code(watch)} | '
                   f'{code(" ".join(files))} |')
    return '\n'.join(out) + '\n'


def names(text, row):
    """What rows of a .def table are called; row makes a name of a match's groups."""
    return {row(match) for match in re.finditer(
        r'^(TUN_\w+|COUNTER|GAUGE|OUTCOME|KEY)\(\s*(\w+),\s*"?(\w*)', text, re.M)}


def known(tree):
    """Names of knobs, and of counters and outcomes, as they are shown."""
    read = {path: tree.text(f'stack/{path}.def') if f'stack/{path}.def' in tree.paths else ''
            for path in ('conf/tunables', 'conf/counters', 'conf/outcomes', 'ctl/config')}
    knobs = names(read['conf/tunables'], lambda m: m.group(2))
    keys = names(read['ctl/config'], lambda m: f'{m.group(2)}.{m.group(3)}')
    counters = names(read['conf/counters'], lambda m: m.group(3) + m.group(2))
    outcomes = names(read['conf/outcomes'], lambda m: m.group(2).lower().replace('_', '-'))
    return knobs | keys, counters | outcomes


def test_exists(tree, test):
    """Whether a test is there and its program runs it."""
    path, _, name = test.partition(':')
    path = 'tests/' + path
    if path not in tree.paths:
        return False
    text = tree.text(path)
    if path.endswith('.pkt'):
        return not name
    if path.endswith('.c'):
        return bool(re.search(rf'^{name}\(void', text, re.M)) and \
            len(re.findall(rf'\b{name}\b', text)) > 1
    if path.endswith('.py'):
        return bool(re.search(rf'^    def {name}\(self\)', text, re.M))
    return bool(name) and f"'{name.removeprefix('sim-')}'" in text or f"'{name}'" in text


def unnamed(tree):
    """Tests called after a row that does not name them: nobody would see one of them go."""
    named = {cells[0]: cells[-1].split() for _, cells in rows(tree.text(TABLE))}
    for path in tree.matching(('tests/unit/test_', 'tests/integ/test_')):
        for match in ATTACK_TEST.finditer(tree.text(path)):
            name, row = match.group(1), f'A-{match.group(2)}'
            if f'{path.removeprefix("tests/")}:{name}' not in named.get(row, ()):
                yield TABLE, 1, f'{row} does not name {name} of {path}'


def attacks(tree):
    """Findings in the table of attacks and its page."""
    if TABLE not in tree.paths:
        return
    knobs, watched = known(tree)
    wanted = [f'A-{number:02}' for number in range(1, 61)]
    for line, cells in rows(tree.text(TABLE)):
        if len(cells) != len(COLUMNS):
            yield TABLE, line, f'{len(cells)} columns, not {len(COLUMNS)}'
            continue
        if not wanted or cells[0] != wanted.pop(0):
            yield TABLE, line, f'{cells[0]} is not the next row of the catalogue'
            return
        for word in sorted(set(cells[3].split()) - knobs | set(cells[4].split()) - watched):
            yield TABLE, line, f'{word} is no tunable, counter or outcome'
        for test in cells[5].split():
            if not test_exists(tree, test):
                yield TABLE, line, f'no test {test}'
        if not cells[5]:
            yield TABLE, line, f'{cells[0]} has no test'
    if wanted:
        yield TABLE, 1, f'no row {wanted[0]}'
    yield from unnamed(tree)
    if PAGE in tree.paths and BEGIN + '\n' + render(tree.text(TABLE)) + '\n' + END not in \
            tree.text(PAGE):
        yield PAGE, 1, f'its table is not that of {TABLE}: run tests/tidy/pages.py'


def regressions_run(tree):
    """Numbers of the regressions that a test is named after, or a script says it shows."""
    found = set()
    for path in tree.matching(('tests/unit/test_',), ('.c',)):
        for name, number in REGRESSION_TEST.findall(tree.text(path)):
            if test_exists(tree, f'{path.removeprefix("tests/")}:{name}'):
                found.add(int(number))
    for folder, scripts in SCRIPTS:
        listed = tree.text(f'{folder}/meson.build') if f'{folder}/meson.build' in tree.paths \
            else ''
        for path in tree.matching((scripts,), ('.pkt',)):
            said = REGRESSION_SCRIPT.search(tree.text(path))
            if said and f"'{path.removeprefix(scripts)[:-4]}'" in listed:
                found.add(int(said.group(1)))
    return found


def regressions(tree):
    """Bugs of other stacks that no test is left for."""
    if TABLE not in tree.paths:
        return
    for number in sorted(set(range(1, REGRESSIONS + 1)) - regressions_run(tree)):
        yield TABLE, 1, f'no test that runs is REG-TF-{number:02}'


def sections(text, wanted):
    """Names of the rows below these comments of their table."""
    found, inside = {}, False
    for number, line in enumerate(text.split('\n'), 1):
        comment = re.match(r'/\* ([\w -]+)\. \*/', line)
        if comment:
            inside = comment.group(1) in wanted
        match = re.match(r'(?:TUN_\w+|COUNTER|GAUGE)\(\s*(\w+)', line)
        if match and inside:
            found[match.group(1)] = number
    return found


def wrong_names(tree, page):
    """Knobs, counters and outcomes that a page speaks of and that are not there."""
    knobs, watched = known(tree)
    for number, line in enumerate(tree.text(page).split('\n'), 1):
        for word in KNOB.findall(line):
            if word not in knobs:
                yield page, number, f'{word} is no tunable'
        for word in WATCHED.findall(line):
            if ''.join(word) not in watched:
                yield page, number, f'{"".join(word)} is no counter or outcome'


def life(tree, knobs, counters):
    """Findings on the pages that tell a connection's life, and what it takes."""
    for page in {LIFE, MEMORY} & set(tree.paths):
        yield from wrong_names(tree, page)
    if LIFE not in tree.paths:
        return
    for table, wanted in (('tunables', knobs), ('counters', counters)):
        for name in sorted(sections(tree.text(f'stack/conf/{table}.def'), wanted)):
            if not re.search(rf'\b(?:TcpExt|Sluice|Tcp)?{name}\b', tree.text(LIFE)):
                yield LIFE, 1, f'says nothing of {name}'


def main():
    """Writes the table into the page."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')
    with open(os.path.join(root, TABLE), encoding='ascii') as file:
        table = render(file.read())
    with open(os.path.join(root, PAGE), encoding='ascii') as file:
        page = file.read()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    with open(os.path.join(root, PAGE), 'w', encoding='ascii') as file:
        file.write(before + BEGIN + '\n' + table + '\n' + END + after)


if __name__ == '__main__':
    main()
