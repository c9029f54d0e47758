#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Has the engine become slower? Figures of now beside a stored baseline of such a machine."""

import json
import os
import sys

import compare
import report

BASELINES = os.path.join(report.ROOT, 'tests/bench/baselines.json')
AXES = ('cal', 'a', 'a2', 'b', 'b-live', 'c', 'c-live', 'd', 'f', 'h')
# What a figure is divided by: a machine, or an hour, with slower memory is not a slower engine.
COMPUTES, FETCHES = 'calibrate_compute', 'calibrate_fetch'
LIMIT_PERCENT = 5


def machine_type(facts):
    """What has to be the same for two figures to be compared."""
    return f"{facts['cpu']}, {facts['cpus']} CPUs"


def fastest(lines):
    """The least of all runs and rounds for each figure: what disturbs only adds."""
    least = {}
    for line in lines:
        if 'min' in line:
            key = (line['bench'], line['size'])
            least[key] = min(line['min'], least.get(key, line['min']))
    return least


def ratios(lines):
    """{figure: how many times the calibrating loop}, of one run of everything; bytes as such."""
    least = fastest(lines)
    loops = {name: least.pop((name, 0)) for name in (COMPUTES, FETCHES)}
    figures = {f'{bench} {size}': value / loops[FETCHES if size >= compare.MANY else COMPUTES]
               for (bench, size), value in least.items()}
    figures.update({f"{line['bench']} {line['size']}": line['all']
                    for line in lines if 'all' in line})
    return figures


def changes(now, then):
    """{figure: change in percent}, for what both have."""
    return {name: (now[name] / then[name] - 1) * 100 for name in now if name in then}


def verdict(now, then, limit):
    """What is to be shown, one line each."""
    lines = []
    for name, percent in sorted(changes(now, then).items(), key=lambda item: -item[1]):
        word = 'SLOWER' if percent > limit else 'faster' if percent < -limit else 'same'
        lines.append(f'{word:7} {name:32} {percent:+.1f} %')
    lines += [f'NEW     {name:32} no baseline' for name in sorted(set(now) - set(then))]
    lines += [f'GONE    {name:32} not measured' for name in sorted(set(then) - set(now))]
    return lines


def load(path):
    """{machine type: {figure: ratio}}."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding='ascii') as file:
        return json.load(file)


def store(path, kind, figures):
    """Makes figures the baseline of that type of machine; others keep theirs."""
    known = load(path)
    known[kind] = {name: round(value, 4) for name, value in sorted(figures.items())}
    with open(path, 'w', encoding='ascii') as file:
        json.dump(known, file, indent=1, sort_keys=True)
        file.write('\n')


def main():
    """Measures, and shows what changed; the exit status says only whether it could measure."""
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--store', action='store_true',
                        help='make what is measured the baseline of this type of machine')
    parser.add_argument('--baselines', default=BASELINES, metavar='FILE')
    parser.add_argument('--limit', type=float, default=LIMIT_PERCENT, metavar='PERCENT',
                        help=f'a change that is shown as one ({LIMIT_PERCENT})')
    parser.add_argument('--cpu', type=int, default=max(os.sched_getaffinity(0)), metavar='N',
                        help='the CPU that everything runs on (default: the last)')
    options = parser.parse_args()
    report.warn_if_busy()
    lines = compare.measure(options, AXES, with_linux=False)
    figures, kind = ratios(lines), machine_type(report.machine())
    if options.store:
        store(options.baselines, kind, figures)
        print(f'stored as the baseline of: {kind}')
        return
    then = load(options.baselines).get(kind)
    if then is None:
        print(f'no baseline for this type of machine: {kind}\n'
              'make one from what you trust: tests/bench/gate.py --store')
        return
    print('\n'.join(verdict(figures, then, options.limit)))


if __name__ == '__main__':
    sys.exit(main())
