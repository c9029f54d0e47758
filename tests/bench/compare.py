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
    'd': ('bulk', True),
    'e': ('residence', True),
    'f': ('memory', False),
    'g': ('scaling', False),
    'attacks': ('attacks', False),
    'h': ('idle', False),
    'h-most': ('idle_most', False),
    'tw-most': ('time_waits', False),
    'cal': ('calibrate', False),
}

# What works on two CPUs at once.
ON_TWO = ('g',)
# What needs no rounds: memory does not vary. Each has a process of its own.
MEMORY = ('f', 'tw-most')
# What is measured by name only: it takes a minute and gigabytes, or is no figure of the engine.
ON_REQUEST = ('h-most', 'tw-most', 'cal')
# What `--axes h` means.
GROUPS = {'h': ('h', 'h-most')}

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
    'attack_syn': 'A-01, A-53: SYN, answered with a cookie',
    'attack_syn_queue': 'A-01: SYN that finds a place in the SYN queue',
    'attack_ack': 'A-02, A-03: ACK without a valid cookie',
    'attack_gaps': 'A-10, A-11: a byte at every other number of a connection',
    'attack_fragment': 'A-12: first fragment whose rest never comes',
    'attack_hole': 'A-12: last fragment whose begin never comes',
    'attack_sack': 'A-14: SACK of three bytes, elsewhere in each ACK',
    'attack_early_ack': 'A-15: ACK of what was not sent',
    'attack_dup_ack': 'A-16: duplicate ACK',
    'attack_arp': 'A-19, A-29: ARP request',
    'attack_solicit': 'A-19, A-50: neighbour solicitation',
    'attack_guessed_rst': 'A-21: RST with a guessed number',
    'attack_guessed_syn': 'A-21: SYN with a guessed number',
    'attack_report': 'A-26: ICMP error about no connection',
    'attack_quoted': 'A-26: ICMP error about a connection',
    'attack_martian': 'A-32: from an impossible address',
    'attack_flags': 'A-34: impossible flags',
    'attack_rst': 'A-35: RST of no connection',
    'attack_closed_port': 'A-35, A-55: SYN to a closed port',
    'attack_old_data': 'A-37: data received long ago',
    'attack_far_data': 'A-36, A-37: data far outside of the window',
    'attack_short': 'A-38 to A-40: a length that lies',
    'attack_options': 'A-41, A-57: unknown options on a SYN',
    'attack_source_route': 'A-42: source route',
    'attack_chain': 'A-43: chain of IPv6 extension headers',
    'attack_checksum': 'A-44: wrong checksum',
    'attack_tunnel': 'A-47: unknown protocol',
    'attack_garbage': 'A-38 to A-50: random bytes',
    'attack_echo': 'A-55: ICMP echo request',
}

# Full segments: what each costs, in cycles, and whether that is a target of its own.
BULK = {
    'bulk_receive': ('received in order, read without a copy', 140),
    'bulk_receive_copied': ('the same, read with a copy', 300),
    'bulk_send': ('sent without a copy, and the ACK of every second', 120),
    'bulk_send_copied': ('the same, written with a copy', None),
}
BOTH_ENDS = ('bulk_receive_copied', 'bulk_send_copied')
BOTH_ENDS_AT_MOST = 450

# Nanoseconds that a request stays, at half of what the worker can do: p50 and p99 at most.
RESIDENCE = {
    'residence': ('from the burst that it came with to the one with its answer', 250, 1000),
    'residence_and_wait': ('the same, and the wait for that burst', None, None),
    'linux_residence': ('the same requests, by the kernel and an epoll server', None, None),
    'linux_residence_and_wait': ('the same, and the wait for it', None, None),
    'residence_spin': ('a loop that looks at the clock as long, instead of the worker', None, None),
    'residence_spin_and_wait': ('the same, and the wait for it', None, None),
}

# Of what two engines could do at the most, the share that they do, at least; a loop beside them.
SCALING = {
    'scaling': ('request of 64 B on one of 1000 connections of each', 0.95),
    'scaling_loop': ('a loop that computes, and is no code of the engine', None),
}

LIFETIMES = {
    'memory_established': ('idle connection', 256),
    'memory_syn_queue': ('SYN-queue entry', 64),
    'memory_time_wait': ('TIME_WAIT entry', 40),
}

