# SPDX-License-Identifier: BSD-3-Clause
"""What the comparing benchmarks share: rounds, the machine, tables, and JSON."""

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import signal
import statistics
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
SKIP = 77


def arguments(description, runs):
    """A parser with the options that all of them take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), metavar='DIR',
                        help='the build folder (default: build)')
    parser.add_argument('--runs', type=int, default=runs, metavar='N',
                        help=f'rounds; in each every candidate has its turn ({runs})')
    parser.add_argument('--quick', action='store_true',
                        help='measure just enough to see that it works')
    parser.add_argument('--out', metavar='FILE', help='write everything measured as JSON')
    parser.add_argument('--markdown', action='store_true', help='print the table as Markdown')
    parser.add_argument('--update', metavar='FILE',
                        help='put the table into this document, between its marks')
    return parser


def spread(values):
    """Minimum, median and maximum of the rounds; None if there were none."""
    if not values:
        return None
    return {'min': min(values), 'median': statistics.median(values), 'max': max(values),
            'values': values}


def git(*words):
    """What git says of the tree that this is in."""
    return subprocess.run(['git', '-C', ROOT, *words], text=True, capture_output=True, check=False)


def cpu_name(text):
    """Of /proc/cpuinfo. Clouds call several generations by one name: the numbers differ."""
    found = dict(re.findall(r'^(model name|cpu family|model)\s*:\s*(.*)$', text, re.M))
    if len(found) < 3:
        return found.get('model name', platform.machine())
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']})"


def machine():
    """What a figure depends on."""
    with open('/proc/cpuinfo', encoding='ascii') as file:
        text = file.read()
    commit = git('rev-parse', '--short', 'HEAD').stdout.strip()
    if git('diff', '--quiet', 'HEAD', '--', '.', ':!docs').returncode == 1:
        commit += '-dirty'
    return {
        'cpu': cpu_name(text),
        'cpus': len(os.sched_getaffinity(0)),
        'kernel': platform.release(),
        'commit': commit or 'unknown',
        'date': datetime.date.today().isoformat(),
        'load': os.getloadavg()[0],
    }


def end_on_signals():
    """SIGTERM and SIGHUP end a run as Ctrl-C does: what it has made goes with it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))


def warn_if_busy():
    """Says so when others use the machine: their work is in every figure."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f'this machine is busy (load {load:.1f}): figures for keeps want it idle',
              file=sys.stderr)


def command_line():
    """The command that repeats this, from the top of the tree."""
    hidden = ('--markdown', '--update', '--out', '--build', '--plot', '--into', '--most')
    words, skip = [], False
    for word in sys.argv[1:]:
        if skip or word.split('=')[0] in hidden:
            skip = not skip and word in hidden and word != '--markdown'
            continue
        words.append(shlex.quote(word))
    return ' '.join([os.path.relpath(os.path.abspath(sys.argv[0]), ROOT)] + words)


def number(value):
    """Three digits that matter."""
    if value >= 100000:
        return f'{value / 1000:.0f}k'
    if value >= 10000:
        return f'{value / 1000:.1f}k'
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def triple(values):
    """min / median / max of a spread, as text."""
    if values is None:
        return '-'
    return ' / '.join(number(values[key]) for key in ('min', 'median', 'max'))


def ratio(above, below):
    """How many times the one is of the other, by their medians; None without both."""
    if above is None or below is None or below['median'] <= 0:
        return None
    return above['median'] / below['median']


def times(value):
    """A ratio as text."""
    return '-' if value is None else f'{value:.1f}x' if value < 100 else f'{value:.0f}x'


def text_table(head, rows):
    """Columns wide enough for what is in them."""
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    lines = [head, ['-' * width for width in widths]] + rows
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def markdown_table(head, rows):
    """The same for a document."""
    lines = [head, ['---'] * len(head)] + rows
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def update(path, name, text):
    """Put text between a document's marks `<!-- name -->` and `<!-- end name -->`."""
    begin, end = f'<!-- {name} -->\n', f'<!-- end {name} -->'
    with open(path, encoding='ascii') as file:
        old = file.read()
    if begin not in old or end not in old.split(begin, 1)[1]:
        sys.exit(f'{path} has no marks {begin.strip()} and {end}')
    before, rest = old.split(begin, 1)
    with open(path, 'w', encoding='ascii') as file:
        file.write(before + begin + text + '\n' + end + rest.split(end, 1)[1])


def publish(options, tables, results):
    """Print, and write where it was asked for. tables: {name: (head, rows)}."""
    facts = machine()
    done = f"{facts['cpu']}, {facts['cpus']} CPUs, Linux {facts['kernel']}; commit " \
        f"{facts['commit']}, {facts['date']}; rounds: {options.runs}, min / median / max"
    for name, (head, rows) in tables.items():
        if not rows:
            continue
        marked = f'{markdown_table(head, rows)}\n\n{done}; `{command_line()}`'
        if options.update:
            update(options.update, name, marked)
        print(marked if options.markdown else f'{text_table(head, rows)}\n{done}', flush=True)
        print()
    if options.out:
        with open(options.out, 'w', encoding='ascii') as file:
            json.dump({'command': command_line(), 'machine': facts, 'runs': options.runs,
                       **results}, file, indent=1)
            file.write('\n')
