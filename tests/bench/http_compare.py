#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Side by side on one virtual NIC: sluiced, nginx, an epoll server, and who else is named."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import http_figures
import report

SERVER = '10.98.0.1'
CLIENT = '10.98.0.2'
SERVER_MAC = '02:00:00:00:98:01'
NIC = 'server0'         # the server's end
PEER = 'client0'        # the client's, where the NIC is a veth pair
PAGE_BYTES = 1024
START_TIMEOUT_S = 30

# name: program, the port type of sluiced, and what differs from the others.
SERVERS = {
    'sluiced': ('sluiced', 'af_packet', ''),
    'nginx': ('nginx', '', ''),
    'epoll': ('epoll', '', ''),
    'sluiced-adaptive': ('sluiced', 'af_packet', 'sleeps when idle'),
    'sluiced-tap': ('sluiced', 'tap', 'client on the tap'),
    'sluiced-af_xdp': ('sluiced', 'af_xdp', ''),
    'nginx-tso': ('nginx', '', 'offloads of the veth pair on'),
}
BASE = 'nginx'  # what the others are compared with

# In memory: what is written to a disk the kernel brings there later, on the CPUs that are measured.
PLACE = '/dev/shm' if os.path.isdir('/dev/shm') else tempfile.gettempdir()

# A place for other stacks: each program here is a server of its name. It is called with an address
# and two files, page.bin and large.bin, and is to serve these over HTTP/1.1 on port 80 of the
# address until it is terminated. It runs on the server's CPU, in the server's network namespace,
# whose interface server0 has the address; what takes the interface over has to take the address
# off first. One that also discards what comes to port 9 is measured by an upload, too.
STACKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'stacks')
OURS = ('sluiced', 'epoll', 'nginx')


def add_stacks(folder):
    """Those of the folder join the servers; returns their names."""
    names = [name for name in sorted(os.listdir(folder)) if name not in SERVERS and
             re.fullmatch(r'[a-z][a-z0-9_-]*', name) and
             os.access(os.path.join(folder, name), os.X_OK)]
    for name in names:
        SERVERS[name] = (os.path.join(folder, name), '', '')
    return names

SLUICED_CONF = """\
workers: 1
lcores: {cpu}
idle: {idle}
drain_timeout: 1s
control:
  socket: {folder}/control.sock
memory:
  packets: 32768
  connections: 65536
  time_wait: {time_waits}
ports:
  wan0:
    type: {port_type}
    iface: {nic}
{mac}    addresses: [{address}/24]
services:
  discard:
    backlog: 4096
  http:
    root: {root}
    backlog: 4096
"""

# What tuning guides agree on; one worker, as sluiced has one.
NGINX_CONF = """\
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{
  worker_connections 32768;
  multi_accept on;
}}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=64 inactive=60s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address}:80 backlog=4096;
    root {root};
  }}
}}
"""


