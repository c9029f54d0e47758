# SPDX-License-Identifier: BSD-3-Clause
"""Where floods happen: a veth pair with trafgen, and a vhost port with flood_link."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

import http_compare
import report
from http_compare import CLIENT, NIC, PEER, SERVER, SERVER_MAC, sh

CLIENT_MAC = '02:00:00:00:98:02'
PRIORITY = ('nice', '-n', '-20')
LEFT_OVER = ('nice', '-n', '19')
SETTLE_S = 0.5
START_S = 10            # at most, until clients have begun
FASTEST = 2000000       # packets/s, more than trafgen can send
PACED_MAX = 190000      # packets/s that trafgen can pace; beyond it sends as fast as it can
WARM_CONNECTIONS = 34000
TIME_WAITS = 32768      # of sluiced: fewer than the warming up makes

# What a sender of IPv4 and TCP puts first; numbers, sources and ports are random in every packet.
ETHERNET = '{server_mac}, {client_mac}, 0x08,0x00,'
IP = '0x45,0x00, 0x00,{length}, drnd(2), {fragment},0x00, 0x40,0x06, csumip(14,33), ' \
    '20,drnd(3), {server},'
TCP = 'drnd(2), c16(80), drnd(4), {ack}, {header},{flags}, 0xff,0xff, {checksum}, 0,0'
SYN_OPTIONS = ', 2,4,5,0xb4, 4,2, 8,10,drnd(4),0,0,0,0, 1,3,3,7'
GOOD = 'csumtcp(14,34)'

# For trafgen. A constant checksum is right for one packet in 65536.
FRAMES = {
    'syn': ({'length': 60, 'ack': '0,0,0,0', 'header': '0xa0', 'flags': 2}, SYN_OPTIONS),
    'ack': ({'flags': 16}, ''),
    'rst': ({'ack': '0,0,0,0', 'flags': 4}, ''),
    'checksum': ({'length': 60, 'ack': '0,0,0,0', 'header': '0xa0', 'flags': 2,
                  'checksum': '0x12,0x34'}, SYN_OPTIONS),
    # What is not the last fragment ends at a multiple of 8.
    'fragment': ({'fragment': '0x20', 'length': 44, 'header': '0x60', 'flags': 16},
                 ', 1,1,1,1'),
}
USUAL = {'length': 40, 'fragment': '0x40', 'ack': 'drnd(4)', 'header': '0x50', 'checksum': GOOD}

# What level() gives per second, or as a share of the time.
RATES = ('in', 'in_bytes', 'out', 'out_bytes', 'lost', 'client_in', 'client_lost', 'away')

# How sluiced counts the packets of a flood.
OUTCOMES = {
    'ack': ('no-conn', 'cookie-invalid', 'rst-rate'),
    'rst': ('no-conn-rst',),
    'checksum': ('bad-tcp-csum',),
    'fragment': ('frag-held', 'frag-limit'),
}

VHOST_CONF = """\
workers: 1
lcores: {cpu}
idle: spin
drain_timeout: 1s
control:
  socket: {folder}/control.sock
memory:
  packets: 32768
  connections: 65536
  time_wait: {time_waits}
ports:
  wan0:
    type: vhost
    path: {folder}/vhost.sock
    mac: {mac}
    addresses: [{address}/24]
services:
  http:
    root: {root}
    backlog: 4096
