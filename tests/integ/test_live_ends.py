# SPDX-License-Identifier: BSD-3-Clause
"""Tunables of how connections begin late, stall and end, changed while real clients are there."""
import contextlib
import os
import shutil
import socket
import struct
import tempfile
import threading
import time
import unittest

import bed
import test_flood
import test_live

FULL, ECHO = 8000, 8001         # forward: to who never answers a SYN, to who echoes
CLIENTS = 50
EARLY_S = 0.3                   # a timer's first deadline is counted from a bit before we look
LATE_S = 3
SMALL_WINDOW = 2304             # the least SO_RCVBUF of Linux
FILE_BYTES = 6000               # more than that window; in its short segments within tcp_wmem
RST_AT_CLOSE = struct.pack("ii", 1, 0)


def echo_server():
    """Linux echoes, in threads that end with the test."""
    server = socket.create_server((bed.LINUX, 0))

    def serve(s):
        with contextlib.suppress(OSError), s:
            while data := s.recv(65536):
                s.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return server


class Ends(test_live.Knobs):
    @classmethod
    def setUpClass(cls):
        # The addresses of Linux come with the appliance's interface; the servers are there before.
        bed.sh("sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1")
        cls.root = tempfile.mkdtemp(prefix="sluice-root-")
        with open(os.path.join(cls.root, "file"), "wb") as f:
            f.write(bytes(FILE_BYTES))
        cls.full, cls.echo = socket.create_server((bed.LINUX, 0), backlog=0), echo_server()
        cls.over = {"services": {"http": {"port": 80, "root": cls.root}}}
        for name, port, server in (("full", FULL, cls.full), ("there", ECHO, cls.echo)):
            cls.over["services"][name] = {"type": "forward", "port": port, "to": "%s:%d" % (
                bed.LINUX, server.getsockname()[1])}
        super().setUpClass()
        # Its accept queue is full: it drops further SYNs.
        cls.held = [socket.socket() for _ in range(2)]
        for s in cls.held:
            s.setblocking(False)
            s.connect_ex(cls.full.getsockname())

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for s in cls.held + [cls.full, cls.echo]:
            s.close()
        shutil.rmtree(cls.root)

    @contextlib.contextmanager
    def unreachable(self):
        """Linux neither sends to the appliance nor hears it."""
        bed.sh("ip", "route", "add", "blackhole", bed.APPLIANCE)
        try:
            yield
        finally:
            bed.sh("ip", "route", "del", "blackhole", bed.APPLIANCE)

    @contextlib.contextmanager
    def all_changed(self, values):
        with contextlib.ExitStack() as stack:
            for name, value in values.items():
                stack.enter_context(self.changed(name, value))
            yield

    @contextlib.contextmanager
    def takes(self, seconds):
        """What is done within is over in about so long, and not before."""
        begin = time.monotonic()
        yield
        self.assertGreater(time.monotonic() - begin, seconds - EARLY_S)
        self.assertLess(time.monotonic() - begin, seconds + LATE_S)

    # --- how they begin ----------------------------------------------------------------------

    def burst(self):
        """Clients whose handshakes end in one burst: those that heard echo of a byte."""
        socks = [socket.socket() for _ in range(CLIENTS)]
        with bed.closing(*socks):
            with bed.stopped(self.app):
                for s in socks:
                    s.setblocking(False)
                    s.connect_ex((bed.APPLIANCE, 7))
            served = 0
            for s in socks:
                s.settimeout(10)
                with contextlib.suppress(ConnectionError):
                    s.sendall(b"x")
                    served += s.recv(1) == b"x"
            return served

    def test_tcp_abort_on_overflow(self):
        """0: who finds the accept queue full gets in with the data it sends later. 1: reset."""
        with self.all_changed({"somaxconn": "1", "tcp_syncookies": "2"}):
            self.grows("TcpExtListenOverflows", lambda: self.assertEqual(self.burst(), CLIENTS))
            with self.changed("tcp_abort_on_overflow", "1"):
                self.grows("TcpExtListenOverflows", lambda: self.assertLess(self.burst(), CLIENTS))

    def test_tcp_synack_retries(self):
        for retries, seconds in ((0, 1), (1, 3)):
            with self.subTest(retries=retries), self.changed("tcp_synack_retries", str(retries)), \
                    socket.socket() as s, contextlib.ExitStack() as stack:
                s.setblocking(False)
                with bed.stopped(self.app):
                    s.connect_ex((bed.APPLIANCE, 7))
                    stack.enter_context(self.unreachable())
                with self.takes(seconds):
                    self.wait(lambda: self.states(s) == ["syn-received"], 1)
                    self.wait(lambda: self.states(s) == [])

    def test_tcp_syn_retries(self):
        """The client of a forward whose target is silent is reset when the open is given up."""
        for retries, linear, seconds in ((0, 0, 1), (1, 0, 3), (0, 1, 2)):
            with self.subTest(retries=retries, linear=linear), self.all_changed(
                    {"tcp_syn_retries": str(retries), "tcp_syn_linear_timeouts": str(linear)}):
                with self.takes(seconds), bed.connect(FULL) as s:
                    self.grows("TcpAttemptFails",
                               lambda: self.assertRaises(ConnectionResetError, s.recv, 1))

    def test_ip_local_port_range(self):
        with self.changed("ip_local_port_range", "5000 5031"), bed.connect(ECHO) as s:
            s.sendall(b"x")
            bed.recv_exact(s, 1)
            rows = self.app.ctl("show", "connections", "--remote",
                                ":%d" % self.echo.getsockname()[1])["connections"]
            self.assertEqual(len(rows), 1, rows)
            self.assertIn(rows[0]["local_port"], range(5000, 5032))

    # --- how they stall ----------------------------------------------------------------------

    def test_tcp_keepalive(self):
        """Both sides of a forward are asked; who answers stays, who does not is given up."""
        with self.all_changed({"tcp_keepalive_time": "1", "tcp_keepalive_intvl": "1"}), \
                bed.connect(ECHO) as s:
            self.grows("TcpExtTCPKeepAlive", lambda: time.sleep(2.5))
            s.sendall(b"x")
            self.assertEqual(bed.recv_exact(s, 1), b"x")
        for idle, interval, probes in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)):
            with self.subTest(idle=idle, interval=interval, probes=probes), self.all_changed(
                    {"tcp_keepalive_time": str(idle), "tcp_keepalive_intvl": str(interval),
                     "tcp_keepalive_probes": str(probes)}), bed.connect(ECHO) as s:
                s.sendall(b"x")
                bed.recv_exact(s, 1)
                with self.takes(idle + interval * probes), self.unreachable():
                    self.grows("TcpExtTCPAbortOnTimeout", lambda: None, 6)

    @contextlib.contextmanager
    def closed_before_a_small_window(self):
        """The service has sent a file and closed; its reader takes nothing of it."""
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
            s.connect((bed.APPLIANCE, 80))
            s.sendall(b"GET /file HTTP/1.0\r\n\r\n")
            self.wait(lambda: self.states(s) == ["fin-wait-1"])
            yield s

    def test_tcp_orphan_retries(self):
        """A window that stays shut holds nobody's connection for so many probes only."""
        with self.closed_before_a_small_window() as stays:
            with self.changed("tcp_orphan_retries", "1"):
                with self.closed_before_a_small_window() as goes:
                    self.wait(lambda: self.states(goes) == [])
            with self.closed_before_a_small_window() as other:
                time.sleep(1)
                self.assertEqual(self.states(other), ["fin-wait-1"])
                self.assertEqual(len(bed.recv_all(other).partition(b"\r\n\r\n")[2]), FILE_BYTES)
            self.assertLessEqual(len(self.states(stays)), 1)

    def test_tcp_mem(self):
        """Who holds much and takes nothing is reset; who is alive goes on, and others get in."""
        with bed.connect(7) as alive, contextlib.ExitStack() as stack:
            # They ask for more and more.
            held = [stack.enter_context(bed.connect(19)) for _ in range(3)]
            pages = self.queue_pages() // 2
            before = self.counter("TcpExtTCPMemoryPressures")
            with self.changed("tcp_mem", "1 2 %d" % pages):
                self.wait(lambda: self.queue_pages() <= pages)
                gone = [s for s in held if self.states(s) == []]
                self.assertIn(len(gone), (1, 2))
                self.assertGreaterEqual(self.counter("TcpExtTCPAbortOnMemory"), len(gone))
                self.assertGreater(self.counter("TcpExtTCPMemoryPressures"), before)
                for s in (alive, stack.enter_context(bed.connect(7))):
                    s.sendall(b"x")
                    self.assertEqual(bed.recv_exact(s, 1), b"x")

    def queue_pages(self):
        """Once the queues are as long as they will be."""
        seen = [0, -1]
        while seen[-1] != seen[-2]:
            seen.append(self.counter("SluiceQueueBytes") // 4096)
            time.sleep(0.2)
        return seen[-1]

    # --- how they end ------------------------------------------------------------------------

    def test_a_client_finishes_its_side_and_reads_on(self):
        with bed.connect(7) as s:
            s.sendall(b"x" * 100000)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(len(bed.recv_all(s)), 100000)
            self.wait(lambda: self.states(s) == [])

    def test_a_client_that_linger_makes_reset(self):
        s = bed.connect(7)
        port = s.getsockname()[1]
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_AT_CLOSE)
        self.grows("TcpEstabResets", s.close)
        self.assertEqual(self.states(port), [])

    def test_a_client_closes_with_data_unread(self):
        s = bed.connect(7)
        port = s.getsockname()[1]
        s.sendall(b"x")
        time.sleep(0.2)
        self.grows("TcpEstabResets", s.close)
        self.assertEqual(self.states(port), [])

    def test_data_after_the_service_closed_is_reset(self):
        with bed.connect(80) as s:
            s.sendall(b"GET /file HTTP/1.0\r\n\r\n")
            bed.recv_all(s)
            self.wait(lambda: self.states(s) == ["fin-wait-2"])
            self.grows("TcpExtTCPAbortOnData", lambda: s.sendall(b"more"))
            self.wait(lambda: self.states(s) == [])

    # --- what comes in pieces ----------------------------------------------------------------

    def drops(self, reason):
        rows = self.app.ctl("show", "drops")["drops"]
        return sum(row["packets"] for row in rows if row["reason"] == reason)

    def first_fragment(self, version):
        """Of an echo request whose rest never comes."""
        body = bytes(64)
        if version == 4:
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x2000, 64, 1, 0,
                             socket.inet_aton(bed.LINUX), socket.inet_aton(bed.APPLIANCE))
            ip = ip[:10] + struct.pack("!H", test_flood.checksum(ip)) + ip[12:]
        else:
            ip = struct.pack("!IHBB16s16sBBHI", 6 << 28, 8 + len(body), 44, 64,
                             socket.inet_pton(socket.AF_INET6, bed.LINUX6),
                             socket.inet_pton(socket.AF_INET6, bed.APPLIANCE6), 58, 0, 1, 1)
        ethernet = bytes.fromhex(bed.TAP_MAC.replace(":", "")) + test_flood.mac(bed.IFACE)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((bed.IFACE, 0))
            raw.send(ethernet + (b"\x08\x00" if version == 4 else b"\x86\xdd") + ip + body)

    def test_ipfrag(self):
        for version, name, over in (
                (4, "ipfrag_time", "IpReasmTimeout"), (6, "ip6frag_time", "Ip6ReasmTimeout")):
            with self.subTest(tunable=name):
                with self.changed(name, "1"), self.takes(1):
                    self.grows(over, lambda: self.first_fragment(version))
                with self.changed("ipfrag_high_thresh", "0"):
                    before = self.drops("frag-limit")
                    self.first_fragment(version)
                    self.wait(lambda: self.drops("frag-limit") == before + 1)
                    self.assertEqual(self.counter("SluiceReasmInUse"), 0)


if __name__ == "__main__":
    bed.main()
