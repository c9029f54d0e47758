#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""SYN floods from random sources beside legitimate clients: sluiced and Linux on a veth pair."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import http_compare
import report
from http_compare import CLIENT, NIC, PEER, SERVER, SERVER_MAC, sh

CLIENT_MAC = '02:00:00:00:98:02'
CALIBRATE_S = 3
SETTLE_S = 1
START_S = 10            # at most, until clients have begun
FASTEST = 2000000       # packets/s, more than trafgen can send
PACED_MAX = 250000      # packets/s that trafgen can pace; beyond it sends as fast as it can

# name: program, tcp_syncookies.
SERVERS = {
    'sluiced-1': ('sluiced', 1),
    'sluiced-2': ('sluiced', 2),
    'linux-1': ('nginx', 1),
    'linux-2': ('nginx', 2),
}

# A SYN as Linux sends it; source, port, number, timestamp and IP ID are random in every packet.
SYN = """\
{{
  {server_mac}, {client_mac}, 0x08,0x00,
  0x45,0x00, 0x00,0x3c, drnd(2), 0x40,0x00, 0x40,0x06, csumip(14,33),
  20,drnd(3), {server},
  drnd(2), c16(80), drnd(4), 0,0,0,0, 0xa0,0x02, 0xff,0xff, csumtcp(14,34), 0,0,
  2,4,5,0xb4, 4,2, 8,10,drnd(4),0,0,0,0, 1,3,3,7
}}
"""


def syn_config():
    """What trafgen is to send."""
    def mac(text):
        return ','.join('0x' + part for part in text.split(':'))
    return SYN.format(server_mac=mac(SERVER_MAC), client_mac=mac(CLIENT_MAC),
                      server=SERVER.replace('.', ','))


