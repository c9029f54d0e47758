#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the tree against the rules of the project; prints path:line: rule: message."""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import ctext
import pages
import tables

RULES = {}
ATTRIBUTE = re.compile(r'__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|_Alignas\s*\([^)]*\)')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


class Tree:
    """The files to check, read once each."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(self.list_files())
        self._text = {}
        self._code = {}

    def list_files(self):
        """What git knows or would add; without git every file outside build folders."""
        git = ['git', '-C', self.root]
        try:
            top = subprocess.run(git + ['rev-parse', '--show-toplevel'], check=True,
                                 capture_output=True, text=True).stdout.strip()
            if os.path.realpath(top) == os.path.realpath(self.root):
                names = subprocess.run(
                    git + ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                    check=True, capture_output=True, text=True).stdout
                return {name for name in names.split('\0')
                        if name and os.path.isfile(os.path.join(self.root, name))}
        except (OSError, subprocess.CalledProcessError):
            pass
        found = set()
        for folder, folders, names in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            folders[:] = [name for name in folders if name not in ('.git', '__pycache__')
                          and not (here == '.' and name.startswith('build'))]
            found.update(os.path.normpath(os.path.join(here, name)) for name in names)
        return found

    def matching(self, prefixes=('',), suffixes=('',)):
        """The paths that start and end with one of these."""
        return [path for path in self.paths
                if path.startswith(tuple(prefixes)) and path.endswith(tuple(suffixes))]

    def c_files(self, prefixes=('',)):
        """C sources and headers."""
        return self.matching(prefixes, ('.c', '.h'))

    def pure_files(self):
        """C sources and headers of the pure layers."""
        return self.c_files([f'stack/{layer}/' for layer in tables.PURE])

    def text(self, path):
        """A file's text; None if it is binary."""
        if path not in self._text:
            with open(os.path.join(self.root, path), 'rb') as file:
                data = file.read()
            self._text[path] = None if b'\0' in data else data.decode('utf-8', 'replace')
        return self._text[path]

    def code(self, path):
        """A C file's text without comments and strings."""
        if path not in self._code:
            self._code[path] = ctext.without_comments(self.text(path) or '')
        return self._code[path]

    def statements(self, path):
        """The same without preprocessor lines."""
        return ctext.without_directives(self.code(path))

    def includes(self, path):
        """(line, '<' or '"', name) of each include."""
        code = ctext.without_comments(self.text(path) or '', keep_strings=True)
        for match in INCLUDE.finditer(code):
            yield ctext.line_at(code, match.start()), match.group(1), match.group(2)

    def text_files(self):
        """(path, lines) of every text file; fuzz corpora are data."""
        for path in self.paths:
            if not path.startswith('tests/fuzz/corpus/') and self.text(path) is not None:
                yield path, self.text(path).split('\n')


def rule(function):
    """Makes a function a rule, named after it; its docstring is the reason."""
    RULES[function.__name__.replace('_', '-')] = function
    return function


def is_script(path, lines):
    """Whether a file is read by an interpreter, a build tool or the C compiler."""
    name = os.path.basename(path)
    return (name in ('meson.build', 'meson_options.txt', 'packages.txt') or
            path.endswith(('.c', '.h', '.def', '.py', '.sh', '.lua', '.pkt', '.yaml', '.service',
                           '.scd')) or
            lines[0].startswith('#!'))


# Layers ---------------------------------------------------------------------------------------


@rule
def layers(tree):
    """Includes go down the layers or stay in their folder, so that a layer can be read alone."""
    for path in tree.c_files(('stack/', 'app/')):
        folder = max((name for name in tables.EDGES if path.startswith(name + '/')),
                     key=len, default=None)
        if folder is None:
            yield path, 1, 'this folder has no row in the table of layers'
            continue
        own = os.path.basename(folder)
        for line, kind, name in tree.includes(path):
            if kind == '<':
                continue
            layer = name.split('/')[0]
            if '/' not in name:
                beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
                if folder.startswith('stack/') or beside not in tree.paths:
                    yield path, line, f'"{name}" is not written as "layer/name.h"'
            elif layer not in tables.EDGES[folder] + (own,) and \
                    (path, name) not in tables.EDGE_EXCEPTIONS:
                yield path, line, f'{folder} may not include "{name}"'


