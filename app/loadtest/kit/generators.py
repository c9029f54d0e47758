# SPDX-License-Identifier: BSD-3-Clause
"""Finding a generator, running it, and reading how much it sent and got back."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time

from kit import frames, lab

HERE = os.path.dirname(os.path.abspath(__file__))
PACED_MAX = 250000      # packets/s that trafgen can pace; beyond it sends as fast as it can
END_S = 10              # until one that was asked to end has ended
BEGIN_S = 60            # until one has begun, at most
TESTPMD_MBUFS = 40000   # besides those that hold the frames
PRIMERS_PPS, PRIMERS_S = 1000, 0.1
FOREVER = 10 ** 15


class Unfit(Exception):
    """Why a generator cannot do this run."""


class Generator:
    """A process that sends, in a session of its own: all of it ends by one kill."""

    name = program = None
    is_bursty = False       # sends what is due once a second: the first burst is not to be lost

    def __init__(self, options, row, place):
        self.options, self.row, self.place = options, row, place
        self.process = None
        self.log = os.path.join(place.dir, 'generator.log')
        self.path = self.find()
        if self.path is None:
            raise Unfit(f'not found: {self.program}')
        self.check()

    def find(self):
        """Its path, or None."""
        return shutil.which(self.program)

    def check(self):
        """Raises Unfit."""
        if row_needs_clients(self.row) and not isinstance(self, (Trafgen, FloodLink)):
            raise Unfit('cannot share the wire with clients')

    def version(self):
        """As it says itself."""
        done = subprocess.run([self.path, '--version'], capture_output=True, text=True,
                              check=False, timeout=10, stdin=subprocess.DEVNULL)
        match = re.search(r'\d+\.\d+(\.\d+)?', done.stdout + done.stderr)
        return match.group(0) if match else 'unknown'

    def spawn(self, words, **more):
        """Starts it; what it says goes to its log, unless it is to be heard."""
        with open(self.log, 'w', encoding='utf-8') as log:
            kinds = {'stdin': subprocess.DEVNULL, 'stdout': log, 'stderr': log, **more}
            self.process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', *words],
                                            start_new_session=True, cwd=self.place.dir, **kinds)

    def said(self):
        """The end of what it said."""
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return log.read()[-2000:]

    def start(self, pcap, count, rate, seconds):
        """Begins to send the count frames of a file at a rate (None: as fast as it can)."""
        raise NotImplementedError

    def most_s(self, seconds):
        """When it is stopped, if it has not ended before."""
        return seconds

    def counts(self):
        """Frames sent and received, ever."""
        raise NotImplementedError

    def is_done(self):
        """Whether it has ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def is_broken(self):
        """Whether it has ended with an error."""
        return self.process is not None and self.process.poll() not in (None, 0)

    def pause(self):
        """It sends no more; what it counted can still be read."""
        self.end()

    def end(self):
        """Without ceremony: trafgen forks a process that listens to nothing else."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def failed(self):
        """The error that ends a run: its status, and what it said."""
        return RuntimeError(f'{self.name} ended with status {self.process.returncode}: '
                            f'{self.said().strip() or "it said nothing"}')

    def final(self, _):
        """What it says itself that it sent and received, and how fast; None: count."""
        return None


def row_needs_clients(row):
    """Whether others are on the wire as well."""
    return row.clients


def client_segments():
    """Those of the kernel's own TCP in this network namespace, out and in: generators have none."""
    with open('/proc/self/net/snmp', encoding='ascii') as file:
        names, values = [line.split()[1:] for line in file if line.startswith('Tcp:')]
    of = dict(zip(names, map(int, values)))
    return of['OutSegs'] + of['RetransSegs'], of['InSegs']


def interface_counts(name):
    """Frames that the kernel sent and received on an interface of this network namespace."""
    with open('/proc/self/net/dev', encoding='ascii') as file:
        for line in file:
            device, _, numbers = line.partition(':')
            if device.strip() == name:
                words = numbers.split()
                return int(words[9]), int(words[1])
    raise RuntimeError(f'the interface {name} is gone')