class FloodBed(http_compare.Bed):
    """Both ends of the veth pair know each other's addresses; random sources are routed back."""

    def start_server(self, name):
        """The server in a mode of SYN cookies."""
        program, mode = SERVERS[name]
        self.sysctl(self.server_ns, 'net.ipv4.tcp_syncookies', mode)
        self.start('nginx' if program == 'nginx' else 'sluiced')
        sh('ip', '-n', self.client_ns, 'link', 'set', PEER, 'address', CLIENT_MAC)
        if program == 'nginx':
            sh('ip', '-n', self.server_ns, 'neigh', 'replace', CLIENT, 'lladdr', CLIENT_MAC,
               'dev', NIC, 'nud', 'permanent')
            sh('ip', '-n', self.server_ns, 'route', 'replace', 'default', 'via', CLIENT)
            self.sysctl(self.server_ns, f'net.ipv4.conf.{NIC}.rp_filter', 0)
        else:
            self.ctl('set', 'tcp_syncookies', str(mode))
        with open(os.path.join(self.folder, 'syn.cfg'), 'w', encoding='ascii') as file:
            file.write(syn_config())

    def ctl(self, *words):
        """sluicectl's answer."""
        return json.loads(sh(os.path.join(self.options.build, 'app/sluicectl/sluicectl'),
                             '--socket', os.path.join(self.folder, 'control.sock'), '--json',
                             *words))

    def counted(self):
        """Packets and bytes that the client's end has sent and received."""
        base = f'/sys/class/net/{PEER}/statistics/'
        names = ('tx_packets', 'tx_bytes', 'rx_packets', 'rx_bytes')
        text = sh('ip', 'netns', 'exec', self.client_ns, 'cat', *(base + n for n in names))
        return dict(zip(names, map(int, text.split())))

    def memory_kb(self):
        """Resident memory of the server."""
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))

    def flood(self, rate, seconds):
        """Starts trafgen: so many packets/s, or as many as it can with None. It ends by itself."""
        pace = ['--rate', f'{rate}pps'] if rate else []
        packets = (rate or FASTEST) * (seconds + START_S)
        return subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL'] + self.within(self.client_ns, self.client_cpu) +
            ['trafgen', '--conf', os.path.join(self.folder, 'syn.cfg'), '--dev', PEER, '--cpus',
             '1', '--notouch-irq', '--no-sock-mem', '--no-cpu-stats', '--num', str(packets)] +
            pace,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    @staticmethod
    def end_flood(trafgen):
        """With the process that it forks, which listens to nothing else for a long time."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(trafgen.pid, signal.SIGKILL)
        trafgen.wait()

    def clients(self, seconds):
        """What the legitimate ones lived through."""
        text = self.client(
            sys.executable, os.path.join(report.ROOT, 'tests/bench/flood_client.py'), SERVER,
            '--seconds', str(seconds), timeout=seconds + 60)
        if not text:
            raise RuntimeError('the clients could not begin')
        return json.loads(text)

    def level(self, rate, seconds, with_clients=True):
        """A flood, and what came of it."""
        trafgen = self.flood(rate, seconds) if rate != 0 else None
        try:
            time.sleep(SETTLE_S)
            memory, before, start = self.memory_kb(), self.counted(), time.monotonic()
            if with_clients:
                line = self.clients(seconds)
            else:
                time.sleep(seconds)
                line = {}
            took = time.monotonic() - start
            after = self.counted()
            line['grown_kb'] = self.memory_kb() - memory
        finally:
            if trafgen is not None:
                self.end_flood(trafgen)
        line.update({name: (after[name] - before[name]) / took for name in after})
        line['seconds'] = took
        return line


def measure_server(bed, name, seconds):
    """Calibrate, then quiet, at 80 % of what it answers, and as fast as can be sent."""
    bed.start_server(name)
    capacity = bed.level(None, CALIBRATE_S, with_clients=False)['rx_packets']
    paced = int(min(0.8 * capacity, PACED_MAX))
    lines = []
    for level, rate in (('quiet', 0), ('80 %', paced), ('fastest', None)):
        line = bed.level(rate, min(seconds, 10) if rate == 0 else seconds)
        lines.append({'server': name, 'level': level, 'capacity': capacity, **line})
        time.sleep(SETTLE_S)
    return lines


def measure(options, servers):
    """Every server has its turn in every round."""
    lines = []
    with FloodBed(options) as bed:
        for number in range(options.runs):
            for server in servers:
                print(f'round {number + 1} of {options.runs}: {server}', file=sys.stderr,
                      flush=True)
                try:
                    lines += [{'round': number, **line}
                              for line in measure_server(bed, server, options.seconds)]
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    print(f'{server}: {error}', file=sys.stderr)
                    lines.append({'server': server, 'round': number, 'error': str(error)})
                finally:
                    bed.stop()
    return lines


def table(lines):
    """For people: a line per server and level, medians over the rounds."""
    head = ['server', 'flood', 'packets/s in', 'packets/s out', 'out per in', 'bytes out per in',
            'connected in 1 s', 'in 4 s', 'median, 99th, ms', 'held downloads', 'memory, KiB']
    rows = []
    measured = [line for line in lines if 'error' not in line]
    for server, level in dict.fromkeys((line['server'], line['level']) for line in measured):
        def middle(name, at=level, who=server):
            values = [line[name] for line in measured
                      if (line['server'], line['level']) == (who, at) and line[name] is not None]
            spread = report.spread(values)
            return spread['median'] if spread else float('nan')

        def held(at, who=server):
            return middle('held_bytes', at) / middle('seconds', at)

        flood = middle('tx_packets') / middle('capacity') * 100
        quiet = level == 'quiet'
        rows.append([
            server, 'none' if quiet else f'{flood:.0f} % of its capacity',
            report.number(middle('tx_packets')), report.number(middle('rx_packets')),
            '-' if quiet else f"{middle('rx_packets') / middle('tx_packets'):.2f}",
            '-' if quiet else f"{middle('rx_bytes') / middle('tx_bytes'):.2f}",
            f"{middle('within_1s') * 100:.2f} %", f"{middle('within_4s') * 100:.2f} %",
            f"{middle('p50_ms'):.2f}, {middle('p99_ms'):.1f}",
            f"{held(level) / held('quiet') * 100:.1f} %", f"{middle('grown_kb'):+.0f}"])
    return head, rows


def main():
    """Measures and reports."""
    parser = report.arguments(__doc__, runs=1)
    parser.add_argument('--servers', default=','.join(SERVERS), metavar='A,B',
                        help='some of ' + ' '.join(SERVERS))
    parser.add_argument('--seconds', type=int, default=60, help='of each flood (60)')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.megabytes, options.idle, options.steering = 512, 'spin', 'own'
    servers = http_compare.chosen(parser, options.servers, SERVERS)
    if options.quick:
        options.seconds = 3
    reason = http_compare.missing(options, ['nginx'], []) or \
        (None if shutil.which('trafgen') else 'not installed: trafgen (package netsniff-ng)')
    if reason:
        print(f'SKIP: {reason}')
        sys.exit(report.SKIP)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    report.warn_if_busy()
    lines = measure(options, servers)
    report.publish(options, {'flood': table(lines)}, {'lines': lines})
    sys.exit(any('error' in line for line in lines))


if __name__ == '__main__':
    main()
