#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Linux clients behind the relay: downloads, uploads, and small responses on kept connections."""

import argparse
import errno
import heapq
import json
import random
import select
import selectors
import socket
import struct
import time

DISCARD_PORT = 9
HTTP_PORT = 80
BLOCK = 1 << 18
CONNECT_S = 10
BYTES_ACKED_AT = 120    # tcpi_bytes_acked in struct tcp_info
INFO_BYTES = 128


def begin(options, port):
    """A connection on its way, with our congestion control."""
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, options.congestion.encode())
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    sock.connect_ex((options.address, port))
    return sock


def connect(options, port):
    """All connections, once all are there."""
    socks = [begin(options, port) for _ in range(options.connections)]
    for sock in socks:
        select.select([], [sock], [], CONNECT_S)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, 'connect')
        sock.getpeername()
    return socks


def request(name):
    """Small enough for a segment."""
    return f'GET /{name} HTTP/1.1\r\nHost: relay\r\n\r\n'.encode()


def ready(socks, event, seconds):
    """The sockets that can go on, until the time is over."""
    selector = selectors.DefaultSelector()
    for sock in socks:
        selector.register(sock, event)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            yield key.fileobj


def download(options):
    """Bytes that came in the time, all connections together."""
    socks = connect(options, HTTP_PORT)
    for sock in socks:
        sock.send(request('large.bin'))
    room, got = bytearray(BLOCK), 0
    for sock in ready(socks, selectors.EVENT_READ, options.seconds):
        try:
            count = sock.recv_into(room)
        except BlockingIOError:
            continue
        if count == 0:
            raise RuntimeError('a download was too short')
        got += count
    return {'bytes': got, 'seconds': options.seconds}


def bytes_acked(sock):
    """What the peer has acknowledged."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
    return struct.unpack_from('=Q', info, BYTES_ACKED_AT)[0]


def upload(options):
    """Bytes that were acknowledged in the time."""
    socks = connect(options, DISCARD_PORT)
    data = bytes(BLOCK)
    for sock in ready(socks, selectors.EVENT_WRITE, options.seconds):
        try:
            sock.send(data)
        except BlockingIOError:
            continue
    return {'bytes': sum(map(bytes_acked, socks)), 'seconds': options.seconds}


class Asking:
    """A connection that asks now and then, and never before it is answered."""

    def __init__(self, options, number, sock):
        self.number, self.sock = number, sock
        self.random = random.Random(number)
        self.mean = options.connections / options.rate
        self.due = time.monotonic() + self.random.uniform(0, self.mean)
        self.left = 0

    def ask(self, now):
        """The next one is due at random, but the same for both servers."""
        self.sock.send(request('response.bin'))
        self.began, self.left = now, None
        self.due += self.random.expovariate(1 / self.mean)

    def hear(self, room):
        """Some of the answer; the time it took if that was all of it."""
        count = self.sock.recv_into(room)
        if count == 0:
            raise OSError(errno.ECONNRESET, 'the server closed')
        if self.left is None:
            # The head comes in the first segment, whole.
            head, _, rest = bytes(room[:count]).partition(b'\r\n\r\n')
            length = next(line.split(b':')[1] for line in head.lower().split(b'\r\n')
                          if line.startswith(b'content-length'))
            self.left, count = int(length), len(rest)
        self.left -= count
        return time.monotonic() - self.began if self.left == 0 else None


def responses(options):
    """How long each response took, from asking to its last byte, in seconds."""
    all_of = [Asking(options, number, sock)
              for number, sock in enumerate(connect(options, HTTP_PORT))]
    selector, room, took = selectors.DefaultSelector(), bytearray(BLOCK), []
    for one in all_of:
        selector.register(one.sock, selectors.EVENT_READ, one)
    waiting = [(one.due, number) for number, one in enumerate(all_of)]
    heapq.heapify(waiting)
    end = time.monotonic() + options.seconds
    last = end + CONNECT_S
    while (now := time.monotonic()) < last and (now < end or
                                                 len(waiting) < options.connections):
        while waiting and waiting[0][0] <= now < end:
            all_of[heapq.heappop(waiting)[1]].ask(now)
        wake = waiting[0][0] if waiting and now < end else last
        for key, _ in selector.select(max(0, min(wake, last) - now)):
            one = key.data
            time_taken = one.hear(room)
            if time_taken is not None:
                took.append(time_taken)
                heapq.heappush(waiting, (max(one.due, now), one.number))
    if len(waiting) < options.connections:
        raise RuntimeError('a response never came')
    took.sort()
    parts = {'p50': 500, 'p98': 980, 'p99': 990, 'p995': 995}
    return {'responses': len(took), 'max_ms': took[-1] * 1000,
            **{f'{name}_ms': took[len(took) * part // 1000] * 1000 for name, part in parts.items()}}


TESTS = {'download': download, 'upload': upload, 'response': responses}


def main():
    """Runs one test and prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('test', choices=TESTS)
    parser.add_argument('address')
    parser.add_argument('--connections', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--rate', type=float, default=300, help='responses a second, of all')
    parser.add_argument('--congestion', default='cubic')
    options = parser.parse_args()
    print(json.dumps(TESTS[options.test](options)))


if __name__ == '__main__':
    main()