"""


def trafgen_config(kind):
    """What trafgen is to send."""
    def mac(text):
        return ','.join('0x' + part for part in text.split(':'))
    words, options = FRAMES[kind]
    return '{ ' + (ETHERNET + IP + TCP + options).format(**{
        **USUAL, 'server_mac': mac(SERVER_MAC), 'client_mac': mac(CLIENT_MAC),
        'server': SERVER.replace('.', ','), **words}) + ' }\n'


class FloodBed(http_compare.Bed):
    """What is the same on every wire."""

    is_sluiced = True
    time_waits = TIME_WAITS

    def within(self, ns, cpu):
        """Servers and clients have CPUs of their own, or as near to that as a priority comes."""
        return [*PRIORITY] + super().within(ns, cpu)

    def ctl(self, *words):
        """sluicectl's answer."""
        return json.loads(sh(os.path.join(self.options.build, 'app/sluicectl/sluicectl'),
                             '--socket', os.path.join(self.folder, 'control.sock'), '--json',
                             *words))

    def set_tunables(self, pairs):
        """NAME=VALUE of sluiced; the kernel has no such."""
        for pair in pairs if self.is_sluiced else ():
            self.ctl('set', *pair.split('=', 1))

    def memory_kb(self):
        """Resident memory of the server, counted page by page: VmRSS is off by up to 256 KiB."""
        with open(f'/proc/{self.process.pid}/smaps_rollup', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('Rss:'))

    def server_counted(self):
        """What sluiced says: packets received, drops by reason, packets and entries held."""
        if not self.is_sluiced:
            return {}
        outcomes = self.ctl('show', 'outcomes', '--all')['outcomes']
        all_of = {row['name']: row['value']
                  for row in self.ctl('show', 'counters', '--all')['counters']}
        return {'received': all_of['SluiceRxPackets'], 'sent': all_of['SluiceTxPackets'],
                'away_s': self.away_s(), 'clock_s': time.monotonic(),
                'outcomes': {row['reason']: row['packets'] for row in outcomes},
                'held': sum(all_of[name] for name in ('SluicePktsInUse', 'SluiceHalfOpen'))}

    def away_s(self):
        """For how long the worker's loop stood still, a millisecond or more at a time."""
        return sum(row['stalled_ns'] for row in self.ctl('show', 'cores')['cores']) / 1e9

    def warm_up(self):
        """Memory that only connections touch is touched now: what grows later, the flood grew."""
        if not self.is_sluiced:
            return
        self.ctl('set', 'tcp_timewait_len', '1')
        self.client('ab', '-q', '-r', '-n', str(WARM_CONNECTIONS), '-c', '100',
                    self.url('page.bin'))
        time.sleep(1.5)
        self.ctl('set', 'tcp_timewait_len', '60')

    def clients(self, seconds):
        """What the legitimate ones lived through."""
        text = self.client(
            sys.executable, os.path.join(report.ROOT, 'tests/bench/flood_client.py'), SERVER,
            '--times', '--seconds', str(seconds), timeout=seconds + 60)
        if not text:
            raise RuntimeError('the clients could not begin')
        return {'held_s': seconds, **json.loads(text)}

    def level(self, kind, rate, seconds, with_clients=True):
        """A flood, so many packets/s or as many as can be with 0, and what came of it."""
        before_all = {**self.counted(), **self.server_counted()}
        if kind:
            self.begin_flood(kind, rate, seconds)
        try:
            time.sleep(SETTLE_S)
            memory, before, start = self.memory_kb(), self.counted(), time.monotonic()
            line = {}
            if with_clients:
                line = self.clients(seconds)
            else:
                time.sleep(seconds)
            took, after = time.monotonic() - start, self.counted()
            line['grown_kb'] = self.memory_kb() - memory
        finally:
            if kind:
                self.end_flood()
        line.update({name: (after[name] - before[name]) / took for name in after})
        line['seconds'] = took
        time.sleep(SETTLE_S)
        line.update(self.accounts(kind, before_all, {**self.counted(), **self.server_counted()}))
        return line

    @staticmethod
    def accounts(kind, before, after):
        """From before the flood until after it: nothing is on its way then."""
        total = {'total_' + name: after[name] - before[name]
                 for name in ('in', 'in_bytes', 'out', 'out_bytes')}
        if 'outcomes' in after:
            total['total_sent'] = after['sent'] - before['sent']
            total['total_received'] = after['received'] - before['received']
            total['away'] = (after['away_s'] - before['away_s']) / \
                (after['clock_s'] - before['clock_s'])
            total['total_named'] = sum(after['outcomes'][name] - before['outcomes'][name]
                                       for name in OUTCOMES.get(kind, ()))
            total['held_more'] = after['held'] - before['held']
        return total