@rule
def system_headers(tree):
    """Pure layers see no header that offers a clock, I/O, memory or DPDK."""
    for path in tree.pure_files() + tree.c_files(('stack/include/',)):
        for line, kind, name in tree.includes(path):
            if kind == '<' and name not in tables.PURE_HEADERS and \
                    (path, name) not in tables.HEADER_EXCEPTIONS and \
                    not (name == 'stdlib.h' and path in tables.INIT_ALLOCATORS):
                yield path, line, f'<{name}> is not for a pure layer'


@rule
def include_order(tree):
    """libc, DPDK, ours, each sorted (own header first): no duplicates, few conflicts."""
    for path in tree.c_files():
        groups = {0: [], 1: [], 2: []}
        last = 0
        for line, kind, name in tree.includes(path):
            own = name == re.sub(r'^.*?/|\.c$', '', path) + '.h'
            before = tree.code(path).split('\n')[line - 2]
            if name.endswith('.def') or own or path.startswith('tests/') or \
                    before.startswith('#if'):
                continue
            group = 2 if kind == '"' else 1 if name.startswith('rte_') else 0
            if group < last:
                yield path, line, f'{name} comes after a later group of includes'
            elif groups[group] and groups[group][-1] > name:
                yield path, line, f'{name} is not in sorted order'
            last = max(group, last)
            groups[group].append(name)


# Calls and state ------------------------------------------------------------------------------


@rule
def banned_calls(tree):
    """Calls that no file makes, because a safer one exists."""
    names = '|'.join(tables.BANNED_CALLS)
    for path in tree.c_files():
        for match in re.finditer(rf'(?<![\w.>])({names})[ \t]*\(', tree.code(path)):
            name = match.group(1)
            yield (path, ctext.line_at(tree.code(path), match.start()),
                   f'{name}: use {tables.BANNED_CALLS[name]}')


@rule
def pure_calls(tree):
    """Pure layers read no clock, allocate nothing after init, print nothing, start nothing."""
    names = '|'.join(tables.PURE_BANNED_CALLS)
    prefixes = '|'.join(tables.PURE_BANNED_PREFIXES)
    pattern = re.compile(rf'(?<![\w.>])({names}|(?:{prefixes})\w+)[ \t]*\(')
    for path in tree.pure_files():
        code = tree.code(path)
        allowed = tables.INIT_ALLOCATORS.get(path, ((), ''))[0]
        spans = [(found.first_line, found.last_line)
                 for found in ctext.functions(tree.statements(path)) if found.name in allowed]
        for match in pattern.finditer(code):
            line = ctext.line_at(code, match.start())
            if not any(first <= line <= last for first, last in spans):
                yield path, line, f'{match.group(1)} in a pure layer'


def is_mutable_variable(statement):
    """Whether a top-level statement declares something that can be written."""
    text = re.sub(r'\}\s*[A-Z][A-Z0-9_]*(\(.*\))?;$', '};', ATTRIBUTE.sub('', statement))
    declarator = text.split('=')[0].strip().rstrip(';').strip()
    if re.match(r'(typedef|_Static_assert|static_assert)\b', declarator):
        return False
    if '=' not in text and '(' in declarator and not re.match(r'[^(]*\(\s*\*', declarator):
        return False
    if re.search(r'\}$', declarator) or \
            re.fullmatch(r'(struct|union|enum)\s+\w+', declarator) or not declarator:
        return False
    if '*' in declarator:
        return not re.search(r'\bconst\b', declarator.rsplit('*', 1)[1])
    return not re.search(r'\bconst\b', declarator)


