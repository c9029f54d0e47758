# SPDX-License-Identifier: BSD-3-Clause
"""Floods of SYNs from random sources: each is answered once, nothing grows, clients get through."""
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import time
import unittest

import bed

BURST = 3000            # frames; the port's ring holds more
FLOOD = 100000
SIOCGIFHWADDR = 0x8927


def checksum(data):
    """Of an even number of bytes (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(rng, ethernet):
    """From somewhere in 20.0.0.0/8, as Linux sends it."""
    src = bytes([20]) + rng.randbytes(3)
    dst = socket.inet_aton(bed.APPLIANCE)
    options = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + rng.randbytes(4) + b"\0\0\0\0\x01\x03\x03\x07"
    tcp = struct.pack("!HHIIBBHHH", rng.randrange(1, 65536), 80, rng.getrandbits(32), 0, 0xa0, 2,
                      65535, 0, 0) + options
    pseudo = src + dst + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return ethernet + b"\x08\x00" + ip + tcp


def mac(dev):
    """Of an interface of this namespace; sysfs shows those of another."""
    with socket.socket() as s:
        return fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack("16s24x", dev.encode()))[18:24]


def rss_kb(pid):
    """Resident memory."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Flood(unittest.TestCase):
    def setUp(self):
        self.app = bed.Appliance(port_type="af_packet").start()
        self.addCleanup(self.app.stop)
        self.app.ctl("set", "tcp_syncookies", "2")
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.raw.bind((bed.PEER, 0))
        self.addCleanup(self.raw.close)
        self.rng = random.Random(1)
        self.ethernet = mac(bed.IFACE) + mac(bed.PEER)

    def counters(self):
        return {row["name"]: row["value"] for row in self.app.ctl("show", "counters",
                                                                 "--all")["counters"]}

    def send(self, frames):
        for frame in frames:
            self.raw.send(frame)

    def answered(self, before, wanted):
        """Cookies sent since, once they are as many as wanted or time is up."""
        end = time.monotonic() + 20
        while True:
            sent = self.counters()["TcpExtSyncookiesSent"] - before["TcpExtSyncookiesSent"]
            if sent >= wanted or time.monotonic() > end:
                return sent
            time.sleep(0.02)

    def test_a_burst_that_came_while_the_worker_was_away_is_answered_in_full(self):
        frames = [syn(self.rng, self.ethernet) for _ in range(BURST)]
        before = self.counters()
        with bed.stopped(self.app):
            self.send(frames)
        self.assertEqual(self.answered(before, BURST), BURST)

    def test_a_flood_gets_one_answer_each_and_nothing_grows(self):
        frames = [syn(self.rng, self.ethernet) for _ in range(1000)]
        start = self.counters()
        self.send(frames)
        self.assertEqual(self.answered(start, len(frames)), len(frames))
        before, memory = self.counters(), rss_kb(self.app.proc.pid)
        syns = 0
        for _ in range(FLOOD // len(frames)):
            self.send(frames)
            syns += len(frames)
            # A client in between gets through, flood or not.
            if self.rng.random() < 0.05:
                syns += 1
                with bed.connect(7) as s:
                    s.sendall(b"x")
                    self.assertEqual(s.recv(1), b"x")
            # No more on the way than the port's ring has room for, however late the worker is.
            self.assertEqual(self.answered(before, syns), syns)
        after = self.counters()
        self.assertLessEqual(after["SluiceTxPackets"] - before["SluiceTxPackets"],
                             after["SluiceRxPackets"] - before["SluiceRxPackets"])
        self.assertEqual(after["SluiceHalfOpen"], 0)
        self.assertLessEqual(rss_kb(self.app.proc.pid) - memory, 1024)

    def test_clients_get_through_beside_trafgen(self):
        bed.need("trafgen")
        path = os.path.join(self.app.dir, "syn.cfg")

        def words(data):
            return ",".join(str(b) for b in data)

        with open(path, "w") as f:
            f.write("{ %s, 0x08,0x00, 0x45,0x00,0x00,0x28, drnd(2), 0x40,0x00,0x40,0x06,"
                    " csumip(14,33), 20,drnd(3), %s, drnd(2), c16(80), drnd(4), 0,0,0,0, 0x50,"
                    "0x02,0xff,0xff, csumtcp(14,34), 0,0 }" % (
                        words(self.ethernet), words(socket.inet_aton(bed.APPLIANCE))))
        flood = subprocess.Popen(["trafgen", "--conf", path, "--dev", bed.PEER, "--cpus", "1",
                                  "--notouch-irq", "--no-sock-mem", "--no-cpu-stats", "--rate",
                                  "20000pps", "--num", "60000"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            while flood.poll() is None:
                with bed.connect(80, timeout=4) as s:
                    s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                    self.assertIn(b"200 OK", bed.recv_all(s))
        finally:
            if flood.poll() is None:
                os.killpg(flood.pid, signal.SIGKILL)
            flood.wait()
        self.assertGreater(self.counters()["TcpExtSyncookiesSent"], 50000)


if __name__ == "__main__":
    bed.main()
