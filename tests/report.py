#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Says what failed or was skipped in a meson test log; the last line is three counts."""

import json
import os
import shlex
import sys

TAIL_LINES = 25
PASSED = ('OK', 'EXPECTEDFAIL')


def repeat_command(build, test):
    """What a developer types to run one test again; two suites may have a test of one name."""
    suites, _, name = test['name'].rpartition(' / ')
    suite = suites.split(':')[-1].split('+')[0]
    return (f'meson test -C {shlex.quote(build)} ' + (f'--suite {suite} ' if suite else '') +
            f'--verbose {shlex.quote(name)}')


def skip_reason(test):
    """The test's own last word: a line SKIP: reason."""
    reasons = [line[5:].strip() for line in test.get('stdout', '').splitlines()
               if line.startswith('SKIP:')]
    return reasons[-1] if reasons else 'it gave no reason (a line "SKIP: reason")'


def print_failure(build, label, name, test):
    """One failing test: how to repeat it, and the end of what it said."""
    print(f'\nFAIL {label}: {name} ({test["result"].lower()}, {test["duration"]:.1f} s)')
    print(f'  repeat with: {repeat_command(build, test)}')
    said = (test.get('stdout', '') + test.get('stderr', '')).rstrip().splitlines()
    for line in said[-TAIL_LINES:]:
        print(f'  | {line}')


def main():
    """report.py LOG.json BUILD_DIR LABEL"""
    log, build, label = sys.argv[1:]
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    tests, skips = [], []
    if os.path.exists(log):
        with open(log, encoding='utf-8', errors='replace') as file:
            tests = [json.loads(line) for line in file]
    for test in tests:
        name = test['name'].rsplit(' / ', 1)[-1]
        if test['result'] in PASSED:
            counts['passed'] += 1
        elif test['result'] == 'SKIP':
            counts['skipped'] += 1
            skips.append(f'SKIP {label}: {name}: {skip_reason(test)}')
        else:
            counts['failed'] += 1
            print_failure(build, label, name, test)
    if skips:
        print('', *skips, sep='\n')
    print(*counts.values())


if __name__ == '__main__':
    main()
