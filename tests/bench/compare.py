#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Cycles per operation of the engine and of the Linux kernel on the same frames, interleaved."""

import json
import os
import subprocess
import sys

import report

# axis: the subject of bench_engine, and whether bench_linux_tap has it too.
AXES = {
    'a': ('syn_cookie', True),
    'a-live': ('syn_cookie_live', False),
    'a2': ('bogus_ack', True),
    'a2-live': ('bogus_ack_live', False),
    'b': ('connection', True),
    'b-live': ('connection_live', False),
    'c': ('request', True),
    'c-live': ('request_live', False),
    'f': ('memory', False),
    'g': ('attacks', False),
}

# The axis that needs no rounds: memory does not vary.
MEMORY = 'f'

# name in a line: axis, what one operation is, frames the client sends for it, and the target in
# cycles with nothing else in memory and with many connections.
OPERATIONS = {
    'syn_cookie': ('a', 'SYN answered with a cookie', 1, 110, 150),
    'bogus_ack': ('a2', 'bogus ACK refused', 1, 110, 110),
    'connection_request': ('b', 'connection with a request of 64 B', 5, 1300, 1600),
    'connection': ('b', 'connection without data', 4, 1000, 1000),
    'request': ('c', 'request of 64 B on an open connection', 1, 220, 350),
    'request_acked': ('c', 'the same, its answer acknowledged apart', 2, 220, 350),
}

# What the worst packet of an attack may cost: so many times a request (G-15).
ATTACK_TIMES = 4
ATTACKED = 'attack_none'
ATTACKS = {
    'attack_syn': 'SYN, answered with a cookie',
    'attack_ack': 'bogus ACK',
    'attack_rst': 'RST of no connection',
    'attack_checksum': 'bad checksum',
    'attack_fragment': 'fragment',
    'attack_options': 'odd options on a SYN',
    'attack_garbage': 'random bytes',
    'attack_gaps': 'a byte at every other number of a connection',
}

LIFETIMES = {
    'memory_established': ('idle connection', 256),
    'memory_syn_queue': ('SYN-queue entry', 64),
    'memory_time_wait': ('TIME_WAIT entry', 40),
}

MANY = 100000
TIMEOUT_S = 300


