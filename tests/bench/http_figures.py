# SPDX-License-Identifier: BSD-3-Clause
"""What is measured of a server that serves two files: clients, and what they print."""

import collections
import contextlib
import os
import re
import resource
import socket
import struct
import sys
import time

Figure = collections.namedtuple('Figure', 'what unit test')

# In the order of the table. "test" is what yields it.
FIGURES = {
    'rps-1': Figure('requests/s, one connection kept', '1/s', 'requests-1'),
    'p50-1': Figure('its latency, p50', 'us', 'requests-1'),
    'p99-1': Figure('its latency, p99', 'us', 'requests-1'),
    'rps-64': Figure('requests/s, 64 connections kept', '1/s', 'requests-64'),
    'p50-64': Figure('their latency, p50', 'us', 'requests-64'),
    'p99-64': Figure('their latency, p99', 'us', 'requests-64'),
    'rps-1000': Figure('requests/s, 1000 connections kept', '1/s', 'requests-1000'),
    'p50-1000': Figure('their latency, p50', 'us', 'requests-1000'),
    'p99-1000': Figure('their latency, p99', 'us', 'requests-1000'),
    'cps': Figure('connections/s, one request each', '1/s', 'connections'),
    'down': Figure('one download', 'Gb/s', 'download'),
    'up': Figure('one upload', 'Gb/s', 'upload'),
    'memory': Figure('memory of a connection, 19,000 open, both ends', 'B', 'memory'),
    'idle': Figure('CPU with 64 connections and nothing to do', '%', 'idle'),
    'wake-p50': Figure('a request after 20 ms of silence, p50', 'us', 'wake'),
    'wake-p99': Figure('a request after 20 ms of silence, p99', 'us', 'wake'),
}

TOOLS = {'requests-1': 'wrk', 'requests-64': 'wrk', 'requests-1000': 'wrk', 'connections': 'ab',
         'download': 'curl'}
DISCARD_PORT = 9
OPEN_TOGETHER = 19000
IDLE_S = 3
WAKES = 400
SILENCE_S = 0.02
ANSWER_BYTES = 1024  # of the page; its headers come with it, in one segment
UNITS_US = {'us': 1, 'ms': 1000, 's': 1000000}


def tests():
    """The names of the tests, in the order of the table."""
    return list(dict.fromkeys(figure.test for figure in FIGURES.values()))


def found(pattern, text, what):
    """The number that a client printed."""
    match = re.search(pattern, text, re.M)
    if match is None:
        raise RuntimeError(f'{what}: no figure in: {text[-1000:]}')
    return float(match.group(1))


def percentile(text, share):
    """wrk's line of a percentile, in us; None in an output without."""
    match = re.search(rf'^\s+{share}%\s+([\d.]+)(us|ms|s)$', text, re.M)
    return float(match.group(1)) * UNITS_US[match.group(2)] if match else None


def requests(bed, count):
    """wrk: requests/s and latencies, and how many went wrong."""
    text = bed.client('wrk', '-t1', f'-c{count}', '--latency', f'-d{bed.options.seconds}s',
                      bed.url('page.bin'))
    bad = sum(int(number) for number in re.findall(
        r'(?:connect|read|write|timeout|responses:) (\d+)', text))
    return {f'rps-{count}': found(r'^Requests/sec:\s+([\d.]+)', text, 'wrk'),
            f'p50-{count}': percentile(text, 50), f'p99-{count}': percentile(text, 99)}, bad


def connections(bed):
    """ab: connections/s, and how many went wrong."""
    # -t sets -n too, so -n comes after it.
    text = bed.client('ab', '-q', '-r', '-t', str(bed.options.seconds), '-n', '10000000',
                      '-c', '64', bed.url('page.bin'))
    bad = sum(int(count) for count in re.findall(
        r'^(?:Failed requests|Non-2xx responses):\s+(\d+)', text, re.M))
    return {'cps': found(r'^Requests per second:\s+([\d.]+)', text, 'ab')}, bad


def download(bed):
    """curl: Gb/s, and 1 if it was not whole."""
    text = bed.client('curl', '-gs', '-o', '/dev/null', '--max-time', '60', '-w',
                      '%{size_download} %{speed_download}', bed.url('large.bin'))
    size, speed = text.split()
    return {'down': float(speed) * 8 / 1e9}, int(int(size) != bed.options.megabytes << 20)


def upload(bed):
    """To the port that discards: Gb/s until the server has closed behind the last byte."""
    if not bed.discards:
        return {}, 0
    text = bed.client(sys.executable, __file__, 'upload', bed.address,
                      os.path.join(bed.root, 'large.bin'))
    return {'up': found(r'^([\d.]+)$', text, 'upload')}, 0


