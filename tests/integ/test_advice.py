# SPDX-License-Identifier: BSD-3-Clause
"""Trouble of many kinds, made on a running daemon: what diagnose says, and that it helps."""
import contextlib
import ctypes
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import bed
import test_bad_input
import test_live
import test_live_ends

ECHO, HOLD, SMALL = 8001, 8002, 8007    # forward: to who echoes, to who never closes; echo for one
FILE_BYTES = 6000       # more than the least window of Linux; in short segments within tcp_wmem
SMALL_WINDOW = 2304
TCP_REPAIR, TCP_REPAIR_OFF, TCP_TIMESTAMP = 19, -1, 24     # linux/tcp.h
DAY_MS = 86400000
FINDS, WARNS, QUIET = 1, 6, 0           # exit codes of diagnose


def diagnose(app, seconds):
    """Its exit code, and what it found."""
    done = subprocess.run([bed.program("sluicectl"), "--socket", app.control, "--json",
                           "diagnose", "--seconds", str(seconds)],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, json.loads(done.stdout)["findings"]


@contextlib.contextmanager
def repeating(what, pause_s=0.02):
    """Goes on meanwhile; what fails is tried again."""
    done = threading.Event()

    def loop():
        while not done.wait(pause_s):
            with contextlib.suppress(OSError):
                what()
    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Advice(test_live.Knobs):
    """Each test makes one kind of trouble; when it is over nothing is found any more."""

    @classmethod
    def setUpClass(cls):
        bed.sh("sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1")
        cls.root = tempfile.mkdtemp(prefix="sluice-root-")
        with open(os.path.join(cls.root, "file"), "wb") as f:
            f.write(bytes(FILE_BYTES))
        cls.echo = test_live_ends.echo_server()
        # Linux finishes the handshakes; nobody accepts, so nobody closes.
        cls.hold = socket.create_server((bed.LINUX, 0), backlog=1024)
        cls.over = {"services": {"http": {"port": 80, "root": cls.root},
                                 "small": {"type": "echo", "port": SMALL, "max_conns": 1}}}
        for name, port, server in (("there", ECHO, cls.echo), ("holds", HOLD, cls.hold)):
            cls.over["services"][name] = {"type": "forward", "port": port, "to": "%s:%d" % (
                bed.LINUX, server.getsockname()[1])}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.echo.close()
        cls.hold.close()
        shutil.rmtree(cls.root)

    def tearDown(self):
        with self.changed("tcp_timewait_len", "1"), self.changed("tcp_fin_timeout", "1"):
            self.wait(lambda: self.counter("SluiceTimeWaits") == 0, 10)
        end = time.monotonic() + 10
        while (found := self.ask()) != (QUIET, []):
            self.assertLess(time.monotonic(), end, found)

    def ask(self, seconds=1):
        return diagnose(self.app, seconds)

    def is_told(self, rule, code, what, fix, seconds=1):
        """This is found, and nothing else."""
        got, rows = self.ask(seconds)
        self.assertEqual([row["rule"] for row in rows], [rule], rows)
        self.assertEqual(got, code, rows)
        self.assertIn(what, rows[0]["what"])
        self.assertIn(fix, rows[0]["fix"])

    @contextlib.contextmanager
    def many(self, count, port, first=b""):
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(bed.connect(port)) for _ in range(count)]
            for s in socks:
                s.sendall(first)
            yield socks

    # --- opening -----------------------------------------------------------------------------

    def test_a_source_with_all_it_may_have(self):
        with bed.connect(7), self.changed("tcp_source_conns", "1"), \
                repeating(lambda: bed.connect(7, timeout=0.1).close()):
            self.is_told("source-limits", WARNS, "source prefix has all it may have",
                         "sluicectl set tcp_source_conns 2")

    def test_a_service_that_is_full(self):
        with repeating(lambda: bed.connect(SMALL).close()):
            self.is_told("service-full", WARNS, "all the connections it may have", "max_conns")

    def test_local_ports_that_run_out(self):
        def once():
            with bed.connect(ECHO, timeout=1) as s:
                s.sendall(b"x")
                s.recv(1)
        with self.changed("ip_local_port_range", "5000 5009"), repeating(once):
            self.wait(lambda: self.counter("SluiceLocalPortsFull") > 0, 10)
            self.is_told("local-ports", FINDS, "find no local port",
                         "sluicectl set ip_local_port_range 1024 65535")
            # Do as it says.
            self.app.ctl("set", "ip_local_port_range", "1024 65535")
            self.assertEqual(self.ask(), (QUIET, []))

    # --- closing -----------------------------------------------------------------------------

    def finished(self):
        """A connection that the appliance has closed and we have not."""
        s = bed.connect(80)
        s.sendall(test_live.GET)
        bed.recv_all(s)
        return s

    def test_time_waits_near_their_cap(self):
        with self.changed("tcp_max_tw_buckets", "10"):
            for _ in range(9):
                self.finished().close()
            self.wait(lambda: self.counter("SluiceTimeWaits") == 9)
            self.is_told("time-wait", WARNS, "9 of at most 10", "tcp_max_tw_buckets 20")
            with repeating(lambda: self.finished().close()):
                self.wait(lambda: self.counter("TcpExtTCPTimeWaitOverflow") > 0)
                self.is_told("time-wait", FINDS, "skip TIME-WAIT", "tcp_timewait_len")
                # Do as it says.
                self.app.ctl("set", "tcp_max_tw_buckets", "10000")
                self.assertEqual(self.ask(), (QUIET, []))

    def test_orphans_near_their_limit(self):
        with self.changed("tcp_max_orphans", "10"):
            socks = [self.finished() for _ in range(9)]
            with bed.closing(*socks):
                self.is_told("orphans", WARNS, "9 of at most 10", "set tcp_fin_timeout 15")
                with self.changed("tcp_max_orphans", "20"):
                    self.assertEqual(self.ask(), (QUIET, []))

    def test_a_service_that_does_not_close(self):
        with self.many(100, HOLD) as socks:
            for s in socks:
                s.shutdown(socket.SHUT_WR)
            self.wait(lambda: self.states(socks[-1]) == ["close-wait"])
            self.is_told("close-wait", FINDS, "100 connections are in CLOSE-WAIT",
                         "the service has to close")
            rows = self.app.ctl("show", "connections", "--state", "close-wait")["connections"]
            self.assertEqual({row["local_port"] for row in rows}, {HOLD})
            # The target's kernel ends what nobody has accepted.
            while self.hold.accept()[0].close() is None and self.states(socks[-1]) != []:
                pass

    def test_windows_that_stay_closed(self):
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                s = stack.enter_context(socket.socket())
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
                s.connect((bed.APPLIANCE, 80))
                s.sendall(b"GET /file HTTP/1.0\r\n\r\n")
            self.wait(lambda: self.states(s) == ["fin-wait-1"])
            self.is_told("fin-wait-1", WARNS, "50 connections are held in FIN-WAIT-1",
                         "sluicectl set tcp_orphan_retries 3")
            # Do as it says, a bit faster.
            with self.changed("tcp_orphan_retries", "1"):
                self.wait(lambda: self.states(s) == [], 10)

    # --- data --------------------------------------------------------------------------------

    def test_a_path_that_loses_everything(self):
        with self.many(100, 7) as socks:
            with bed.stopped(self.app):
                for s in socks:
                    s.sendall(b"x")
                bed.sh("ip", "route", "add", "blackhole", bed.APPLIANCE)
            try:
                self.is_told("retransmissions", FINDS, "sent", "look at the path", 2)
            finally:
                bed.sh("ip", "route", "del", "blackhole", bed.APPLIANCE)
            for s in socks:
                self.assertEqual(bed.recv_exact(s, 1), b"x")

    def test_clocks_that_go_backwards(self):
        """As behind a NAT that puts several hosts behind one address."""
        def speak(s):
            s.sendall(b"x")
        with self.many(5, 7, b"x") as socks:
            for s in socks:
                bed.recv_exact(s, 1)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                except PermissionError:
                    self.skipTest("no right to turn a socket's clock back")
                now = s.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP)
                # Of 32 bits, and signed: a mask of 31 would set it forward half of the time.
                s.setsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP,
                             ctypes.c_int32(now - DAY_MS).value)
                s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF)
            with repeating(lambda: [speak(s) for s in socks], 0.2):
                self.is_told("paws", WARNS, "share an address behind a NAT", "timestamps")

    def test_segments_with_wrong_checksums(self):
        frame = test_bad_input.eth(test_bad_input.ip4(test_bad_input.tcp(wrong=1)))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((bed.IFACE, 0))
            with repeating(lambda: raw.send(frame)):
                self.is_told("checksums", FINDS, "wrong checksum", "checksum_offload")

    # --- memory ------------------------------------------------------------------------------

    def test_queues_that_hold_all_that_tcp_mem_allows(self):
        """New connections are refused, and counted; those that are there go on."""
        def read_on(s):
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.recv(65536)
        with self.many(8, 19) as socks, bed.connect(7) as alive, \
                self.changed("tcp_mem", "1 1 1"), \
                repeating(lambda: [read_on(s) for s in socks], 0.005), \
                repeating(lambda: bed.connect(7, timeout=0.2).close()):
            self.wait(lambda: self.counter("SluiceConnMemRefused") > 0, 10)
            self.is_told("memory-pressure", FINDS, "is refused", "sluicectl set tcp_mem 2 2 2")
            self.assertGreater(self.refused(), 0)
            alive.sendall(b"x")
            self.assertEqual(bed.recv_exact(alive, 1), b"x")
        bed.connect(7).close()

    def refused(self):
        rows = self.app.ctl("show", "drops", "--all")["drops"]
        return next(row["packets"] for row in rows if row["reason"] == "mem-limit")


class Short(unittest.TestCase):
    """Appliances that are too small for what comes."""

    def is_told(self, app, rule, what, fix):
        """Sooner or later: this is no matter of one event."""
        for _ in range(8):
            rows = {row["rule"]: row for row in diagnose(app, 1)[1]}
            if rule in rows:
                self.assertIn(what, rows[rule]["what"])
                self.assertIn(fix, rows[rule]["fix"])
                return
        self.fail("only %r" % rows)

    def test_no_connection_is_free(self):
        with bed.Appliance(memory={"connections": 2}) as app, bed.connect(7), bed.connect(7), \
                repeating(lambda: bed.connect(7, timeout=0.2).close()):
            self.is_told(app, "memory", "all 2 are in use", "memory.connections: 4 in")

    def test_one_worker_does_all_the_work(self):
        """A port with one queue, and a connection that cannot be spread."""
        with bed.Appliance(workers=2) as app, bed.connect(19) as s, \
                repeating(lambda: s.recv(1 << 20), 0):
            self.is_told(app, "core-balance", "is busy", "a few heavy connections cannot be spread")


if __name__ == "__main__":
    bed.main()