def sh(*command):
    """Runs a command that must succeed; returns what it printed."""
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Bed:
    """Two namespaces and what is between them; everything goes when it is closed."""

    time_waits = 262144
    address = SERVER

    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix=f'sluice-http-{os.getpid()}-', dir=PLACE)
        self.root = os.path.join(self.folder, 'www')
        self.server_ns = f'sluice-bench-s{os.getpid()}'
        self.client_ns = f'sluice-bench-c{os.getpid()}'
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.client_cpu = cpus[0], cpus[-1]
        self.process = None
        self.discards = False
        self.complaints = ''

    def __enter__(self):
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        """The files and the namespaces."""
        self.clean_stale()
        os.chmod(self.folder, 0o755)
        os.mkdir(self.root)
        with open(os.path.join(self.root, 'page.bin'), 'wb') as file:
            file.write(os.urandom(PAGE_BYTES))
        with open(os.path.join(self.root, 'large.bin'), 'wb') as file:
            megabyte = os.urandom(1 << 20)
            for _ in range(self.options.megabytes):
                file.write(megabyte)
        for ns in (self.server_ns, self.client_ns):
            sh('ip', 'netns', 'add', ns)
            sh('ip', '-n', ns, 'link', 'set', 'lo', 'up')
            self.sysctl(ns, 'net.core.somaxconn', 65536)
            self.sysctl(ns, 'net.ipv4.tcp_max_syn_backlog', 65536)
            self.sysctl(ns, 'net.ipv4.tcp_max_tw_buckets', 262144)
            self.sysctl(ns, 'net.ipv4.ip_local_port_range', '1024 65535')

    @staticmethod
    def clean_stale():
        """Takes away what killed runs left; their servers died with them."""
        def dead(pid):
            return not os.path.exists('/proc/' + pid)

        for name, pid in re.findall(r'^(sluice-bench-[scr](\d+))\b', sh('ip', 'netns'), re.M):
            if dead(pid):
                subprocess.run(['ip', 'netns', 'del', name], capture_output=True, check=False)
        for name in os.listdir(PLACE):
            match = re.fullmatch(r'sluice-http-(\d+)-\w+', name)
            path = os.path.join(PLACE, name)
            if match and dead(match.group(1)) and os.stat(path).st_uid == os.geteuid():
                shutil.rmtree(path, ignore_errors=True)

    def close(self):
        """Ends what runs and takes everything away."""
        self.stop()
        for ns in (self.server_ns, self.client_ns):
            subprocess.run(['ip', 'netns', 'del', ns], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def sysctl(ns, name, value):
        """Sets one in a namespace."""
        sh('ip', 'netns', 'exec', ns, 'sysctl', '-qw', f'{name}={value}')

    def make_veth(self, offload):
        """A pair without offloads, so that each server sends and receives real frames."""
        sh('ip', '-n', self.server_ns, 'link', 'add', NIC, 'address', SERVER_MAC, 'type', 'veth',
           'peer', 'name', PEER, 'netns', self.client_ns)
        for ns, nic in ((self.server_ns, NIC), (self.client_ns, PEER)):
            if not offload:
                sh('ip', 'netns', 'exec', ns, 'ethtool', '-K', nic, 'tx', 'off', 'tso', 'off',
                   'gso', 'off', 'gro', 'off')
            sh('ip', '-n', ns, 'link', 'set', nic, 'addrgenmode', 'none', 'up')
        sh('ip', '-n', self.client_ns, 'addr', 'add', CLIENT + '/24', 'dev', PEER)
        if self.options.steering == 'own':
            self.receive_on(self.server_ns, NIC, self.server_cpu)
            self.receive_on(self.client_ns, PEER, self.client_cpu)

    @staticmethod
    def receive_on(ns, nic, cpu):
        """The kernel's receive work of an interface happens on this CPU, not on the sender's."""
        sh('ip', 'netns', 'exec', ns, 'sh', '-c',
           f'echo {1 << cpu:x} >/sys/class/net/{nic}/queues/rx-0/rps_cpus')

    def start(self, name):
        """Starts a server on a fresh NIC and waits for its first answer."""
        program, port_type, _ = SERVERS[name]
        tap = port_type == 'tap'
        if not tap:
            self.make_veth(name == 'nginx-tso')
        if program != 'sluiced':
            sh('ip', '-n', self.server_ns, 'addr', 'add', SERVER + '/24', 'dev', NIC)
        command = self.command(name)
        with open(os.path.join(self.folder, 'log'), 'w', encoding='ascii') as log:
            self.process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'TERM'] +
                self.within(self.client_ns if tap else self.server_ns, self.server_cpu) + command,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_answer(tap)
        self.discards = program in ('sluiced', 'epoll') or \
            program not in OURS and self.client(
                sys.executable, http_figures.__file__, 'reach', SERVER) == 'yes\n'

    def within(self, ns, cpu):
        """The prefix of a command that is to run in a namespace on a CPU."""
        return ['ip', 'netns', 'exec', ns, 'taskset', '-c', str(cpu)]

    def write(self, name, template, **values):
        """A configuration file."""
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(template.format(folder=self.folder, root=self.root, address=SERVER,
                                       **values))
        return path

    def command(self, name):
        """Of a server."""
        program, port_type, _ = SERVERS[name]
        if program == 'sluiced':
            idle = 'adaptive' if name == 'sluiced-adaptive' else self.options.idle
            return self.sluiced(port_type, idle)
        if program == 'nginx':
            return self.nginx()
        files = [os.path.join(self.root, file) for file in ('page.bin', 'large.bin')]
        if program == 'epoll':
            program = os.path.join(self.options.build, 'tests/bench/epoll_server')
        return [program, SERVER, *files]

    def nginx(self):
        """Its command."""
        return ['nginx', '-p', self.folder, '-e', os.path.join(self.folder, 'error.log'),
                '-c', self.write('nginx.conf', NGINX_CONF)]

    def sluiced(self, port_type, idle):
        """Its command."""
        # A tap has two ends with one address otherwise; a veth's end has its own.
        mac = f'    mac: {SERVER_MAC}\n' if port_type == 'tap' else ''
        conf = self.write('sluice.yaml', SLUICED_CONF, cpu=self.server_cpu, nic=NIC, mac=mac,
                          idle=idle, port_type=port_type,
                          time_waits=self.time_waits)
        return [os.path.join(self.options.build, 'app/sluiced/sluiced'), '-c', conf]

    def await_answer(self, tap):
        """Until the page comes."""
        end = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < end:
            if tap:
                for words in (('addr', 'replace', CLIENT + '/24', 'dev', NIC),
                              ('link', 'set', NIC, 'up')):
                    subprocess.run(['ip', '-n', self.client_ns, *words], capture_output=True,
                                   check=False)
            if self.client('curl', '-gs', '-o', '/dev/null', '--max-time', '1', '-w',
                           '%{size_download}', self.url('page.bin')) == str(PAGE_BYTES):
                return
            time.sleep(0.1)
        with open(os.path.join(self.folder, 'log'), encoding='utf-8', errors='replace') as log:
            raise RuntimeError('no answer: ' + log.read()[-2000:])

    def stop(self):
        """Ends the server by its id; the NIC goes with it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        subprocess.run(['ip', '-n', self.server_ns, 'link', 'del', NIC], capture_output=True,
                       check=False)

    @staticmethod
    def url(name):
        """Of a file."""
        return f'http://{SERVER}/{name}'

    def client(self, *command, timeout=120):
        """What a client printed, on its CPU in its namespace; if nothing, it had complaints."""
        done = subprocess.run(self.within(self.client_ns, self.client_cpu) + list(command),
                              text=True, capture_output=True, timeout=timeout, check=False)
        self.complaints = done.stderr.strip()
        return done.stdout

    @contextlib.contextmanager
    def client_process(self, *command):
        """A client that is spoken to; told to end, at the latest, by the end of its input."""
        with subprocess.Popen(self.within(self.client_ns, self.client_cpu) + list(command),
                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.stdin.close()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def measure(options, servers, tests):
    """Every server has its turn in every round, and in it every test."""
    lines = []
    with Bed(options) as bed:
        for number in range(options.runs):
            for server in servers:
                print(f'round {number + 1} of {options.runs}: {server}', file=sys.stderr,
                      flush=True)
                try:
                    bed.start(server)
                    for test in tests:
                        values, bad = http_figures.MEASURE[test](bed)
                        lines += [{'server': server, 'figure': figure, 'round': number,
                                   'value': value, 'bad': bad}
                                  for figure, value in values.items() if value is not None]
                except (OSError, RuntimeError, ValueError,
                        subprocess.TimeoutExpired) as error:
                    # One that dies, or talks nonsense, takes no other's figures with it.
                    print(f'{server}: {error}', file=sys.stderr)
                    lines.append({'server': server, 'round': number, 'error': str(error)})
                finally:
                    bed.stop()
    return lines


def compare(lines, servers, tests):
    """One row per figure: the spread of each server, and how many times nginx's each is."""
    rows = []
    for name, figure in http_figures.FIGURES.items():
        if figure.test not in tests:
            continue
        of = {server: [line for line in lines
                       if line.get('figure') == name and line['server'] == server]
              for server in servers}
        spreads = {server: report.spread([line['value'] for line in of[server]])
                   for server in servers}
        rows.append({
            'figure': name, 'what': f'{figure.what}, {figure.unit}', 'servers': spreads,
            'ratio': {server: report.ratio(spreads[server], spreads.get(BASE))
                      for server in servers if server != BASE},
            'bad': {server: sum(line['bad'] for line in of[server]) for server in servers},
        })
    return rows


