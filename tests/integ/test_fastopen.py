# SPDX-License-Identifier: BSD-3-Clause
"""TCP Fast Open (RFC 7413) between the appliance and Linux, in both directions and IP versions."""
import socket
import struct
import threading
import unittest

import bed

TCP_FASTOPEN = 23
TCP_FASTOPEN_CONNECT = 30
MSG_FASTOPEN = 0x20000000
KEY = "00112233-44556677-8899aabb-ccddeeff"
OTHER_KEY = "1-2-3-4"
BOTH = ((socket.AF_INET, bed.APPLIANCE, bed.LINUX), (socket.AF_INET6, bed.APPLIANCE6, bed.LINUX6))
FORWARD_PORT = 8000


def sysctl(name, value):
    with open("/proc/sys/net/ipv4/" + name, "w") as f:
        f.write(str(value))


def nstat(name):
    """A TcpExt counter of this namespace."""
    with open("/proc/net/netstat") as f:
        lines = [line.split() for line in f if line.startswith("TcpExt:")]
    return int(dict(zip(*lines))[name])


def patient(family=socket.AF_INET):
    """A socket that waits, but not for ever; settimeout() would make it one that does not wait."""
    s = socket.socket(family)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        s.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 10, 0))
    return s


def ask(family, address, data, port=7):
    """Connect, send and read as much again, the request with the SYN if the kernel can."""
    with patient(family) as s:
        s.sendto(data, MSG_FASTOPEN, (address, port))
        answer = bed.recv_exact(s, len(data))
        s.shutdown(socket.SHUT_WR)
        return answer, bed.recv_all(s)


class LinuxClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sysctl("tcp_fastopen", 1)
        # One lost SYN would keep the kernel from trying again for an hour.
        sysctl("tcp_fastopen_blackhole_timeout_sec", 0)
        cls.app = bed.Appliance(
            services={"echo": {"fastopen": True}},
            tunables={"tcp_fastopen": 3, "tcp_fastopen_key": KEY}).start()

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()

    def count(self, name):
        return bed.counter(self.app, "TcpExtTCPFastOpen" + name)

    def forget(self):
        """The kernel keeps cookies with the addresses."""
        bed.sh("ip", "tcp_metrics", "flush", "all")

    def test_the_second_request_rides_with_the_syn(self):
        for family, address, _ in BOTH:
            self.forget()
            asked, opened = self.count("CookieReqd"), self.count("Passive")
            acked = nstat("TCPFastOpenActive")
            self.assertEqual(ask(family, address, b"first"), (b"first", b""))
            self.assertEqual(self.count("CookieReqd"), asked + 1)
            self.assertEqual(self.count("Passive"), opened)
            self.assertEqual(ask(family, address, b"second" * 100), (b"second" * 100, b""))
            self.assertEqual(self.count("Passive"), opened + 1)
            self.assertEqual(nstat("TCPFastOpenActive"), acked + 1)

    def test_connect_before_send(self):
        self.forget()
        opened = self.count("Passive")
        for i in range(3):
            with patient() as s:
                s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
                s.connect((bed.APPLIANCE, 7))
                s.sendall(b"%d" % i)
                self.assertEqual(s.recv(10), b"%d" % i)
        self.assertEqual(self.count("Passive"), opened + 2)

    def test_a_cookie_of_another_key_falls_back_once(self):
        for family, address, _ in BOTH:
            self.forget()
            ask(family, address, b"cookie, please")
            failed, opened = self.count("PassiveFail"), self.count("Passive")
            self.app.ctl("set", "tcp_fastopen_key", OTHER_KEY)
            try:
                self.assertEqual(ask(family, address, b"once"), (b"once", b""))
                self.assertEqual(self.count("PassiveFail"), failed + 1)
                self.assertEqual(self.count("Passive"), opened)
                # The SYN-ACK brought the right one.
                self.assertEqual(ask(family, address, b"again"), (b"again", b""))
                self.assertEqual(self.count("Passive"), opened + 1)
            finally:
                self.app.ctl("set", "tcp_fastopen_key", KEY)

    def test_tcp_fastopen_key_is_changed_and_nobody_notices(self):
        self.forget()
        ask(socket.AF_INET, bed.APPLIANCE, b"cookie, please")
        opened, alt = self.count("Passive"), self.count("PassiveAltKey")
        self.app.ctl("set", "tcp_fastopen_key", OTHER_KEY + "," + KEY)
        ask(socket.AF_INET, bed.APPLIANCE, b"old")
        self.app.ctl("set", "tcp_fastopen_key", OTHER_KEY)
        ask(socket.AF_INET, bed.APPLIANCE, b"new")
        self.assertEqual(self.count("Passive"), opened + 2)
        self.assertEqual(self.count("PassiveAltKey"), alt + 1)
        self.app.ctl("set", "tcp_fastopen_key", KEY)

    def test_the_key_is_nowhere_to_be_seen(self):
        said = self.app.ctl("set", "tcp_fastopen_key", KEY)
        self.assertEqual(said["tunables"][0]["value"], "set")
        for words in (("get", "tcp_fastopen_key"), ("show", "tunables"), ("show", "config")):
            said = str(self.app.ctl(*words))
            self.assertIn("tcp_fastopen_key", said)
            self.assertNotIn("00112233", said)
            self.assertNotIn("44556677", said)
        said = str(self.app.ctl("set", "tcp_fastopen_key", KEY + "-5", check=False))
        self.assertIn("is no key", said)
        self.assertNotIn("44556677", said)
        self.assertNotIn("44556677", self.app.log_text())

    def test_listeners_show_it(self):
        rows = {r["service"]: r for r in self.app.ctl("show", "listeners")["listeners"]}
        self.assertTrue(rows["echo"]["fastopen"])
        self.assertFalse(rows["discard"]["fastopen"])
        before = rows["echo"]["fastopen_opened"]
        ask(socket.AF_INET, bed.APPLIANCE, b"one")
        ask(socket.AF_INET, bed.APPLIANCE, b"two")
        rows = {r["service"]: r for r in self.app.ctl("show", "listeners")["listeners"]}
        self.assertGreater(rows["echo"]["fastopen_opened"], before)
        self.assertEqual(rows["echo"]["fastopen_pending"], 0)
        self.assertEqual(rows["echo"]["fastopen_limit"], 256)