class Trafgen(Generator):
    """netsniff-ng's, on an interface of the kernel."""

    name = program = 'trafgen'
    is_bursty = True

    def find(self):
        return shutil.which(self.program) or shutil.which(self.program, path='/usr/sbin:/sbin')

    def check(self):
        if self.options.via[0] not in ('tap', 'af_packet'):
            raise Unfit('sends on interfaces of the kernel only')

    def start(self, pcap, count, rate, seconds):
        config = os.path.join(self.place.dir, 'frames.cfg')
        known = frames.trafgen_config(pcap, config)
        total = FOREVER if rate is None else rate * seconds
        if self.row.once:
            total = known
        pace = ['--rate', f'{rate}pps'] if rate is not None and rate <= PACED_MAX else []
        self.spawn([self.path, '--conf', config, '--dev', self.options.via[1], '--cpus', '1',
                    '--notouch-irq', '--no-sock-mem', '--no-cpu-stats', '--num', str(total),
                    *pace])

    def counts(self):
        sent, received = interface_counts(self.options.via[1])
        if not self.row.clients:
            return sent, received
        # They share the interface: what they say is no flood.
        out, back = client_segments()
        return sent - out, received - back


class Testpmd(Generator):
    """DPDK's own, which replays a file from memory, as fast as it can."""

    name, program = 'testpmd', 'dpdk-testpmd'

    def check(self):
        super().check()
        if self.row.once:
            raise Unfit('loses frames where a ring is full, and these belong together')
        if self.options.rate is not None:
            raise Unfit('cannot keep to a rate: ask for --rate max')
        if self.options.via[0] not in ('vhost', 'pci'):
            raise Unfit('an interface of the kernel is better served by others')

    def version(self):
        done = subprocess.run(['pkg-config', '--modversion', 'libdpdk'], capture_output=True,
                              text=True, check=False)
        return done.stdout.strip() or 'unknown'

    def start(self, pcap, count, rate, seconds):
        kind, name = self.options.via
        words = [self.path, '-l', ','.join(cpus(2)), '--no-telemetry',
                 f'--file-prefix=sluice-load-{os.getpid()}',
                 f'--vdev=net_pcap0,rx_pcap={pcap},infinite_rx=1']
        if kind == 'vhost':
            words += ['--no-pci', '--no-huge', '-m', '512',
                      f'--vdev=net_virtio_user0,path={name},queues=1,mac={lab.GENERATOR_MAC}']
        else:
            words += ['-a', name, '--in-memory']
        words += ['--', '--forward-mode=io', '--stats-period', '1', '--no-flush-rx',
                  '--no-mlockall', '--total-num-mbufs', str(TESTPMD_MBUFS + count)]
        self.spawn(words)

    def counts(self):
        """Of the port that is not the file, in the last block of statistics that is whole."""
        with open(self.log, encoding='utf-8', errors='replace') as log:
            text = log.read()
        found = {}
        for port, body in re.findall(r'NIC statistics for port (\d+) +#+\n(.*?)\n\s*#{20,}', text,
                                     re.S):
            found[port] = {key: int(value) for key, value in
                           re.findall(r'([RT]X-packets): +(\d+)', body)}
        number = '1' if self.options.via[0] == 'vhost' else '0'
        if found and len(found) < 2:
            # It goes on with the ports that it has, and would send the file to itself.
            why = re.findall(r'^.*(?:virtio|[Ff]ail|[Ee]rror|[Cc]annot).*$', text, re.M)
            raise RuntimeError('testpmd cannot open the wire: ' + '; '.join(why[:3]))
        port = found.get(number, {})
        return port.get('TX-packets', 0), port.get('RX-packets', 0)