def cell(row, server):
    """A server's figure. What went wrong is said beside it."""
    text = report.triple(row['servers'][server])
    if row['ratio'].get(server) is not None:
        text += f" ({row['ratio'][server]:.2f}x)"
    return text + (f", {row['bad'][server]} failed" if row['bad'][server] else '')


def table(rows, servers):
    """For people: a line per figure, a column per server."""
    notes = {server: SERVERS[server][2] for server in servers}
    head = [''] + [server + (f' ({notes[server]})' if notes[server] else '') for server in servers]
    return head, [[row['what']] + [cell(row, server) for server in servers] for row in rows]


PLOT = """\
set terminal svg size 900,520 dynamic background rgb 'white'
set title 'Times {base} ({base} = 1; of latencies, memory and CPU less is better)'
set style data histograms
set style fill solid 0.8 border -1
set boxwidth 0.9
set logscale y
set grid y
set xtics rotate by -35
set key top left
plot for [i=2:{last}] '-' using i:xtic(1) title columnheader(i)
"""


def plot(path, rows, servers):
    """Bars of the ratios to the base, as SVG."""
    others = [server for server in servers if server != BASE]
    rows = [row for row in rows if any(row['ratio'].get(server) for server in others)]
    data = ' '.join(['figure', *others]) + '\n' + ''.join(
        ' '.join([row['figure'], *(f"{row['ratio'].get(server) or 1:.4f}" for server in others)])
        + '\n' for row in rows) + 'e\n'
    script = PLOT.format(base=BASE, last=len(others) + 1) + data * len(others)
    drawn = subprocess.run(['gnuplot'], input=script, text=True, stdout=subprocess.PIPE,
                           check=True).stdout
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(line.rstrip() + '\n' for line in drawn.splitlines())