@rule
def no_globals(tree):
    """Everything a pure layer changes hangs off the worker: two engines share nothing."""
    for path in tree.pure_files():
        code = tree.statements(path)
        for line, statement in ctext.top_level_statements(code):
            if is_mutable_variable(statement):
                yield path, line, f'file-scope variable that is not const: {statement[:60]}'
        for match in re.finditer(r'^[ \t]+static\b([^;{=(]*)[;=]', code, re.M):
            if is_mutable_variable(match.group(1) + ';'):
                yield (path, ctext.line_at(code, match.start()),
                       'static variable inside a function that is not const')


@rule
def no_struct_typedef(tree):
    """A struct says that it is one where it is used."""
    for path in tree.matching(suffixes=('.c', '.h', '.def')):
        for match in re.finditer(r'\btypedef\s+(struct|union)\b', tree.code(path)):
            yield path, ctext.line_at(tree.code(path), match.start()), 'typedef of a struct'


# Shape ----------------------------------------------------------------------------------------


@rule
def function_style(tree):
    """Return type on its own line, brace in column 0: grep '^name' finds a definition."""
    for path in tree.c_files():
        code = tree.statements(path)
        for match in re.finditer(r'^[A-Za-z_][^\n;=]*\)[ \t]*\{', code, re.M):
            yield (path, ctext.line_at(code, match.start()),
                   "a function's { belongs in column 0 of the next line")
        known = {found.first_line for found in ctext.functions(code)}
        for found in re.finditer(r'^\{', code, re.M):
            line = ctext.line_at(code, found.start())
            if not any(first < line and line - first < 20 for first in known):
                yield path, line, 'the name of a function belongs in column 0'


@rule
def function_size(tree):
    """Short, flat functions with few parameters can be checked by eye."""
    for path in tree.c_files():
        for found in ctext.functions(tree.statements(path)):
            if f'{path}:{found.name}' in tables.FUNCTION_EXCEPTIONS:
                continue
            length = found.last_line - found.first_line + 1
            depth, where = found.deepest()
            if length > tables.MAX_FUNCTION_LINES:
                yield (path, found.first_line,
                       f'{found.name} has {length} lines, over {tables.MAX_FUNCTION_LINES}')
            if found.parameter_count() > tables.MAX_PARAMETERS:
                yield (path, found.first_line, f'{found.name} has {found.parameter_count()}'
                       f' parameters, over {tables.MAX_PARAMETERS}')
            if depth > tables.MAX_NESTING:
                yield (path, where, f'{found.name} nests {depth} deep,'
                       f' over {tables.MAX_NESTING}')


@rule
def file_size(tree):
    """A file that fits in the head has one idea."""
    for path, lines in tree.text_files():
        if is_script(path, lines) and not path.endswith('.def') and \
                len(lines) - 1 > tables.MAX_FILE_LINES and path not in tables.FILE_EXCEPTIONS:
            yield path, len(lines) - 1, f'over {tables.MAX_FILE_LINES} lines'


@rule
def line_form(tree):
    """One look everywhere: 100 columns, plain ASCII, no trailing space, a final newline."""
    for path, lines in tree.text_files():
        limited = is_script(path, lines) and not path.endswith('.def')
        for number, line in enumerate(lines, 1):
            if limited and len(line.expandtabs(8)) > tables.MAX_COLUMNS:
                yield path, number, f'over {tables.MAX_COLUMNS} columns'
            if not line.isascii():
                yield path, number, 'not plain ASCII'
            if line != line.rstrip():
                yield path, number, 'trailing space'
        if lines[-1] != '':
            yield path, len(lines), 'no newline at the end of the file'


@rule
def tabs(tree):
    """C is indented with tabs of 8; spaces only align what one level less cannot."""
    for path in tree.c_files():
        for number, line in enumerate(tree.code(path).split('\n'), 1):
            if re.match(r' +\S|\t+ {8}|\t* +\t', line) and \
                    not starts_in_comment(tree, path, number):
                yield path, number, 'indented with spaces'


def starts_in_comment(tree, path, number):
    """Whether a line's first visible character belongs to a comment."""
    raw = tree.text(path).split('\n')[number - 1]
    code = tree.code(path).split('\n')[number - 1]
    first = len(raw) - len(raw.lstrip())
    return code[first:first + 1].isspace()


