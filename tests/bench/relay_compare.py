#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Goodput, timeouts and responses under loss and delay: sluiced and Linux behind one relay."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import http_compare
import report
from http_compare import CLIENT, NIC, PEER, SERVER, SERVER_MAC, sh

sys.path.insert(0, os.path.join(report.ROOT, 'tests/lib'))
import relay  # noqa: E402

SERVERS = ('sluiced', 'linux')
PRIORITY = ('chrt', '--rr', '10')
HERE = os.path.dirname(os.path.abspath(__file__))
RELAY_A, RELAY_B = 'relay-a', 'relay-b'     # towards the server, towards the client
RATE_KBPS = 200000
QUEUE_MIN_US = 5000     # what the queue holds at least; else a round trip's worth
RESPONSE_BYTES = 16384
RESPONSE_CONNECTIONS = 32
RESPONSES_PER_S = 300
BUFFERS = '4096 131072 6291456'     # tcp_rmem, as sluiced has it

# round trip in ms: connections of a download or upload. More where each is slow, so that a few
# seconds hold enough losses to compare.
ROUND_TRIPS = {1: 1, 10: 4, 50: 8}

# name: losses begin at so many frames in a million, and last so many frames.
LOSSES = {
    '0.1 %': (1000, 1),
    '1 %': (10000, 1),
    '3 %': (30000, 1),
    '1 % in bursts of 10': (1000, 10),
}

TESTS = ('download', 'upload', 'response')

SLUICED_CONF = """\
workers: 1
lcores: {cpu}
idle: adaptive
drain_timeout: 1s
control:
  socket: {folder}/control.sock
ports:
  wan0:
    type: af_packet
    iface: {nic}
    addresses: [{address}/24]
services:
  discard:
  http:
    root: {root}
    nodelay: on
tunables:
  tcp_congestion_control: cubic
"""