def missing(options, servers, tests):
    """What keeps it from running here; nothing if it can."""
    needed = {'ip', 'ethtool', 'taskset', 'setpriv', 'sysctl', 'curl'}
    needed |= {http_figures.TOOLS[test] for test in tests if test in http_figures.TOOLS}
    needed |= {'nginx'} if any(SERVERS[server][0] == 'nginx' for server in servers) else set()
    needed |= {'gnuplot'} if getattr(options, 'plot', None) else set()
    absent = sorted(tool for tool in needed if shutil.which(tool) is None)
    if absent:
        return 'not installed: ' + ' '.join(absent)
    if os.geteuid() != 0:
        return 'named network namespaces need root'
    if not os.path.exists(os.path.join(options.build, 'app/sluiced/sluiced')):
        return f'no sluiced in {options.build}; build it first'
    return None


def chosen(parser, text, known):
    """Names separated by commas."""
    names = text.split(',')
    for name in names:
        if name not in known:
            parser.error(f'no {name}; there are {" ".join(known)}')
    return names


def more_servers(parser, texts):
    """The names of servers that the caller brings; each gets a row among the known."""
    names = []
    for text in texts:
        name, _, program = text.partition('=')
        if not re.fullmatch(r'[a-z][a-z0-9_-]*', name) or name in SERVERS:
            parser.error(f"--server {text}: NAME=PROGRAM, of a name that is not taken")
        if not os.access(program, os.X_OK):
            parser.error(f"--server {text}: '{program}' cannot be run")
        SERVERS[name] = (os.path.abspath(program), '', '')
        names.append(name)
    return names


def main():
    """Measures and reports."""
    add_stacks(STACKS)
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--servers', metavar='A,B',
                        default='sluiced,nginx,epoll,sluiced-adaptive,sluiced-tap',
                        help='some of ' + ' '.join(SERVERS))
    parser.add_argument('--server', action='append', default=[], metavar='NAME=PROGRAM',
                        help='one more: a program that is given an address and two files,'
                        ' page.bin and large.bin, and serves them over HTTP on port 80; those in'
                        ' tests/bench/stacks have a name already')
    parser.add_argument('--tests', default=','.join(http_figures.tests()), metavar='A,B',
                        help='some of ' + ' '.join(http_figures.tests()))
    parser.add_argument('--seconds', type=int, default=3, help='of wrk and ab each (3)')
    parser.add_argument('--megabytes', type=int, default=512, help='of the download (512)')
    parser.add_argument('--idle', choices=('spin', 'adaptive'), default='spin',
                        help="the idle policy of sluiced's worker (spin)")
    parser.add_argument('--steering', choices=('own', 'sender'), default='own',
                        help='which CPU does the receive work of an end of the veth pair in the'
                        ' kernel: its own (default) or that of the sender')
    parser.add_argument('--plot', metavar='FILE', help='draw the ratios as SVG (gnuplot)')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    servers = chosen(parser, options.servers, SERVERS) + more_servers(parser, options.server)
    tests = chosen(parser, options.tests, http_figures.tests())
    if options.quick:
        options.seconds, options.megabytes = 1, 8
    reason = missing(options, servers, tests)
    if reason:
        print(f'SKIP: {reason}')
        sys.exit(report.SKIP)
    report.end_on_signals()
    report.warn_if_busy()
    with contextlib.suppress(KeyboardInterrupt):
        lines = measure(options, servers, tests)
        rows = compare(lines, servers, tests)
        report.publish(options, {'http': table(rows, servers)}, {'rows': rows, 'lines': lines})
        if options.plot:
            plot(options.plot, rows, servers)
        sys.exit(any('error' in line for line in lines))
    sys.exit(130)


if __name__ == '__main__':
    main()