# Idle connections: times the cycles with a thousand of them, and bytes in all.
FEW_IDLE = 1000
IDLE_TIMES = {1000000: 1.8, 10000000: 2.2}
IDLE_BYTES = {10000000: 2.6e9}
TIME_WAIT_BYTES = {50000000: 2e9}

MANY = 100000
TIMEOUT_S = 300


def run(command, cpus):
    """The lines a benchmark printed; None and its reason if it cannot run here."""
    done = subprocess.run(['taskset', '-c', ','.join(map(str, cpus))] + command, text=True,
                          capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode == report.SKIP:
        return None, done.stdout.strip()
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}{done.stdout}")
    return [json.loads(line) for line in done.stdout.splitlines()], None


def measure(options, axes, with_linux=True):
    """All lines of all rounds, each with who printed it in which round."""
    programs = os.path.join(options.build, 'tests', 'bench')
    quick = ['--quick'] if options.quick else []
    engine = [os.path.join(programs, 'bench_engine')] + quick
    linux = [os.path.join(report.ROOT, 'tests/bench/with_tap'),
             os.path.join(programs, 'bench_linux_tap')] + quick + ['tap_floor']
    one, two = [options.cpu], sorted(os.sched_getaffinity(0))
    turns = [('ours', engine, [AXES[axis][0] for axis in axes
                               if axis not in MEMORY + ON_TWO], one),
             ('linux', linux, [AXES[axis][0] for axis in axes if AXES[axis][1]], one),
             ('ours', engine, [AXES[axis][0] for axis in axes if axis in ON_TWO], two)]
    turns = [turn for turn in turns if turn[2] and (with_linux or turn[0] == 'ours')]
    lines = []
    for number in range(options.runs):
        for turn in list(turns):
            who, command, subjects, cpus = turn
            print(f'round {number + 1} of {options.runs}: {who}', file=sys.stderr, flush=True)
            printed, reason = run(command + subjects, cpus)
            if printed is None:
                print(f'without Linux: {reason}', file=sys.stderr)
                turns.remove(turn)
                continue
            lines += [{'who': who, 'round': number, **line} for line in printed]
    for axis in MEMORY:
        if axis in axes:
            printed, _ = run(engine + [AXES[axis][0]], one)
            lines += [{'who': 'ours', 'round': 0, 'axis': axis, **line} for line in printed]
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
                  for line in lines if line['bench'] in LIFETIMES and line['axis'] == 'f']


def bulk_table(lines):
    """For people: full segments, no TSO. The kernel always copies."""
    head = ['a segment of 1448 bytes', 'target', 'cycles', 'Linux, cycles', 'ratio']
    ours, linux = ({name: medians(lines, who, prefix + name, size)
                    for name, size in dict.fromkeys((line['bench'], line['size'])
                                                    for line in lines) if name in BULK}
                   for who, prefix in (('ours', ''), ('linux', 'linux_')))
    rows = [(what, limit, ours[name], linux[name])
            for name, (what, limit) in BULK.items() if name in ours]
    if all(name in ours for name in BOTH_ENDS):
        rows.append(('both ends, with a copy each', BOTH_ENDS_AT_MOST,
                     *(sums([figures[name] for name in BOTH_ENDS]) for figures in (ours, linux))))
    return head, [[what, str(limit or '-'), report.triple(mine), report.triple(its),
                   report.times(report.ratio(its, mine))] for what, limit, mine, its in rows]


def sums(spreads):
    """The spread of what two figures are together, round by round; None without one of them."""
    if None in spreads:
        return None
    return report.spread([sum(values) for values in zip(*(one['values'] for one in spreads))])


def scaling_table(lines):
    """For people: two engines at once, each on a CPU."""
    head = ['two at once, each on a CPU', 'one alone, cycles', 'each of two, cycles',
            'of twice one', 'at least']
    out = []
    for name, (what, least) in SCALING.items():
        alone, both = (medians(lines, 'ours', name + end, FEW_IDLE) for end in ('_one', '_two'))
        if both is not None:
            share = report.spread([one / two for one, two in zip(alone['values'],
                                                                 both['values'])])
            out.append([what, report.triple(alone), report.triple(both), report.triple(share),
                        str(least or '-')])
    return head, out