class Pktgen(Generator):
    """Pktgen-DPDK, which is not ours and not packaged: $PKTGEN, or in $PATH."""

    name = program = 'pktgen'
    LATE_S = 4              # beside each sending, until its counters are up to date
    SENDINGS = 18           # of a search, at most: a warm-up, its trials, and the last again

    def find(self):
        given = os.environ.get('PKTGEN')
        return shutil.which(given) if given else shutil.which(self.program)

    def version(self):
        return os.environ.get('PKTGEN_VERSION', 'unknown')

    def script(self):
        """The Lua file of the scenario."""
        name = {'rfc2544': 'rfc2544', 'syn-flood': 'syn-flood'}.get(self.options.scenario,
                                                                    'pcap-replay')
        return os.path.join(HERE, '../pktgen', name + '.lua')

    def start(self, pcap, count, rate, seconds):
        kind, name = self.options.via
        self.results = os.path.join(self.place.dir, 'pktgen.jsonl')
        open(self.results, 'w', encoding='ascii').close()
        cores = cpus(2)
        words = [self.path, '-l', ','.join(cores),
                 f'--file-prefix=sluice-load-{os.getpid()}']
        if kind == 'vhost':
            words += ['--no-pci', '--no-huge', '-m', '2048', '--no-telemetry',
                      f'--vdev=net_virtio_user0,path={name},queues=1,mac={lab.GENERATOR_MAC}']
        elif kind == 'pci':
            words += ['-a', name]
        else:
            words += ['--no-pci', '--no-huge', '-m', '2048', '--no-telemetry',
                      f'--vdev=net_af_packet0,iface={name}']
        words += ['--', '-m', f'{cores[1]}.0', '-s', f'0:{pcap}', '-f',
                  os.path.normpath(self.script())]
        address, port = lab.address_of(self.options)
        env = dict(os.environ, SLUICE_RESULT=self.results, SLUICE_LUA=os.path.join(
            os.path.dirname(os.path.normpath(self.script())), 'lib.lua'),
            SLUICE_RATE='max' if rate is None else str(rate), SLUICE_SECONDS=str(seconds),
            SLUICE_PCAP=pcap, SLUICE_ONCE=str(count if self.row.once else 0),
            SLUICE_TARGET=address, SLUICE_TARGET_PORT=str(port), SLUICE_DST_MAC=self.place.mac,
            SLUICE_SRC_MAC=lab.GENERATOR_MAC, SLUICE_LOSS=str(self.options.loss), TERM='xterm')
        # It wants a terminal even where nobody looks.
        self.spawn(['timeout', '-k', '5', str(self.most_s(seconds) + BEGIN_S), 'script', '-qefc',
                    ' '.join(map(quoted, words)), '/dev/null'], env=env)

    def most_s(self, seconds):
        sendings = self.SENDINGS if self.options.scenario == 'rfc2544' else 1
        return sendings * (seconds + self.LATE_S) + END_S

    def lines(self):
        """What its script has written; a line that is not whole yet is left out."""
        with open(self.results, encoding='ascii', errors='replace') as file:
            text = file.read()
        return [json.loads(line) for line in text.split('\n')[:-1]]

    def counts(self):
        rows = [row for row in self.lines() if row['what'] in ('second', 'end')]
        return (rows[-1]['sent'], rows[-1]['received']) if rows else (0, 0)

    def is_broken(self):
        return super().is_broken() and self.outcome() is None

    def is_done(self):
        return super().is_done() or any(row['what'] == 'end' for row in self.lines())

    def final(self, seconds):
        end = self.outcome()
        if end is None:
            raise RuntimeError(f'pktgen ended without a result: {self.said().strip()}')
        took = seconds * max(1, len(end.get('trials', ())))
        return {'sent': end['sent'], 'received': end['received'], 'took_s': float(took),
                'sent_pps': round(end['sent'] / took),
                'received_pps': round(end['received'] / took)}

    def outcome(self):
        """The line with which a script ends; None: it ended without."""
        return next((row for row in self.lines() if row['what'] == 'end'), None)


