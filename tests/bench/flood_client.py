#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Legitimate clients beside a flood: they connect, fetch a page, and hold paced downloads."""

import argparse
import errno
import json
import selectors
import socket
import time

PAUSE_S = 0.05          # of a client between two connections
TIMEOUT_S = 4.0         # a connection that takes longer has failed: no time is given for it
HELD_BLOCK = 32768      # bytes a held download takes at a time
HELD_INTERVAL_S = 0.02  # between two blocks: 13 Mb/s each


class Client:
    """One that connects, asks, reads to the end, and comes again."""

    def __init__(self, world):
        self.world = world
        self.sock = None
        self.due = 0.0

    def begin(self, now):
        """A new connection."""
        self.started = now
        self.due = now + TIMEOUT_S
        self.connected = False
        self.got = 0
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if self.sock.connect_ex(self.world.address) not in (0, errno.EINPROGRESS):
            self.end(now, False)
            return
        self.world.selector.register(self.sock, selectors.EVENT_WRITE, self)

    def end(self, now, ok):
        """It is over, one way or the other."""
        if self.sock is not None:
            try:
                self.world.selector.unregister(self.sock)
            except KeyError:
                pass
            self.sock.close()
            self.sock = None
        if not self.connected:
            self.world.connects.append(None)
        self.world.fetched += ok
        self.world.failed += not ok
        self.due = now + PAUSE_S

    def ready(self, now):
        """The socket can go on."""
        try:
            if not self.connected:
                error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, 'connect')
                self.connected = True
                self.world.connects.append(now - self.started)
                self.sock.send(b'GET /page.bin HTTP/1.0\r\n\r\n')
                self.world.selector.modify(self.sock, selectors.EVENT_READ, self)
                return
            data = self.sock.recv(65536)
            self.got += len(data)
            if not data:
                self.end(now, self.got > self.world.page)
        except BlockingIOError:
            pass
        except OSError:
            self.end(now, False)

    def tick(self, now):
        """Its time has come: to give up, or to begin again."""
        if now < self.due:
            return
        if self.sock is not None:
            self.end(now, False)
        elif not self.world.over:
            self.begin(now)


class Held:
    """A download that takes a block now and then, as somebody watching a film does."""

    def __init__(self, world):
        self.got = 0
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * HELD_BLOCK)
        self.sock.setblocking(False)
        self.sock.connect_ex(world.address)
        self.asked = False
        self.due = time.monotonic()

    def tick(self, now):
        """Take what was due by now; before the connection is there, nothing."""
        while now >= self.due:
            self.due += HELD_INTERVAL_S
            try:
                if not self.asked:
                    self.sock.send(b'GET /large.bin HTTP/1.0\r\n\r\n')
                    self.asked = True
                self.got += len(self.sock.recv(HELD_BLOCK))
            except OSError:
                pass


class World:
    """What they share: where they go, and how they fared."""

    def __init__(self, options):
        self.address = (options.address, options.port)
        self.page = options.page
        self.selector = selectors.DefaultSelector()
        self.connects = []
        self.fetched = self.failed = 0
        self.over = False
        self.held = [Held(self) for _ in range(options.held)]
        self.clients = [Client(self) for _ in range(options.clients)]

    def step(self, actors):
        """Whatever is due, and whatever comes within 5 ms."""
        now = time.monotonic()
        for actor in actors:
            actor.tick(now)
        for key, _ in self.selector.select(0.005):
            key.data.ready(time.monotonic())

    def run(self, seconds):
        """All of them, for so long; then whoever is on the way arrives, or is late."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step(self.held + self.clients)
        self.over = True
        while any(client.sock is not None for client in self.clients):
            self.step(self.clients)


def fared(connect_ms):
    """How long connections took to be there, of all that were tried; None: too long."""
    there = sorted(ms for ms in connect_ms if ms is not None)

    def within(limit_ms):
        return sum(ms <= limit_ms for ms in there) / len(connect_ms) if connect_ms else 0.0
    return {'connects': len(connect_ms), 'within_1s': within(1000), 'within_4s': within(4000),
            'p50_ms': there[len(there) // 2] if there else None,
            'p99_ms': there[len(there) * 99 // 100] if there else None}


def main():
    """Runs them and prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('address')
    parser.add_argument('--port', type=int, default=80)
    parser.add_argument('--page', type=int, default=1024, help='bytes of page.bin')
    parser.add_argument('--clients', type=int, default=20)
    parser.add_argument('--held', type=int, default=4)
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--times', action='store_true', help='of every connection, too')
    options = parser.parse_args()
    world = World(options)
    world.run(options.seconds)
    connect_ms = [t and round(t * 1000, 3) for t in world.connects]
    print(json.dumps({
        **fared(connect_ms), **({'connect_ms': connect_ms} if options.times else {}),
        'fetched': world.fetched, 'failed': world.failed,
        'held_bytes': sum(h.got for h in world.held),
    }))


if __name__ == '__main__':
    main()