def memory(bed):
    """For each open connection: the kernel's objects of both ends, and the server's own memory."""
    count = 100 if bed.options.quick else OPEN_TOGETHER
    with bed.client_process(sys.executable, __file__, 'hold', bed.address, str(count)) as client:
        before = taken(bed.process.pid)
        client.stdin.write('go\n')
        client.stdin.flush()
        if client.stdout.readline() != 'open\n':
            raise RuntimeError('the connections could not be opened')
        return {'memory': (taken(bed.process.pid) - before) / count}, 0


def idle(bed):
    """The share of a CPU that the server takes while 64 connections ask for nothing."""
    with bed.client_process(sys.executable, __file__, 'hold', bed.address, '64') as client:
        client.stdin.write('go\n')
        client.stdin.flush()
        client.stdout.readline()
        time.sleep(0.5)
        used, began = cpu_seconds(bed.process.pid), time.monotonic()
        time.sleep(IDLE_S)
        used = cpu_seconds(bed.process.pid) - used
        return {'idle': 100 * used / (time.monotonic() - began)}, 0


def wake(bed):
    """How long an answer takes that the server has to be woken for."""
    text = bed.client(sys.executable, __file__, 'wake', bed.address,
                      '20' if bed.options.quick else str(WAKES))
    return {f'wake-{name}': found(rf'^{name} ([\d.]+)$', text, 'wake')
            for name in ('p50', 'p99')}, 0


def family(pid):
    """The ids of a process and its children."""
    for name in filter(str.isdecimal, os.listdir('/proc')):
        with contextlib.suppress(OSError), \
                open(f'/proc/{name}/stat', encoding='latin-1') as file:
            if int(name) == pid or int(file.read().rpartition(')')[2].split()[1]) == pid:
                yield name


def taken(pid):
    """Bytes that the kernel's objects and a server's processes take."""
    with open('/proc/meminfo', encoding='ascii') as file:
        total = found(r'^SUnreclaim:\s+(\d+)', file.read(), 'meminfo')
    for name in family(pid):
        with open(f'/proc/{name}/status', encoding='latin-1') as file:
            total += found(r'^VmRSS:\s+(\d+)', file.read(), 'status')
    return 1024 * int(total)


def cpu_seconds(pid):
    """Of a process and its children."""
    ticks = 0
    for name in family(pid):
        with open(f'/proc/{name}/stat', encoding='latin-1') as file:
            ticks += sum(int(field) for field in file.read().rpartition(')')[2].split()[11:13])
    return ticks / os.sysconf('SC_CLK_TCK')


MEASURE = {
    'requests-1': lambda bed: requests(bed, 1),
    'requests-64': lambda bed: requests(bed, 64),
    'requests-1000': lambda bed: requests(bed, 1000),
    'connections': connections,
    'download': download,
    'upload': upload,
    'memory': memory,
    'idle': idle,
    'wake': wake,
}


# The clients of this file, run on their CPU in their namespace -------------------------------

def send_file(address, path):
    """Prints the Gb/s of a file sent to the port that discards."""
    with socket.create_connection((address, DISCARD_PORT), 10) as conn, open(path, 'rb') as file:
        conn.settimeout(60)
        began = time.monotonic()
        size = conn.sendfile(file)
        conn.shutdown(socket.SHUT_WR)
        if conn.recv(1) != b'':
            sys.exit('discard answered')
        print(f'{size * 8 / 1e9 / (time.monotonic() - began):.4f}')


def hold(address, count):
    """Opens connections when told to, and keeps them until told again."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.stdin.readline()
    kept = [socket.create_connection((address, 80), 10) for _ in range(count)]
    print('open', flush=True)
    sys.stdin.readline()
    # Reset, not closed: 19,000 TIME-WAITs of the client would make its next connections wait, for
    # it would have to look for a free port for milliseconds.
    for conn in kept:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        conn.close()


def ask_after_silence(address, count):
    """Prints percentiles of the time from a request to its answer; the client itself does not sleep
    meanwhile, so only the server has to be woken."""
    took = []
    with socket.create_connection((address, 80), 10) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.setblocking(False)
        for _ in range(count):
            time.sleep(SILENCE_S)
            began = time.perf_counter()
            conn.send(b'GET /page.bin HTTP/1.1\r\nHost: bench\r\n\r\n')
            size = 0
            while size < ANSWER_BYTES:
                with contextlib.suppress(BlockingIOError):
                    size += len(conn.recv(65536)) or sys.exit('closed')
            took.append((time.perf_counter() - began) * 1e6)
    took.sort()
    print(f'p50 {took[len(took) // 2]:.1f}\np99 {took[len(took) * 99 // 100]:.1f}')


def reach(address):
    """Whether something discards there."""
    try:
        socket.create_connection((address, DISCARD_PORT), 2).close()
        print('yes')
    except OSError:
        print('no')


if __name__ == '__main__':
    {'upload': lambda: send_file(sys.argv[2], sys.argv[3]),
     'reach': lambda: reach(sys.argv[2]),
     'hold': lambda: hold(sys.argv[2], int(sys.argv[3])),
     'wake': lambda: ask_after_silence(sys.argv[2], int(sys.argv[3]))}[sys.argv[1]]()
