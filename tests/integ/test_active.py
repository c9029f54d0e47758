# SPDX-License-Identifier: BSD-3-Clause
"""Connections that the appliance opens: the forward service in front of Linux servers."""
import hashlib
import os
import socket
import struct
import threading
import time
import unittest

import bed

MIB = 1 << 20
SILENT = "10.99.0.77"   # nobody has it
SYN_RETRIES = 1         # SYNs after 0 s and 1 s, given up after 3 s
GIVEN_UP_S = 8


def reset_at_close(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Server:
    """A listener on Linux; each connection is given to serve() in a thread of its own."""

    def __init__(self, serve, address=bed.LINUX, backlog=128):
        self.serve = serve
        self.address = address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.create_server((address, 0), family=family, backlog=backlog)
        self.port = self.sock.getsockname()[1]
        self.errors = []
        if serve is not None:
            threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        try:
            with s:
                self.serve(s)
        except OSError as e:
            self.errors.append(e)

    def target(self):
        return ("'[%s]:%d'" if ":" in self.address else "%s:%d") % (self.address, self.port)


def serve_echo(s):
    while True:
        b = s.recv(MIB)
        if not b:
            return
        s.sendall(b)


def serve_digest(s):
    """Answers only after the client has finished."""
    s.sendall(hashlib.sha256(bed.recv_all(s)).digest())


def serve_hello(s):
    """Finishes first, then listens."""
    s.sendall(b"hello")
    s.shutdown(socket.SHUT_WR)
    got = bed.recv_all(s)
    if got != b"and goodbye":
        raise OSError("got %r" % got)


def serve_reset(s):
    s.recv(100)
    reset_at_close(s)


def exchange(port, data):
    """Send data while reading; returns what came back until the end."""
    s = bed.connect(port, timeout=60)
    with bed.closing(s):
        def send():
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        t = threading.Thread(target=send)
        t.start()
        got = bed.recv_all(s)
        t.join()
    return got


class Active(unittest.TestCase):
    workers = 1

    @classmethod
    def setUpClass(cls):
        # The addresses of the Linux side come with the appliance's interface; servers may be first.
        bed.sh("sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1", "net.ipv6.ip_nonlocal_bind=1")
        cls.slow_go = threading.Event()
        cls.held = []
        cls.servers = {
            "echo": Server(serve_echo),
            "echo6": Server(serve_echo, bed.LINUX6),
            "digest": Server(serve_digest),
            "hello": Server(serve_hello),
            "reset": Server(serve_reset),
            "slow": Server(lambda s: cls.slow_go.wait(60) and serve_digest(s)),
            "full": Server(None, backlog=0),
        }
        cls.targets = {name: s.target() for name, s in cls.servers.items()}
        cls.targets["refused"] = bed.LINUX + ":1"
        cls.targets["silent"] = SILENT + ":80"
        cls.port = {name: 8000 + i for i, name in enumerate(cls.targets)}
        cls.app = bed.Appliance(
            workers=cls.workers, tunables={"tcp_syn_retries": SYN_RETRIES},
            services={"to-" + name: {"type": "forward", "port": cls.port[name], "to": to}
                      for name, to in cls.targets.items()}).start()
        for _ in range(2):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((bed.LINUX, cls.servers["full"].port))
            cls.held.append(s)

    @classmethod
    def tearDownClass(cls):
        for s in cls.held:
            s.close()
        for s in cls.servers.values():
            s.sock.close()
        cls.app.stop()

    def test_sixteen_mebibytes_both_ways_are_exact(self):
        data = os.urandom(16 * MIB)
        self.assertEqual(hashlib.sha256(exchange(self.port["echo"], data)).digest(),
                         hashlib.sha256(data).digest())

    def test_a_client_of_one_version_reaches_a_target_of_the_other(self):
        data = os.urandom(MIB)
        self.assertEqual(exchange(self.port["echo6"], data), data)

    def test_half_close_by_the_client_is_passed_on(self):
        data = os.urandom(100000)
        self.assertEqual(exchange(self.port["digest"], data), hashlib.sha256(data).digest())
        self.assertEqual(exchange(self.port["digest"], b""), hashlib.sha256(b"").digest())

    def test_half_close_by_the_target_is_passed_on(self):
        s = bed.connect(self.port["hello"])
        with bed.closing(s):
            self.assertEqual(bed.recv_all(s), b"hello")
            s.sendall(b"and ")
            time.sleep(0.1)
            s.sendall(b"goodbye")
        time.sleep(0.3)
        self.assertEqual(self.servers["hello"].errors, [])

    def test_a_target_that_does_not_read_holds_the_client_back(self):
        s = bed.connect(self.port["slow"], timeout=60)
        data = os.urandom(32 * MIB)
        sent = 0
        with bed.closing(s):
            s.setblocking(False)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                try:
                    sent += s.send(data[sent:sent + 65536])
                except BlockingIOError:
                    time.sleep(0.01)
            self.assertLess(sent, len(data))
            # Meanwhile the others are served.
            self.assertEqual(exchange(self.port["echo"], b"not held"), b"not held")
            self.slow_go.set()
            s.setblocking(True)
            s.sendall(data[sent:])
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(bed.recv_all(s), hashlib.sha256(data).digest())

    def test_many_small_pieces_are_exact(self):
        s = bed.connect(self.port["echo"])
        data = os.urandom(20000)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with bed.closing(s):
            for b in data:
                s.send(bytes([b]))
            self.assertEqual(bed.recv_exact(s, len(data)), data)

    def test_a_reset_by_the_client_reaches_the_target(self):
        errors = self.servers["echo"].errors
        before = len(errors)
        s = bed.connect(self.port["echo"])
        s.sendall(b"x")
        self.assertEqual(bed.recv_exact(s, 1), b"x")
        reset_at_close(s)
        end = time.monotonic() + 5
        while len(errors) == before and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual([type(e) for e in errors[before:]], [ConnectionResetError],
                         (self.app.ctl("show", "connections"), self.app.ctl("show", "drops")))

    def fails(self, name, seconds):
        """The client is reset, as early as in its connect(); returns after how long."""
        start = time.monotonic()
        with self.assertRaises(ConnectionResetError):
            s = bed.connect(self.port[name])
            with bed.closing(s):
                s.sendall(b"?")
                s.recv(1)
        self.assertLess(time.monotonic() - start, seconds)
        return time.monotonic() - start

    def test_a_reset_by_the_target_reaches_the_client(self):
        self.fails("reset", 2)

    def test_a_target_that_refuses_is_an_error_at_once(self):
        self.fails("refused", 2)

    def test_a_target_that_nobody_is_ends_in_bounded_time(self):
        self.fails("silent", GIVEN_UP_S)

    def test_a_target_that_drops_syns_ends_in_bounded_time(self):
        self.assertGreater(self.fails("full", GIVEN_UP_S), 1)

    def test_many_connections_in_a_row_and_at_once(self):
        """Replies that landed on another worker than the opening one would find nobody."""
        def some(n):
            for i in range(n):
                data = b"connection %d" % i
                self.assertEqual(exchange(self.port["echo"], data), data)
                done.append(i)

        done = []
        threads = [threading.Thread(target=some, args=(50,)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(done), 400)
        cores = self.app.ctl("show", "cores")["cores"]
        self.assertEqual(len(cores), self.workers)
        self.assertTrue(all(c["tx_packets"] > 0 for c in cores), cores)


class ActiveTwoWorkers(Active):
    workers = 2


if __name__ == "__main__":
    bed.main()