@rule
def spdx(tree):
    """Every source names its licence, and C files say in a sentence what they are."""
    for path, lines in tree.text_files():
        if not is_script(path, lines):
            continue
        marks = [number for number, line in enumerate(lines[:2])
                 if 'SPDX-License-Identifier: BSD-3-Clause' in line]
        if not marks:
            yield path, 1, 'no SPDX line in the first two lines'
        elif path.endswith(('.c', '.h')):
            following = [line for line in lines[marks[0] + 1:marks[0] + 3] if line.strip()]
            if not following or not following[0].lstrip().startswith(('/*', '//', '*')):
                yield path, marks[0] + 2, 'no sentence that says what this file is'


# Headers, tests, tables -------------------------------------------------------------------------


def guards_of(path):
    """The guard names that suit a header: LAYER_NAME_H, or NAME_H if NAME starts with LAYER_."""
    layer, name = (re.sub(r'\W', '_', part).upper() for part in path.split('/')[-2:])
    return [f'{layer}_{name}'] + ([name] if name.startswith(layer + '_') else [])


@rule
def header_guard(tree):
    """A header can be included twice, and its guard cannot clash."""
    for path in tree.matching(('stack/', 'app/', 'tests/'), ('.h',)):
        match = re.search(r'^#ifndef (\w+)\n#define (\w+)\n', tree.text(path) or '', re.M)
        if not match or match.group(1) != match.group(2) or \
                match.group(1) not in guards_of(path):
            yield path, 1, f'no include guard {guards_of(path)[0]}'


def needs_dpdk(tree, path, seen=None):
    """Whether a header reaches a DPDK header through what it includes."""
    seen = set() if seen is None else seen
    if path in seen or path not in tree.paths:
        return False
    seen.add(path)
    return any(name.startswith('rte_') if kind == '<' else
               any(needs_dpdk(tree, os.path.normpath(os.path.join(base, name)), seen)
                   for base in ('stack', 'stack/include', 'app', 'tests', os.path.dirname(path)))
               for _, kind, name in tree.includes(path))