class RelayBed(http_compare.Bed):
    """Server, relay and client, each in a namespace, a veth pair on either side of the relay."""

    def __init__(self, options):
        super().__init__(options)
        self.relay_ns = f'sluice-bench-r{os.getpid()}'
        self.relay = None
        self.server = None

    def open(self):
        super().open()
        with open(os.path.join(self.root, 'response.bin'), 'wb') as file:
            file.write(os.urandom(RESPONSE_BYTES))
        sh('ip', 'netns', 'add', self.relay_ns)
        for ns in (self.server_ns, self.client_ns):
            self.sysctl(ns, 'net.ipv4.tcp_rmem', BUFFERS)
            # What one test learnt of the path must not help or harm the next.
            self.sysctl(ns, 'net.ipv4.tcp_no_metrics_save', 1)

    def close(self):
        super().close()
        subprocess.run(['ip', 'netns', 'del', self.relay_ns], capture_output=True, check=False)

    def within(self, ns, cpu):
        """Before others: neither a wire nor a NIC waits for a CPU. Nobody here spins."""
        return [*PRIORITY] + super().within(ns, cpu)

    def make_link(self):
        """Two pairs without offloads: frames are as long as on a real wire."""
        ends = ((self.server_ns, NIC, RELAY_A, SERVER_MAC), (self.client_ns, PEER, RELAY_B, None))
        for ns, nic, end, mac in ends:
            sh('ip', '-n', ns, 'link', 'add', nic, *(['address', mac] if mac else []), 'type',
               'veth', 'peer', 'name', end, 'netns', self.relay_ns)
            for where, name in ((ns, nic), (self.relay_ns, end)):
                sh('ip', 'netns', 'exec', where, 'ethtool', '-K', name, 'tx', 'off', 'tso', 'off',
                   'gso', 'off', 'gro', 'off')
                sh('ip', '-n', where, 'link', 'set', name, 'addrgenmode', 'none', 'up')
        sh('ip', '-n', self.client_ns, 'addr', 'add', CLIENT + '/24', 'dev', PEER)
        self.receive_on(self.server_ns, NIC, self.server_cpu)
        self.receive_on(self.client_ns, PEER, self.client_cpu)
        self.relay = relay.Relay(self.options.build, RELAY_A, RELAY_B,
                                 self.within(self.relay_ns, self.client_cpu))

    def start(self, name):
        """One of SERVERS, behind a relay that does nothing yet."""
        self.server = name
        self.make_link()
        if name == 'linux':
            sh('ip', '-n', self.server_ns, 'addr', 'add', SERVER + '/24', 'dev', NIC)
            command = [sys.executable, os.path.join(HERE, 'relay_server.py'), self.root]
        else:
            conf = self.write('sluice.yaml', SLUICED_CONF, cpu=self.server_cpu, nic=NIC)
            command = [os.path.join(self.options.build, 'app/sluiced/sluiced'), '-c', conf]
        with open(os.path.join(self.folder, 'log'), 'w', encoding='ascii') as log:
            self.process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'TERM'] +
                self.within(self.server_ns, self.server_cpu) + command,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_answer(False)

    def stop(self):
        super().stop()
        subprocess.run(['ip', '-n', self.client_ns, 'link', 'del', PEER], capture_output=True,
                       check=False)
        if self.relay is not None:
            self.relay.stop()
            self.relay = None

    def kernel_counters(self, ns):
        """TcpExt and Tcp of a namespace."""
        out = {}
        for file in ('snmp', 'netstat'):
            lines = sh('ip', 'netns', 'exec', ns, 'cat', '/proc/net/' + file).splitlines()
            for names, values in zip(lines[::2], lines[1::2]):
                out.update(zip(names.split()[1:], map(int, values.split()[1:])))
        return {'timeouts': out['TCPTimeouts'], 'retransmitted': out['RetransSegs']}

    def sender_counters(self, test):
        """Of whoever sends what is measured."""
        if test == 'upload':
            return self.kernel_counters(self.client_ns)
        if self.server == 'linux':
            return self.kernel_counters(self.server_ns)
        text = sh(os.path.join(self.options.build, 'app/sluicectl/sluicectl'), '--socket',
                  os.path.join(self.folder, 'control.sock'), '--json', 'show', 'counters', '--all')
        out = {row['name']: row['value'] for row in json.loads(text)['counters']}
        return {'timeouts': out['TcpExtTCPTimeouts'], 'retransmitted': out['TcpRetransSegs']}

    def set_path(self, test, rtt_ms, loss, seed):
        """Delay both ways; losses where the data go, so that they are those of one sender."""
        us = rtt_ms * 1000 // 2
        rules = {'seed': seed, 'delay_us': us, 'rate_kbps': RATE_KBPS,
                 'queue_bytes': RATE_KBPS * max(2 * us, QUEUE_MIN_US) // 8000}
        ppm, burst = LOSSES[loss]
        lossy, other = ('ba', 'ab') if test == 'upload' else ('ab', 'ba')
        self.relay.order(other, **rules)
        # A lone handshake would meet a whole run of losses, for a minute of timeouts.
        self.relay.order(lossy, loss_ppm=ppm, burst=burst, spare_syns=1, **rules)

    def measure(self, test, rtt_ms, loss, seed):
        """One test through one path."""
        self.set_path(test, rtt_ms, loss, seed)
        before = self.sender_counters(test)
        connections = RESPONSE_CONNECTIONS if test == 'response' else ROUND_TRIPS[rtt_ms]
        text = self.client(sys.executable, os.path.join(HERE, 'relay_client.py'), test, SERVER,
                           '--connections', str(connections), '--rate', str(RESPONSES_PER_S),
                           '--seconds', str(self.options.seconds))
        if not text:
            raise RuntimeError(f'{test}, {rtt_ms} ms, {loss}: {self.complaints[-100:]}')
        after, passed = self.sender_counters(test), self.relay.order()
        if passed['missed'] or passed['unsent'] or passed['ab']['oversized'] or \
                passed['ba']['oversized']:
            raise RuntimeError(f'the relay lost what it should not have: {passed}')
        line = {**json.loads(text), **{name: after[name] - before[name] for name in after}}
        line['lost'] = passed['ba' if test == 'upload' else 'ab']['lost']
        if 'bytes' in line:
            line['mbps'] = line['bytes'] * 8 / line['seconds'] / 1e6
        return line


def plan(options):
    """Every path with every test."""
    return [(test, rtt_ms, loss) for rtt_ms in options.rtts for loss in options.losses
            for test in options.tests]


def measure(options):
    """In every round each server meets each path, with the same fates for its frames."""
    lines = []
    with RelayBed(options) as bed:
        for number in range(options.runs):
            for server in SERVERS:
                print(f'round {number + 1} of {options.runs}: {server}', file=sys.stderr,
                      flush=True)
                try:
                    bed.start(server)
                    for at, (test, rtt_ms, loss) in enumerate(plan(options)):
                        line = bed.measure(test, rtt_ms, loss, options.seed + 1000 * number + at)
                        lines.append({'server': server, 'round': number, 'test': test,
                                      'rtt_ms': rtt_ms, 'loss': loss, **line})
                except (OSError, RuntimeError, ValueError,
                        subprocess.TimeoutExpired) as error:
                    print(f'{server}: {error}', file=sys.stderr)
                    lines.append({'server': server, 'round': number, 'error': str(error)})
                finally:
                    bed.stop()
    return lines


FIGURES = {'download': 'mbps', 'upload': 'mbps', 'response': 'p99_ms'}
HEADS = {'download': 'Mb/s', 'upload': 'Mb/s', 'response': '99th of 100 responses, ms'}


def rows_of(lines, test):
    """A row per path: the spread of each server, and how many times as good ours is."""
    good = [line for line in lines if line.get('test') == test]
    rows = []
    for rtt_ms, loss in dict.fromkeys((line['rtt_ms'], line['loss']) for line in good):
        def spread(server, name):
            return report.spread([line[name] for line in good if (
                line['server'], line['rtt_ms'], line['loss']) == (server, rtt_ms, loss)])
        ours, linux = (spread(server, FIGURES[test]) for server in SERVERS)
        better = (linux, ours) if test == 'response' else (ours, linux)
        rows.append({'rtt_ms': rtt_ms, 'loss': loss, 'sluiced': ours, 'linux': linux,
                     'ratio': report.ratio(*better),
                     'timeouts': {server: spread(server, 'timeouts') for server in SERVERS},
                     'lost': {server: spread(server, 'lost') for server in SERVERS}})
    return rows


def table(lines, test):
    """For people. How good ours is of Linux: more is better in each table."""
    what = HEADS[test]
    head = ['round trip, ms', 'loss', f'sluiced, {what}', f'Linux, {what}', 'ratio',
            'timeouts, sluiced', 'timeouts, Linux']
    return head, [[str(row['rtt_ms']), row['loss'], report.triple(row['sluiced']),
                   report.triple(row['linux']),
                   '-' if row['ratio'] is None else f"{row['ratio']:.2f}x",
                   *(report.triple(row['timeouts'][server]) for server in SERVERS)]
                  for row in rows_of(lines, test)]


def missing(options):
    """What keeps it from running here; nothing if it can."""
    for name in ('app/sluicectl/sluicectl', 'tests/bench/relay'):
        if not os.path.exists(os.path.join(options.build, name)):
            return f'no {name} in {options.build}; build it first'
    if shutil.which('ethtool') is None:
        return 'not installed: ethtool'
    reason = http_compare.missing(options, [], [])
    if reason is None and subprocess.run([*PRIORITY, 'true'], capture_output=True,
                                         check=False).returncode != 0:
        reason = 'no real-time priority here (chrt)'
    return reason


def parse():
    """The options, checked."""
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--rtts', default=','.join(map(str, ROUND_TRIPS)), metavar='A,B',
                        help='some of ' + ' '.join(map(str, ROUND_TRIPS)) + ' ms')
    parser.add_argument('--losses', default=','.join(LOSSES), metavar='A,B',
                        help='some of ' + ', '.join(LOSSES).replace('%', '%%'))
    parser.add_argument('--tests', default=','.join(TESTS), metavar='A,B',
                        help='some of ' + ' '.join(TESTS))
    parser.add_argument('--seconds', type=float, default=4, help='of each test (4)')
    parser.add_argument('--seed', type=int, default=1, help='of the losses (1)')
    parser.add_argument('--add', metavar='FILE', action='append', default=[],
                        help='lines of an earlier run (its --out): further rounds or paths')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.rtts = [int(rtt) for rtt in http_compare.chosen(
        parser, options.rtts, map(str, ROUND_TRIPS))]
    options.losses = http_compare.chosen(parser, options.losses, LOSSES)
    options.tests = http_compare.chosen(parser, options.tests, TESTS)
    if options.quick:
        options.seconds = 0.5
    # An hour's worth of the whole rate would not be more.
    options.megabytes = 8 + int(RATE_KBPS / 8000 * options.seconds)
    options.steering = 'own'
    return options


def main():
    """Measures and reports."""
    options = parse()
    reason = missing(options)
    if reason:
        print(f'SKIP: {reason}')
        sys.exit(report.SKIP)
    report.end_on_signals()
    report.warn_if_busy()
    with contextlib.suppress(KeyboardInterrupt):
        lines = measure(options)
        for path in options.add:
            with open(path, encoding='ascii') as file:
                lines += json.load(file)['lines']
        report.publish(options, {f'loss {test}': table(lines, test) for test in TESTS},
                       {'rows': {test: rows_of(lines, test) for test in TESTS}, 'lines': lines})
        sys.exit(any('error' in line for line in lines))
    sys.exit(130)


if __name__ == '__main__':
    main()
