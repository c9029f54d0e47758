#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads manual pages as man(1) does, without a warning, and looks for what must be in them.

manuals.py PAGE... ; a page is a file whose name ends in its section.
"""

import os
import re
import shutil
import subprocess
import sys

SECTIONS = {
    'sluicectl.1': ('NAME', 'SYNOPSIS', 'COMMANDS', 'OPTIONS', 'EXIT STATUS', 'SEE ALSO'),
    'sluiced.8': ('NAME', 'SYNOPSIS', 'OPTIONS', 'SIGNALS', 'EXIT STATUS', 'FILES', 'SEE ALSO'),
    'sluice-load.1': ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'SEE ALSO'),
    'sluice-pcapgen.1': ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'SEE ALSO'),
    'sluice-drivers.7': ('NAME', 'DESCRIPTION', 'KINDS OF PORT', 'CARDS', 'PITFALLS', 'SEE ALSO'),
    'sluice-loadtest.7': ('NAME', 'DESCRIPTION', 'PITFALLS', 'SEE ALSO'),
    'sluice.yaml.5': ('NAME', 'DESCRIPTION', 'KEYS', 'TUNABLES', 'SEE ALSO'),
}
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')


def warnings(path):
    """What the formatters say of a page; none of them need be there."""
    said = ''
    if shutil.which('groff'):
        said += subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-z', path],
                               capture_output=True, text=True, check=False).stderr
    if shutil.which('man'):
        said += subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', path],
                               env={**os.environ, 'MANWIDTH': '80', 'LC_ALL': 'C.UTF-8'},
                               capture_output=True, text=True, check=False).stderr
    return said


def names(table, row):
    """Names of the rows of a table of the source."""
    with open(os.path.join(ROOT, table), encoding='ascii') as file:
        return re.findall(row, file.read(), re.M)


def missing(path, text):
    """What a page does not tell of, though the tables have it."""
    wanted = [rf'^\.SH {name}$' for name in SECTIONS[os.path.basename(path)]]
    if path.endswith('.5'):
        found = names('stack/ctl/config.def', r'^KEY\(\w+, (\w+),') + \
            names('stack/conf/tunables.def', r'^TUN_\w+\((\w+),')
        wanted += [rf'^\.B {name}$' for name in found]
    elif path.endswith('drivers.7'):
        wanted += [rf'^\.B {name}$' for name in
                   names('stack/io/port_types.def', r'^PORT_TYPE\(\w+,\s*"(\w+)"')]
    elif path.endswith('load.1'):
        wanted += [rf'\b{name}\b' for name in
                   names('app/sluice-load/profile.def', r'^(?:RUN|GROUP)\((\w+),')]
    elif path.endswith('pcapgen.1'):
        wanted += [rf'^ *{name} '.replace('-', r'\\?-') for name in
                   names('app/loadtest/kinds.def', r'^KIND\(\w+, +"([\w-]+)"')]
    elif path.endswith('.1'):
        wanted += [rf'^\.B {name}\b' for name in
                   names('stack/ctl/commands.def', r'^COMMAND\(\w+,\s*"([\w ]+)"')]
    return [name for name in wanted if not re.search(name, text, re.M)]


def main():
    """The exit status: 0, or 1 after what is wrong."""
    findings = []
    for path in sys.argv[1:]:
        with open(path, encoding='ascii') as file:
            text = file.read()
        findings += [f'{path}: {line}' for line in warnings(path).splitlines()]
        findings += [f'{path}: nothing like {name}' for name in missing(path, text)]
    print('\n'.join(findings) or f'{len(sys.argv) - 1} pages are good')
    return 1 if findings or len(sys.argv) < 2 else 0


if __name__ == '__main__':
    sys.exit(main())
