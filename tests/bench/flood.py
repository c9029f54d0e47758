#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Floods beside legitimate clients: sluiced and Linux on a veth pair, sluiced on a vhost port."""

import json
import os
import shutil
import subprocess
import sys

import http_compare
import report
from flood_bed import OUTCOMES, RATES, VethBed, VhostBed
from flood_client import fared

CALIBRATE_S = 1
PIECE_S = 10            # between two calibrations
SHORT_S = 10            # of what is not run for the whole time

# name: the wire, the program, tcp_syncookies, whether its SYN floods last the whole time.
SERVERS = {
    'sluiced-1': (VethBed, 'sluiced', 1, True),
    'sluiced-2': (VethBed, 'sluiced', 2, True),
    'linux-1': (VethBed, 'nginx', 1, True),
    'linux-2': (VethBed, 'nginx', 2, True),
    'vhost-1': (VhostBed, 'sluiced', 1, False),
    'vhost-2': (VhostBed, 'sluiced', 2, True),
    'xdp-1': (VethBed, 'sluiced-af_xdp', 1, False),
}
# Where the other floods are shown, too. Behind a packet socket the kernel puts fragments together:
# of those without an end the server would see nothing.
WHOLE = tuple(kind for kind in OUTCOMES if kind != 'fragment')
OTHERS = {'sluiced-1': WHOLE, 'linux-1': tuple(OUTCOMES), 'vhost-1': tuple(OUTCOMES),
          'xdp-1': ('fragment',)}
USUAL = ('sluiced-1', 'sluiced-2', 'linux-1', 'linux-2')


def plan(options, name):
    """(kind of flood, share of the capacity; 0: all that can be sent, seconds)."""
    whole = options.seconds if SERVERS[name][3] else min(options.seconds, SHORT_S)
    short = min(options.seconds, SHORT_S)
    levels = [('', 0, short)]
    if name != 'xdp-1':
        levels += [('syn', 0.8, whole), ('syn', 2.0, whole)]
    if options.all:
        levels += [(kind, 0, short) for kind in OTHERS.get(name, ())]
    return levels


def joined(pieces):
    """One level out of its pieces: rates over all of the time, the rest added up."""
    out = {'seconds': sum(piece['seconds'] for piece in pieces)}
    for name in pieces[0].keys() - out.keys() - fared([]).keys():
        if name in RATES:
            out[name] = sum(p[name] * p['seconds'] for p in pieces) / out['seconds']
        else:
            out[name] = sum((p[name] for p in pieces), start=type(pieces[0][name])())
    return out


def measure_level(bed, kind, share, seconds):
    """In pieces, each at a share of what the server has just answered alone: the speed of a
    shared machine is another every few seconds."""
    alone, pieces = [], []
    while seconds > 0:
        if kind in ('', 'syn'):
            alone.append(bed.level('syn', 0, CALIBRATE_S, with_clients=False))
        rate = share * alone[-1]['out'] if share else 0
        pieces.append(bed.level(kind, rate, min(seconds, PIECE_S)))
        seconds -= PIECE_S
    line = joined(pieces)
    line.update(fared(line.pop('connect_ms')))
    return {'alone': joined(alone), **line} if alone else line


def measure_server(options, name):
    """Quiet, then flood after flood."""
    wire, program, mode, _ = SERVERS[name]
    lines = []
    with wire(options) as bed:
        bed.start_server(program, mode)
        if options.set:
            bed.set_tunables(options.set)
        for kind, share, seconds in plan(options, name):
            line = measure_level(bed, kind, share, seconds)
            lines.append({'server': name, 'kind': kind, 'share': share, **line})
    return lines


def earlier(options):
    """What other calls have put into the file."""
    if not options.into or not os.path.exists(options.into):
        return []
    with open(options.into, encoding='ascii') as file:
        return [line for line in json.load(file)['lines'] if 'error' not in line]


def keep(options, lines):
    """All of it, so that a call that is ended loses one server at most."""
    if not options.into:
        return
    with open(options.into + '.new', 'w', encoding='ascii') as file:
        json.dump({'lines': lines}, file, indent=1)
        file.write('\n')
    os.replace(options.into + '.new', options.into)


def measure(options, servers):
    """Every server has its turn in every round; returns the lines, and how many turns are left."""
    lines = earlier(options)
    done = {(line['round'], line['server']) for line in lines}
    turns = [(number, server) for number in range(options.runs) for server in servers
             if (number, server) not in done]
    for number, server in turns[:options.most]:
        print(f'round {number + 1} of {options.runs}: {server}', file=sys.stderr, flush=True)
        try:
            lines += [{'round': number, **line} for line in measure_server(options, server)]
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            print(f'{server}: {error}', file=sys.stderr)
            lines.append({'server': server, 'round': number, 'error': str(error)})
        keep(options, lines)
    return lines, len(turns[options.most:])


class Rows:
    """Medians over the rounds of what was measured at one server and level."""

    def __init__(self, lines):
        self.lines = sorted((line for line in lines if 'error' not in line),
                            key=lambda line: list(SERVERS).index(line['server']))

    def levels(self):
        """In the order of measuring."""
        return dict.fromkeys((line['server'], line['kind'], line['share'])
                             for line in self.lines)

    def middle(self, level, value):
        """value: of a line; None where it has none."""
        values = [value(line) for line in self.lines
                  if (line['server'], line['kind'], line['share']) == level]
        spread = report.spread([v for v in values if v is not None])
        return spread['median'] if spread else None

    def goodput(self, level):
        """Of the held downloads, against those without a flood."""
        def held(at):
            return self.middle(at, lambda line: line['held_bytes'] / line['held_s'])
        quiet = held((level[0], '', 0))
        return held(level) / quiet if quiet else None


