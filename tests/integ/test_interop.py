# SPDX-License-Identifier: BSD-3-Clause
"""Every option with the Linux kernel, over a relay that loses: what arrives is what was sent."""
import hashlib
import itertools
import os
import socket
import sys
import threading
import unittest

import bed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import relay  # noqa: E402

MIB = 1 << 20
RELAY = ("relay0", "relay1")
ECHO, FORWARD, FORWARD6, SERVER = 7, 8000, 8001, 8002
TIMEOUT_S = 60
# Each cell takes this thrice in each direction: what the echo service sends back, and both
# connections of the forward service. 192 cells make more than 1 GiB.
BYTES = 2 * MIB if bed.long_run() else MIB // 2

PATHS = {
    "clean": {},
    "loss": {"loss_ppm": 10000},
    "bursts": {"loss_ppm": 2000, "burst": 5},
    "reorder": {"reorder_ppm": 20000, "reorder_us": 1500, "loss_ppm": 2000},
}
WIRE = {"delay_us": 1000, "rate_kbps": 400000, "queue_bytes": 1 << 18}
MARKS = {"mark_ppm": 20000}

# tcpi_options, which is the sixth byte of struct tcp_info.
OPTIONS_AT = 5
OPT_TS, OPT_SACK, OPT_ECN = 1, 2, 8