class VethBed(FloodBed):
    """Both ends of the veth pair know each other's addresses; random sources are routed back."""

    def __init__(self, options):
        super().__init__(options)
        # trafgen's only sender takes the first CPU, whatever it is told.
        self.server_cpu, self.client_cpu = self.client_cpu, self.server_cpu
        self.trafgen = None

    def start_server(self, name, mode):
        """sluiced or nginx in a mode of SYN cookies."""
        self.is_sluiced = name.startswith('sluiced')
        self.sysctl(self.server_ns, 'net.ipv4.tcp_syncookies', mode)
        self.start(name)
        if self.is_sluiced:
            self.ctl('set', 'tcp_syncookies', str(mode))
        else:
            sh('ip', '-n', self.server_ns, 'neigh', 'replace', CLIENT, 'lladdr', CLIENT_MAC,
               'dev', NIC, 'nud', 'permanent')
            sh('ip', '-n', self.server_ns, 'route', 'replace', 'default', 'via', CLIENT)
            self.sysctl(self.server_ns, f'net.ipv4.conf.{NIC}.rp_filter', 0)
        for kind in FRAMES:
            with open(os.path.join(self.folder, kind + '.cfg'), 'w', encoding='ascii') as file:
                file.write(trafgen_config(kind))
        self.warm_up()

    def make_veth(self, offload):
        super().make_veth(offload)
        sh('ip', '-n', self.client_ns, 'link', 'set', PEER, 'address', CLIENT_MAC)

    def counted(self):
        """Packets and bytes to and from the server, those of clients among them."""
        base = f'/sys/class/net/{PEER}/statistics/'
        names = ('tx_packets', 'tx_bytes', 'rx_packets', 'rx_bytes')
        text = sh('ip', 'netns', 'exec', self.client_ns, 'cat', *(base + n for n in names))
        return dict(zip(('in', 'in_bytes', 'out', 'out_bytes'), map(int, text.split())))

    def begin_flood(self, kind, rate, seconds):
        """trafgen; what it cannot pace it sends as fast as it can."""
        rate = rate if rate <= PACED_MAX else 0
        pace = ['--rate', f'{int(rate)}pps'] if rate else []
        packets = int(rate or FASTEST) * (seconds + START_S)
        # Clients are other machines: trafgen has what they leave of the CPU.
        self.trafgen = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', *LEFT_OVER,
             *http_compare.Bed.within(self, self.client_ns, self.client_cpu),
             'trafgen', '--conf', os.path.join(self.folder, kind + '.cfg'), '--dev', PEER,
             '--cpus', '1', '--notouch-irq', '--no-sock-mem', '--no-cpu-stats', '--num',
             str(packets), *pace],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def end_flood(self):
        """With the process that it forks, which listens to nothing else for a long time."""
        if self.trafgen is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.trafgen.pid, signal.SIGKILL)
        self.trafgen.wait()
        self.trafgen = None

    def stop(self):
        self.end_flood()
        super().stop()


class VhostBed(FloodBed):
    """sluiced on a vhost port; flood_link is the wire, and the client's end of it is a tap."""

    def __init__(self, options):
        super().__init__(options)
        self.link = None

    def start_server(self, _, mode):
        """sluiced in a mode of SYN cookies, and the wire."""
        conf = self.write('sluice.yaml', VHOST_CONF, cpu=self.server_cpu, mac=SERVER_MAC,
                          time_waits=self.time_waits)
        with open(os.path.join(self.folder, 'log'), 'w', encoding='ascii') as log:
            self.process = self.spawn(self.server_ns, self.server_cpu, log, 'app/sluiced/sluiced',
                                      '-c', conf)
            self.await_line(self.process, 'READY')
            self.link = self.spawn(self.client_ns, self.client_cpu, log, 'tests/bench/flood_link',
                                   os.path.join(self.folder, 'vhost.sock'), PEER, SERVER_MAC,
                                   CLIENT_MAC, SERVER, CLIENT)
            self.await_line(self.link, 'READY')
        for words in (('link', 'set', PEER, 'address', CLIENT_MAC),
                      ('addr', 'add', CLIENT + '/24', 'dev', PEER), ('link', 'set', PEER, 'up')):
            sh('ip', '-n', self.client_ns, *words)
        self.await_answer(False)
        self.ctl('set', 'tcp_syncookies', str(mode))
        self.warm_up()

    def spawn(self, ns, cpu, log, program, *words):
        """A program that ends with this one."""
        return subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL'] + self.within(ns, cpu) +
            [os.path.join(self.options.build, program), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    @staticmethod
    def await_line(process, begin=''):
        """The next line of a program."""
        if not select.select([process.stdout], [], [], http_compare.START_TIMEOUT_S)[0]:
            raise RuntimeError(f'{process.args[-1]}: no answer')
        line = process.stdout.readline().decode()
        if not line or not line.startswith(begin):
            raise RuntimeError(f'{process.args}: ended, or said {line}')
        return line

    def order(self, text):
        """flood_link's answer to an order."""
        try:
            self.link.stdin.write(text.encode() + b'\n')
            self.link.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f'flood_link ended with status {self.link.wait(5)}') from None
        return json.loads(self.await_line(self.link))

    def counted(self):
        """Packets and bytes of the flood, and answers to it; clients are not among them."""
        got = self.order('')
        return {'in': got['sent'], 'in_bytes': got['sent_bytes'], 'out': got['back'],
                'out_bytes': got['back_bytes'], 'lost': got['lost'],
                'client_in': got['client_sent'], 'client_lost': got['client_lost']}

    def begin_flood(self, kind, rate, _):
        """It makes its frames first."""
        self.order(f'{kind} {int(rate)}')

    def end_flood(self):
        """The wire stays."""
        if self.link is not None and self.link.poll() is None:
            self.order('none 0')

    def stop(self):
        if self.link is not None:
            # What it was told and did not take any more is nobody's loss.
            with contextlib.suppress(BrokenPipeError):
                self.link.stdin.close()
            try:
                self.link.wait(5)
            except subprocess.TimeoutExpired:
                self.link.kill()
                self.link.wait()
            self.link.stdout.close()
            self.link = None
        super().stop()