class Server:
    """An echo server on Linux with Fast Open."""

    def __init__(self, family):
        self.sock = socket.socket(family)
        self.sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        self.sock.bind(("", 0))
        self.sock.listen(16)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            with s:
                s.sendall(bed.recv_all(s))


class ForwardToLinux(unittest.TestCase):
    """The appliance takes the request out of a SYN and puts it into another one."""

    def test_both_handshakes_are_saved(self):
        for family, address, linux in BOTH:
            with self.subTest(address=address):
                self.forward(family, address, linux)

    def forward(self, family, address, linux):
        sysctl("tcp_fastopen", 3)
        sysctl("tcp_fastopen_blackhole_timeout_sec", 0)
        sysctl("tcp_fastopen_key", KEY)
        server = Server(family)
        to = ("'[%s]:%d'" if ":" in linux else "%s:%d") % (linux, server.port)
        with bed.Appliance(
                tunables={"tcp_fastopen": 3},
                services={"forward": {"port": FORWARD_PORT, "to": to, "fastopen": True}}) as app:
            def once(data):
                with patient(family) as s:
                    s.sendto(data, MSG_FASTOPEN, (address, FORWARD_PORT))
                    s.shutdown(socket.SHUT_WR)
                    self.assertEqual(bed.recv_all(s), data)
            bed.sh("ip", "tcp_metrics", "flush", "all")
            before = nstat("TCPFastOpenPassive")
            for i in range(4):
                once(b"request %d " % i * 10)
            # The first asks on both sides, and has no cookie to send yet.
            self.assertEqual(bed.counter(app, "TcpExtTCPFastOpenPassive"), 3)
            self.assertEqual(bed.counter(app, "TcpExtTCPFastOpenActive"), 3)
            self.assertEqual(nstat("TCPFastOpenPassive"), before + 3)
            # Linux changes its key: the appliance falls back, nothing is lost or doubled.
            sysctl("tcp_fastopen_key", OTHER_KEY)
            once(b"x" * 1200)
            self.assertEqual(bed.counter(app, "TcpExtTCPFastOpenActiveFail"), 1)
            once(b"y" * 1200)
            self.assertEqual(bed.counter(app, "TcpExtTCPFastOpenActive"), 4)
        server.sock.close()


if __name__ == "__main__":
    bed.main()