def run(command, cpu):
    """The lines a benchmark printed; None and its reason if it cannot run here."""
    done = subprocess.run(['taskset', '-c', str(cpu)] + command, text=True, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode == report.SKIP:
        return None, done.stdout.strip()
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return [json.loads(line) for line in done.stdout.splitlines()], None


def measure(options, axes):
    """All lines of all rounds, each with who printed it in which round."""
    programs = os.path.join(options.build, 'tests', 'bench')
    quick = ['--quick'] if options.quick else []
    engine = [os.path.join(programs, 'bench_engine')] + quick
    linux = [os.path.join(report.ROOT, 'tests/bench/with_tap'),
             os.path.join(programs, 'bench_linux_tap')] + quick + ['tap_floor']
    turns = [('ours', engine, [AXES[axis][0] for axis in axes if axis != MEMORY]),
             ('linux', linux, [AXES[axis][0] for axis in axes if AXES[axis][1]])]
    turns = [turn for turn in turns if turn[2]]
    lines = []
    for number in range(options.runs):
        for turn in list(turns):
            who, command, subjects = turn
            print(f'round {number + 1} of {options.runs}: {who}', file=sys.stderr, flush=True)
            printed, reason = run(command + subjects, options.cpu)
            if printed is None:
                print(f'without Linux: {reason}', file=sys.stderr)
                turns.remove(turn)
                continue
            lines += [{'who': who, 'round': number, **line} for line in printed]
    if MEMORY in axes:
        printed, _ = run(engine + [AXES[MEMORY][0]], options.cpu)
        lines += [{'who': 'ours', 'round': 0, **line} for line in printed]
    return lines


def medians(lines, who, name, size):
    """Over the rounds, the spread of the medians of one figure."""
    return report.spread([line['median'] for line in lines
                          if (line['who'], line['bench'], line['size']) == (who, name, size)])


def compare(lines):
    """One row per operation and number of connections."""
    floor = medians(lines, 'linux', 'linux_tap_floor', 0)
    rows = []
    seen = dict.fromkeys((line['bench'], line['size']) for line in lines
                         if line['bench'] in OPERATIONS)
    for name, size in seen:
        axis, what, frames, target, target_many = OPERATIONS[name]
        ours = medians(lines, 'ours', name, size)
        linux = medians(lines, 'linux', 'linux_' + name, size)
        net = None
        if linux is not None and floor is not None:
            net = (linux['median'] - frames * floor['median']) / ours['median']
        rows.append({
            'axis': axis, 'name': name, 'what': what, 'connections': size,
            'target': target_many if size >= MANY else target,
            'ours': ours, 'linux': linux, 'ratio': report.ratio(linux, ours),
            'ratio_without_tap': net,
            'preempted': sum(line['preempted'] for line in lines
                             if line['bench'] in (name, 'linux_' + name)),
        })
    return rows, floor


def cycles_table(rows, floor):
    """For people."""
    head = ['axis', 'operation', 'connections', 'target', 'ours, cycles', 'Linux, cycles',
            'ratio', 'without tap']
    table = [[row['axis'], row['what'], str(row['connections']), str(row['target']),
              report.triple(row['ours']), report.triple(row['linux']),
              report.times(row['ratio']), report.times(row['ratio_without_tap'])]
             for row in rows]
    if floor is not None and table:
        table.append(['', 'system call and tap alone, per frame', '', '', '-',
                      report.triple(floor), '', ''])
    return head, table


def attacks_table(lines):
    """For people: each attack, as a multiple of a request on one of a thousand connections."""
    head = ['attack', 'cycles per packet', 'of a request', 'at most']
    usual = medians(lines, 'ours', ATTACKED, 1000)
    if usual is None:
        return head, []
    figures = [(what, medians(lines, 'ours', name, 0)) for name, what in ATTACKS.items()]
    figures.sort(key=lambda figure: figure[1]['median'], reverse=True)
    return head, [[what, report.triple(ours), report.times(report.ratio(ours, usual)),
                   f'{ATTACK_TIMES}x'] for what, ours in figures]


def memory_table(lines):
    """For people."""
    head = ['bytes per', 'entries', 'target', 'structures', 'timer', 'flow table', 'all',
            'process grows by']
    return head, [[LIFETIMES[line['bench']][0], str(line['size']),
                   str(LIFETIMES[line['bench']][1]), str(line['entry']), str(line['timer']),
                   f"{line['table']:.1f}", f"{line['all']:.1f}", f"{line['resident']:.1f}"]
                  for line in lines if line['bench'] in LIFETIMES]


def main():
    """Measures and reports."""
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--axes', default=','.join(AXES), metavar='A,B',
                        help='some of ' + ' '.join(AXES) + ' (default: all)')
    parser.add_argument('--cpu', type=int, default=max(os.sched_getaffinity(0)), metavar='N',
                        help='the CPU that everything runs on (default: the last)')
    options = parser.parse_args()
    axes = options.axes.split(',')
    for axis in axes:
        if axis not in AXES:
            parser.error(f'no axis {axis}; there are {" ".join(AXES)}')
    if options.runs < 1:
        parser.error('--runs is at least 1')
    report.warn_if_busy()
    lines = measure(options, axes)
    rows, floor = compare(lines)
    report.publish(options, {'cycles': cycles_table(rows, floor), 'memory': memory_table(lines),
                             'attacks': attacks_table(lines)},
                   {'cpu': options.cpu, 'rows': rows, 'tap_floor': floor,
                    'memory': [line for line in lines if line['bench'] in LIFETIMES],
                    'lines': lines})


if __name__ == '__main__':
    main()
