#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests reach of the pure layers, from the counts that a build with coverage left.

Lists the functions with lines that no test came to, each with its reason in unreached.tsv. Exits 1
when less is reached than asked for, and when one has no reason there."""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

LAYERS = 'stack/(base|wire|pkt|conf|timer|table|net|tcp|sock|worker)/'
WANTED = {'line': 95.0, 'branch': 90.0}
REASONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'unreached.tsv')


def measure(root, build):
    """gcovr's account of each file, and its sums; of headers also what unit tests call directly."""
    objects = [os.path.join(build, 'stack'), os.path.join(build, 'tests', 'unit')]
    with tempfile.TemporaryDirectory() as tmp:
        full, sums = os.path.join(tmp, 'full.json'), os.path.join(tmp, 'sums.json')
        subprocess.run(['gcovr', '--root', root, '--object-directory', build,
                        '--filter', os.path.join(root, LAYERS), '--exclude-unreachable-branches',
                        '--exclude-lines-by-pattern', r'.*ASSERT\(false\);.*',
                        '-j', str(os.cpu_count()), '--json', full, '--json-summary', sums,
                        *objects], check=True)
        with open(full, encoding='utf-8') as file:
            files = json.load(file)['files']
        with open(sums, encoding='utf-8') as file:
            return files, json.load(file)


def unreached(files):
    """{(file, function): [line, ...]} of the lines that nothing came to."""
    found = {}
    for file in files:
        starts = sorted((f['lineno'], f['name']) for f in file['functions'])
        for line in file['lines']:
            if line['count'] or line.get('gcovr/noncode') or line.get('gcovr/excluded'):
                continue
            number = line['line_number']
            name = max((s for s in starts if s[0] <= number), default=(0, '-'))[1]
            found.setdefault((file['file'], name), []).append(number)
    return found


def reasons():
    """{(file, function): why no test comes to some lines of it}."""
    with open(REASONS, encoding='utf-8', newline='') as file:
        rows = csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE)
        return {(row['file'], row['function']): row['reason'] for row in rows}


def explain(found, why):
    """Says what nothing reaches and why; True if all of it has a reason."""
    for (file, name), lines in sorted(found.items()):
        print(f"{file}: {name}: nothing reaches line {', '.join(map(str, lines))}: "
              f"{why.get((file, name), 'NO REASON in unreached.tsv')}")
    for file, name in sorted(why.keys() - found.keys()):
        print(f'unreached.tsv: {file}: {name}: no longer needed, all of it is reached')
    return found.keys() <= why.keys()


def table(files, sums):
    """Each layer's share, and the whole."""
    layers = {}
    for file in files:
        lines = [line for line in file['lines']
                 if not line.get('gcovr/noncode') and not line.get('gcovr/excluded')]
        row = layers.setdefault(file['file'].split('/')[1], [0, 0])
        row[0] += sum(1 for line in lines if line['count'])
        row[1] += len(lines)
    for name, (reached, total) in sorted(layers.items()):
        yield f'{name:10} {100 * reached / total:5.1f} % of {total} lines'
    yield f"{'all':10} {sums['line_percent']:5.1f} % of {sums['line_total']} lines, " \
          f"{sums['branch_percent']} % of {sums['branch_total']} branches"


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', help='build folder made with -Db_coverage=true, its tests run')
    args = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    build = os.path.abspath(args.build)
    files, sums = measure(root, build)
    print('\n'.join(table(files, sums)))
    explained = explain(unreached(files), reasons())
    enough = all(sums[f'{kind}_percent'] >= wanted for kind, wanted in WANTED.items())
    return int(not explained or not enough)


if __name__ == '__main__':
    sys.exit(main())