def share(value, digits=2):
    """As a percentage."""
    return '-' if value is None else f'{value * 100:.{digits}f} %'


def offered(line):
    """Packets/s that were sent, those that the receive ring had no place for among them."""
    return line['in'] + line.get('lost', 0)


def lost(line):
    """The share of what was sent that found no place in the receive ring, whoever sent it."""
    if 'lost' in line:
        return line['lost'] / offered(line) if offered(line) else 0
    if 'total_received' not in line:
        return None
    return max(0, 1 - line['total_received'] / line['total_in'])


def answers(line):
    """SYN-ACKs for each SYN that came in, and their bytes for each byte: without clients."""
    alone = line['alone']
    got = alone.get('total_received', alone['total_in'])
    out = alone.get('total_sent', alone['total_out'])
    length = alone['total_in_bytes'] / alone['total_in']
    return out / got, out / got * alone['total_out_bytes'] / alone['total_out'] / length


def client_cells(rows, level):
    """How legitimate clients fared, for every table."""
    def of(name):
        return rows.middle(level, lambda line: line[name])
    late = '-' if of('p50_ms') is None else f"{of('p50_ms'):.2f}, {of('p99_ms'):.1f}"
    return [share(of('within_1s')), share(of('within_4s')), late, share(rows.goodput(level), 1),
            f"{of('grown_kb'):+.0f}"]


CLIENT_HEAD = ['connected in 1 s', 'in 4 s', 'median, 99th, ms', 'held downloads', 'memory, KiB']


def syn_table(lines):
    """SYN floods: a line per server and level."""
    rows, out = Rows(lines), []
    for level in rows.levels():
        if level[1] not in ('', 'syn'):
            continue
        quiet = level[1] == ''
        capacity = rows.middle(level, lambda line: line['alone']['out'])
        rate = rows.middle(level, offered)
        out.append([
            level[0], report.number(capacity),
            'none' if quiet else f'{report.number(rate)}, {rate / capacity * 100:.0f} %',
            f'{rows.middle(level, lambda line: answers(line)[0]):.3f}',
            f'{rows.middle(level, lambda line: answers(line)[1]):.3f}',
            share(rows.middle(level, lost)),
            share(rows.middle(level, lambda line: line.get('away')), 1),
            *client_cells(rows, level)])
    return ['server', 'answers alone, /s', 'flood, packets/s', 'answers per SYN',
            'bytes per byte', 'lost before', 'worker away', *CLIENT_HEAD], out


def named(line):
    """The share of a flood's received packets that its own reasons counted."""
    if not line.get('total_received'):
        return None
    return line['total_named'] / line['total_received']


def other_table(lines):
    """The other floods: a line per server and kind."""
    rows, out = Rows(lines), []
    for level in rows.levels():
        if level[1] in ('', 'syn'):
            continue
        counted = rows.middle(level, named)
        out.append([
            level[1], level[0], report.number(rows.middle(level, offered)),
            '-' if counted is None else report.number(rows.middle(
                level, lambda line: line['in'] * min(
                    1, line['total_received'] / line['total_in']))),
            '-' if counted is None else ' or '.join(OUTCOMES[level[1]]) + ' ' + share(counted),
            *client_cells(rows, level)])
    return ['flood', 'server', 'sent, packets/s', 'taken in', 'of these counted as',
            *CLIENT_HEAD], sorted(out, key=lambda row: list(OUTCOMES).index(row[0]))


def missing(options, servers):
    """What keeps it from running here."""
    for tool, package in (('trafgen', 'netsniff-ng'), ('ab', 'apache2-utils')):
        if shutil.which(tool) is None:
            return f'not installed: {tool} (package {package})'
    if any(SERVERS[name][0] is VhostBed for name in servers) and not os.path.exists(
            os.path.join(options.build, 'tests/bench/flood_link')):
        return f'no flood_link in {options.build}; build it first'
    return http_compare.missing(options, ['nginx'], [])


def main():
    """Measures and reports."""
    parser = report.arguments(__doc__, runs=1)
    parser.add_argument('--all', action='store_true',
                        help='every server, and every flood, not only SYNs')
    parser.add_argument('--servers', metavar='A,B', help='some of ' + ' '.join(SERVERS))
    parser.add_argument('--seconds', type=int, default=60, help='of each SYN flood (60)')
    parser.add_argument('--set', metavar='NAME=VALUE', action='append', default=[],
                        help='a tunable of sluiced')
    parser.add_argument('--into', metavar='FILE',
                        help='keep what is measured there; servers that it has are not measured '
                        'again')
    parser.add_argument('--most', type=int, default=1000, metavar='N',
                        help='so many servers at most in this call; the same call goes on')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    # trafgen ends when it is faster than the kernel hands its frames to another CPU.
    options.megabytes, options.idle, options.steering = 512, 'spin', 'sender'
    default = ','.join(SERVERS if options.all else USUAL)
    servers = http_compare.chosen(parser, options.servers or default, SERVERS)
    if options.quick:
        options.seconds = 3
    reason = missing(options, servers)
    if reason:
        print(f'SKIP: {reason}')
        sys.exit(report.SKIP)
    report.end_on_signals()
    report.warn_if_busy()
    lines, left = measure(options, servers)
    report.publish(options, {'flood': syn_table(lines), 'other floods': other_table(lines)},
                   {'lines': lines})
    print(f'{left} left; the same command goes on' if left else 'all are there', file=sys.stderr)
    sys.exit(any('error' in line for line in lines))


if __name__ == '__main__':
    main()