class FloodLink(Generator):
    """The project's own: a paced flood over vhost, with a tap for clients at its side."""

    name, program = 'flood_link', 'tests/bench/flood_link'
    tap = 'gen0'

    def find(self):
        path = os.path.join(self.options.build, self.program)
        return path if os.path.exists(path) else None

    def check(self):
        if self.options.via[0] != 'vhost':
            raise Unfit('is for vhost')
        if self.row.link_kind is None:
            raise Unfit(f'makes no frames for {self.options.scenario}')
        if lab.address_of(self.options)[1] != 80 or ':' in lab.address_of(self.options)[0]:
            raise Unfit('floods port 80 over IPv4 only')

    def version(self):
        return 'of this tree'

    def open(self):
        """The wire stands from now on."""
        with open(self.log, 'w', encoding='utf-8') as log:
            self.spawn([self.path, self.options.via[1], self.tap, self.place.mac,
                        lab.GENERATOR_MAC, lab.address_of(self.options)[0], lab.bed.LINUX],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.hear()
        lab.bed.sh('ip', 'link', 'set', self.tap, 'address', lab.GENERATOR_MAC, 'up')
        lab.bed.sh('ip', 'addr', 'replace', lab.bed.LINUX + '/24', 'dev', self.tap)

    def hear(self):
        """Its next line."""
        if not select.select([self.process.stdout], [], [], BEGIN_S)[0]:
            raise RuntimeError('flood_link says nothing')
        line = self.process.stdout.readline().decode()
        if not line:
            self.process.wait(END_S)
            raise self.failed()
        return line

    def order(self, text):
        """What has passed so far, after an order."""
        try:
            self.process.stdin.write(text.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            self.process.wait(END_S)
            raise self.failed() from None
        return json.loads(self.hear())

    def start(self, pcap, count, rate, seconds):
        if self.process is None:
            self.open()
        if self.row.link_kind == 'ack':
            # As the file begins with SYNs: before a cookie was sent no ACK is checked for one.
            self.order(f'syn {PRIMERS_PPS}')
            time.sleep(PRIMERS_S)
        self.order(f'{self.row.link_kind} {rate or 0}')

    def counts(self):
        got = self.order('')
        # What found no place in the appliance's ring was sent, and lost.
        return got['sent'] + got['lost'], got['back']

    def end(self):
        """It ends with its input, and closes its ports."""
        if self.process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        self.process.stdout.close()
        super().end()

    def pause(self):
        """The flood ends, the wire stays."""
        if self.process is not None and self.process.poll() is None:
            self.order('none 0')


ORDER = (Pktgen, Testpmd, Trafgen, FloodLink)


def cpus(number):
    """The first few that this process may use, again from the start if they are too few."""
    mine = sorted(os.sched_getaffinity(0))
    return [str(mine[i % len(mine)]) for i in range(number)]


def quoted(word):
    """For a shell."""
    return "'" + word.replace("'", "'\\''") + "'"


def choose(options, row, place):
    """The first generator that is there and can do it, and why those before it were not taken."""
    passed_over = []
    for kind in ORDER:
        if options.generator not in (None, kind.name):
            continue
        try:
            return kind(options, row, place), passed_over
        except Unfit as reason:
            passed_over.append({'name': kind.name, 'why': str(reason)})
    raise RuntimeError('no generator can do this here: ' + '; '.join(
        f"{row['name']}: {row['why']}" for row in passed_over) +
        '. Packages: netsniff-ng (trafgen), dpdk-dev (testpmd); pktgen: $PKTGEN')


def settle(generator, limit_s=3.0):
    """What has been counted once nothing is on its way any more."""
    last, end = generator.counts(), time.monotonic() + limit_s
    while time.monotonic() < end:
        time.sleep(0.3)
        now = generator.counts()
        if now == last:
            break
        last = now
    return last