def dpdk_flags():
    """Compiler flags for DPDK's headers; None where they are not installed."""
    try:
        flags = subprocess.run(['pkg-config', '--cflags', 'libdpdk'], check=True,
                               capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return None
    return [flag.replace('-I', '-isystem') if flag.startswith('-I') else flag
            for flag in flags if not flag.startswith('-march')]


def compile_header(tree, path, flags):
    """The compiler's first complaint about a header alone; None if there is none."""
    public = path.startswith('stack/include/')
    dialect = ['-std=c11'] if public else ['-std=gnu11', '-D_GNU_SOURCE', '-Istack', '-Iapp',
                                           '-Itests']
    command = ['gcc', '-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-xc',
               '-march=x86-64-v3', '-I.', '-Istack/include'] + dialect + flags + ['-']
    done = subprocess.run(command, cwd=tree.root, input=f'#include "{path}"\nextern int end;\n',
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return next((line for line in done.stderr.split('\n') if 'error:' in line), done.stderr[:200])


@rule
def header_alone(tree):
    """A header compiles alone: whoever includes it needs to know nothing else."""
    if not shutil.which('gcc'):
        return
    flags = dpdk_flags()
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in tree.matching(('stack/', 'app/', 'tests/'), ('.h',)):
            dpdk = needs_dpdk(tree, path)
            if not dpdk or flags is not None:
                jobs[path] = pool.submit(compile_header, tree, path, flags if dpdk else [])
        for path, job in jobs.items():
            if job.result():
                yield path, 1, f'does not compile alone: {job.result()}'


@rule
def unit_test(tree):
    """Each module of the pure layers has a unit test of its name, with something asserted."""
    for path in tree.matching([f'stack/{layer}/' for layer in tables.PURE], ('.c',)):
        layer, name = path.split('/')[-2:]
        wanted = f'tests/unit/test_{name}'
        tested = {wanted, f'tests/unit/test_{layer}_{name}'} & set(tree.paths)
        excused = path in tables.NO_UNIT_TEST
        if bool(tested) == excused:
            yield path, 1, f'{tested.pop()} is there, yet tables.py excuses it' if tested else \
                f'no {wanted}'
    for path in tree.matching(('tests/unit/test_',), ('.c',)):
        if not re.search(r'\b(?:assert_|expect_|fail\b|fail_msg)', tree.code(path)):
            yield path, 1, 'a test without an assertion cannot fail'


@rule
def built(tree):
    """Each C file is named in a meson.build: nothing lies around unbuilt."""
    for path in tree.matching(suffixes=('.c',)):
        stem = os.path.basename(path)[:-2]
        names = {stem + '.c', stem, re.sub(r'^(test|fuzz|bench|sim)_', '', stem)}
        folder, found = os.path.dirname(path), False
        while not found:
            build = tree.text(os.path.join(folder, 'meson.build')) \
                if os.path.join(folder, 'meson.build') in tree.paths else ''
            quoted = {os.path.basename(name) for name in re.findall(r"'([^'\n]+)'", build)}
            found = bool(names & quoted)
            if not folder:
                break
            folder = os.path.dirname(folder)
        if not found:
            yield path, 1, 'no meson.build names it'


@rule
def unused_rows(tree):
    """A row of a table that nothing uses is a promise that nothing keeps."""
    sources = tree.c_files(('stack/', 'app/'))
    words = set(re.findall(r'\b[A-Za-z_]\w*\b', '\n'.join(map(tree.code, sources))))
    upper_ends = {'_'.join(parts[start:]) for word in words if word.isupper()
                  for parts in [word.split('_')] for start in range(len(parts))}
    for path in sorted(set(tree.matching(('stack/',), ('.def',))) - set(tables.DATA_TABLES)):
        code = tree.statements(path)
        before = tables.ROW_COLUMNS.get(path, 0)
        data = '|'.join(tables.DATA_ROWS)
        row = rf'^[ \t]*(?!(?:{data})\b)[A-Z][A-Z0-9_]*\((?:[^,]*,){{{before}}}\s*([A-Za-z_]\w*)'
        for match in re.finditer(row, code, re.M):
            name = match.group(1)
            used = name in words or name.upper() in upper_ends
            excused = any(path == table and name in rows
                          for table, rows, _ in tables.ROW_EXCEPTIONS)
            if used == excused:
                yield (path, ctext.line_at(code, match.start(1)), f'the row {name} is used, yet'
                       ' tables.py excuses it' if used else f'nothing uses the row {name}')


TEST_NAME = r'^(\w+)\(void \*\*state\)|def (test_\w+)\('


def tested_tunables(tree, knobs):
    """Those that a script is named after, or the name of a test speaks of."""
    scripts = tree.matching(('tests/script/tunable/',), ('.pkt',))
    found = {re.sub(r'(-ip[46])?\.pkt$', '', path.rpartition('/')[2]) for path in scripts}
    paths = [path for path in tree.matching(('tests/unit/test_',), ('.c',))
             if path not in tables.TABLE_TESTS] + tree.matching(('tests/integ/test_',), ('.py',))
    for path in paths:
        for match in re.finditer(TEST_NAME, tree.text(path) or '', re.M):
            name = match.group(1) or match.group(2)
            # A longer one first: the name of tcp_fastopen_key is no word about tcp_fastopen.
            for knob in sorted(knobs, key=len, reverse=True):
                if knob in name:
                    found.add(knob)
                    name = name.replace(knob, ' ')
    return found


@rule
def tunable_test(tree):
    """What an operator sets has a test that is named after it and sees what it does."""
    table = 'stack/conf/tunables.def'
    if table not in tree.paths:
        return
    code = tree.statements(table)
    rows = {match.group(1): match.start(1)
            for match in re.finditer(r'^TUN_[A-Z]+\(\s*(\w+)', code, re.M)}
    tested = tested_tunables(tree, rows)
    for name, at in rows.items():
        if (name in tested) == (name in tables.TUNABLES_UNTESTED):
            yield table, ctext.line_at(code, at), \
                f'{name} has a test, yet tables.py excuses it' if name in tested else \
                f'no script and no test is named after {name}'


@rule
def script_prose(tree):
    """A script says what its acts show: not too many lines in a row without a word."""
    for path in tree.matching(('tests/script/',), ('.pkt',)):
        silent = 0
        for number, line in enumerate(tree.text(path).split('\n'), 1):
            silent = 0 if not line or line.startswith('//') else silent + 1
            if silent > tables.MAX_SILENT_LINES:
                yield path, number, f'{silent} lines in a row without a comment'
                silent = 0


@rule
def attack_rows(tree):
    """Each attack of the catalogue has a test that runs, and names that exist."""
    yield from pages.attacks(tree)


@rule
def regressions(tree):
    """Each bug of the list of regressions has a test that runs."""
    yield from pages.regressions(tree)


@rule
def life_page(tree):
    """The page on a connection's life names all its knobs, and none that is not there."""
    yield from pages.life(tree, tables.LIFE_KNOBS, tables.LIFE_COUNTERS)


# Text -----------------------------------------------------------------------------------------

FOREIGN = (
    (r'(?<![\w.])/(?:wor[k]|far[m])/', 'path of a workplace'),
    (r'/tmp/w[t]\b|\.libr[a]ry\b', 'path of a workplace'),
    (r'\bp[k]ill\b|\bk[i]llall\b', 'ends processes by name; end those you started by their id'),
    (r'regist[r]y\.npmjs|(?:deb|security)\.deb[i]an\.org|py[p]i\.org|cra[t]es\.io|prox[y]\.golang',
     'host of a package registry'),
    (r'(?i)\bissue[ ]#?[0-9]+', 'number of an issue'),
    (r'\bTO[D]O\b|\bFIX[M]E\b|\bXX[X]\b', 'unfinished work'),
)


@rule
def foreign_text(tree):
    """The repository speaks of the project alone, and of finished things."""
    for path, lines in tree.text_files():
        for number, line in enumerate(lines, 1):
            for pattern, what in FOREIGN:
                if re.search(pattern, line):
                    yield path, number, what


@rule
def top_level(tree):
    """The top of the tree is the map of the project and holds nothing else."""
    for entry in sorted({path.split('/')[0] for path in tree.paths}):
        if entry not in tables.TOP_LEVEL and not entry.startswith('.'):
            yield entry, 1, 'not an entry of the top level'


@rule
def shell_scripts(tree):
    """Shell scripts pass shellcheck, which knows more about quoting than we do."""
    scripts = [path for path, lines in tree.text_files()
               if re.match(r'#!.*\b(?:ba|da)?sh\b', lines[0])]
    if not scripts or not shutil.which('shellcheck'):
        return
    done = subprocess.run(['shellcheck', '-f', 'gcc', '-x'] + scripts, cwd=tree.root, text=True,
                          capture_output=True, check=False)
    for line in done.stdout.splitlines():
        path, number, message = re.match(r'(.*?):(\d+):\d+: (.*)', line).groups()
        yield path, int(number), message


def main():
    """Runs the rules asked for; 1 if any found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=os.path.join(os.path.dirname(__file__), '../..'),
                        help='the tree to check (default: this one)')
    parser.add_argument('--list', action='store_true', help='print the rules and their reasons')
    parser.add_argument('rules', nargs='*', metavar='RULE', help='check only these rules')
    arguments = parser.parse_args()
    if arguments.list:
        for name, check in RULES.items():
            print(f'{name:18} {check.__doc__}')
        return 0
    unknown = [name for name in arguments.rules if name not in RULES]
    if unknown:
        parser.error(f'no rule {" ".join(unknown)}; see --list')
    tree = Tree(arguments.root)
    findings = 0
    for name in arguments.rules or RULES:
        for path, line, message in RULES[name](tree):
            print(f'{path}:{line}: {name}: {message}')
            findings += 1
    print(f'{findings} findings in {len(tree.paths)} files', file=sys.stderr)
    return 1 if findings or not tree.paths else 0


if __name__ == '__main__':
    sys.exit(main())