def matrix():
    """Cells of congestion control, SACK, timestamps, ECN, IP version and path."""
    settings = list(itertools.product(("reno", "cubic", "dctcp"), (1, 0), (1, 0), (1, 0)))
    if bed.long_run():
        return [s + rest for s in settings for rest in itertools.product((4, 6), PATHS)]
    # Each setting once, the versions and paths in turn.
    rest = list(itertools.product((4, 6), PATHS))
    return [s + rest[(i + i // 8) % 8] for i, s in enumerate(settings)]


class Relayed(bed.Appliance):
    """The appliance at one end of the relay, Linux at the other."""

    def make_link(self):
        """sluice0 - relay0, relay1 - sluice1; the kernel is deaf on what is not Linux's end."""
        for end, between in zip((bed.IFACE, bed.PEER), RELAY):
            bed.sh("ip", "link", "add", end, "type", "veth", "peer", "name", between)
            bed.sh("ip", "link", "set", between, "arp", "off")
            bed.sh("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % between)
            for dev in (end, between):
                bed.sh("ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", "gro",
                       "off")
                bed.sh("ip", "link", "set", dev, "up")
        self.relay = relay.Relay(bed.build_dir(), *RELAY)

    def stop(self):
        status = super().stop()
        bed.subprocess.run(["ip", "link", "del", bed.PEER], capture_output=True)
        if getattr(self, "relay", None) is not None:
            self.relay.stop()
        return status


def settle(sock, algorithm):
    """What a socket of the kernel does must not depend on the machine's default."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, algorithm.encode())
    sock.settimeout(TIMEOUT_S)


def options_of(sock):
    """What was agreed on."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[OPTIONS_AT] & (
        OPT_TS | OPT_SACK | OPT_ECN)


class Echo(threading.Thread):
    """The kernel's server, which the appliance opens connections to; seen holds their options."""

    def __init__(self, address):
        super().__init__(daemon=True)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, SERVER), family=family)
        self.algorithm, self.seen, self.accepted = "cubic", [], threading.Event()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            settle(sock, self.algorithm)
            self.seen.append(options_of(sock))
            self.accepted.set()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    @staticmethod
    def serve(sock):
        with sock:
            try:
                while True:
                    data = sock.recv(MIB)
                    if not data:
                        return
                    sock.sendall(data)
            except OSError:
                pass


class Transfer(threading.Thread):
    """BYTES there and back, once it may go; the digest of what came, and the options."""

    def __init__(self, address, port, algorithm, seed):
        super().__init__()
        self.to, self.algorithm = (address, port), algorithm
        self.data = hashlib.shake_128(b"%d" % seed).digest(BYTES)
        self.options = self.error = self.got = None
        self.connected, self.go = threading.Event(), threading.Event()

    def run(self):
        try:
            self.got = self.exchange()
        except OSError as error:
            self.error = error
        self.connected.set()

    def exchange(self):
        family = socket.AF_INET6 if ":" in self.to[0] else socket.AF_INET
        with socket.socket(family) as sock:
            settle(sock, self.algorithm)
            sock.connect(self.to)
            self.options = options_of(sock)
            self.connected.set()
            self.go.wait(TIMEOUT_S)
            writer = threading.Thread(target=self.write, args=(sock,))
            writer.start()
            got = hashlib.sha256()
            while data := sock.recv(MIB):
                got.update(data)
            writer.join()
            return got.hexdigest()

    def write(self, sock):
        try:
            sock.sendall(self.data)
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bed.need("ethtool")
        bed.sh("sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1", "net.ipv6.ip_nonlocal_bind=1",
               "net.ipv4.tcp_no_metrics_save=1")
        cls.servers = {4: Echo(bed.LINUX), 6: Echo(bed.LINUX6)}
        for server in cls.servers.values():
            server.start()
        cls.app = Relayed(port_type="af_packet", services={
            "there": {"type": "forward", "port": FORWARD, "to": "%s:%d" % (bed.LINUX, SERVER)},
            "there6": {"type": "forward", "port": FORWARD6,
                       "to": "'[%s]:%d'" % (bed.LINUX6, SERVER)}}).start()

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()
        for server in cls.servers.values():
            server.listener.close()

    def set_both(self, number, name, value):
        """On is what both sides want; off is the wish of one of them, in turn."""
        ours = value or number % 2
        self.app.ctl("set", name, str(ours))
        bed.sh("sysctl", "-qw", "net.ipv4.%s=%d" % (name, value if ours else 1))

    def prepare(self, number, cell):
        """Both ends; the options that must come of it."""
        algorithm, sack, stamps, ecn = cell[:4]
        self.app.ctl("set", "tcp_congestion_control", algorithm)
        self.set_both(number, "tcp_sack", sack)
        self.set_both(number, "tcp_timestamps", stamps)
        # DCTCP of ours wants ECN in any case.
        self.set_both(1 if algorithm == "dctcp" else number, "tcp_ecn", ecn)
        # Nothing is lost yet: who repeats a SYN asks for no ECN (RFC 3168 s6.1.1.1).
        self.app.relay.order("both", **WIRE)
        return stamps * OPT_TS | sack * OPT_SACK | ecn * OPT_ECN

    def run_cell(self, number, cell):
        """All transfers of a cell at once; what the relay counted."""
        wanted, version = self.prepare(number, cell), cell[4]
        server = self.servers[version]
        server.algorithm, server.seen = ("reno", "cubic")[number % 2], []
        server.accepted.clear()
        address, forward = ((bed.APPLIANCE, FORWARD), (bed.APPLIANCE6, FORWARD6))[version == 6]
        both = [Transfer(address, port, server.algorithm, 2 * number + i)
                for i, port in enumerate((ECHO, forward))]
        for one in both:
            one.start()
        for event in [one.connected for one in both] + [server.accepted]:
            event.wait(TIMEOUT_S)
        self.app.relay.order("both", seed=number, **WIRE, **PATHS[cell[5]],
                             **(MARKS if cell[3] else {}))
        for one in both:
            one.go.set()
        for one in both:
            one.join()
        for one in both:
            self.assertIsNone(one.error)
            self.assertEqual(one.got, hashlib.sha256(one.data).hexdigest())
            self.assertEqual(one.options, wanted)
        self.assertEqual(server.seen, [wanted])
        return self.app.relay.order()

    def test_every_byte_arrives_whatever_was_agreed_and_lost(self):
        total = dict.fromkeys(("bytes", "lost", "marked", "reordered"), 0)
        for number, cell in enumerate(matrix()):
            with self.subTest(cell=cell):
                counts = self.run_cell(number, cell)
                self.assertEqual(counts["missed"] + counts["unsent"], 0, counts)
                for way in (counts["ab"], counts["ba"]):
                    self.assertEqual(way["oversized"], 0, counts)
                    self.assertGreater(way["bytes"], 3 * BYTES)
                    for name in total:
                        total[name] += way[name]
        # Those that were to be harmed were.
        for name, value in total.items():
            self.assertGreater(value, 0, name)


if __name__ == "__main__":
    bed.main()