def residence_table(lines):
    """For people: how long a request stays."""
    head = ['time, ns', 'p50 at most', 'p50', 'p99 at most', 'p99', 'p99.9']
    out = []
    for name, (what, limit50, limit99) in RESIDENCE.items():
        took = [line for line in lines if line['bench'] == name]
        if took:
            cells = [report.triple(report.spread([line[key] for line in took]))
                     for key in ('p50', 'p99', 'p999')]
            out.append([what, str(limit50 or '-'), cells[0], str(limit99 or '-'), *cells[1:]])
    return head, out


def idle_table(lines):
    """For people: idle connections held live, and what one costs that speaks up."""
    head = ['connections', 'at most, over 1000', 'request and its ACK, cycles', 'over 1000',
            'keepalive, cycles', 'over 1000', 'MB at most', 'MB, all idle', 'MB, live', 'awake']
    few = {name: medians(lines, 'ours', name, FEW_IDLE)
           for name in ('idle_request', 'idle_keepalive')}
    out = []
    for size in sorted({line['size'] for line in lines if line['bench'] == 'idle_memory'}):
        took = [line for line in lines if (line['bench'], line['size']) == ('idle_memory', size)]
        cells = []
        for name, base in few.items():
            now = medians(lines, 'ours', name, size)
            cells += [report.triple(now), report.times(report.ratio(now, base))]
        limit = IDLE_BYTES.get(size)
        out.append([str(size), report.times(IDLE_TIMES.get(size)), *cells,
                    f'{limit / 1e6:.0f}' if limit else '-',
                    *(f'{max(line[key] for line in took) / 1e6:.0f}' for key in ('idle', 'live')),
                    str(max(line['awake'] for line in took))])
    return head, out


def time_wait_table(lines):
    """For people: as many TIME_WAIT entries as a machine may have to hold."""
    head = ['TIME_WAIT entries', 'MB at most', 'structures, MB', 'flow table, MB',
            'process grows by, MB']
    return head, [[str(line['size']),
                   f"{TIME_WAIT_BYTES.get(line['size'], 40 * line['size']) / 1e6:.0f}",
                   *(f'{line[key] * line["size"] / 1e6:.0f}'
                     for key in ('entry', 'table', 'resident'))]
                  for line in lines if line.get('axis') == 'tw-most']


def chosen_axes(parser, text):
    """What --axes names; all but what has to be asked for without it."""
    names = text.split(',') if text else [axis for axis in AXES if axis not in ON_REQUEST]
    for name in names:
        if name not in AXES:
            parser.error(f'no axis {name}; there are {" ".join(AXES)}')
    if text:
        names = [axis for name in names for axis in GROUPS.get(name, (name,))]
    return list(dict.fromkeys(names))


def main():
    """Measures and reports."""
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--axes', metavar='A,B', help='some of ' + ' '.join(AXES) +
                        ' (default: all but ' + ' '.join(ON_REQUEST) + '; h is h,h-most)')
    parser.add_argument('--cpu', type=int, default=max(os.sched_getaffinity(0)), metavar='N',
                        help='the CPU that everything runs on (default: the last)')
    options = parser.parse_args()
    axes = chosen_axes(parser, options.axes)
    if options.runs < 1:
        parser.error('--runs is at least 1')
    report.warn_if_busy()
    lines = measure(options, axes)
    rows, floor = compare(lines)
    idle = idle_table(lines)
    if options.update and 'h-most' not in axes:
        idle = (idle[0], [])  # a whole table is not replaced by a part of it
    report.publish(options, {'cycles': cycles_table(rows, floor), 'bulk': bulk_table(lines),
                             'residence': residence_table(lines),
                             'scaling': scaling_table(lines), 'memory': memory_table(lines),
                             'attacks': attacks_table(lines), 'idle': idle,
                             'time wait': time_wait_table(lines)},
                   {'cpu': options.cpu, 'rows': rows, 'tap_floor': floor,
                    'memory': [line for line in lines if line.get('axis') == 'f'],
                    'lines': lines})


if __name__ == '__main__':
    main()
