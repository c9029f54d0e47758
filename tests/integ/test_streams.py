# SPDX-License-Identifier: BSD-3-Clause
"""Long streams, many connections, slow and abrupt ends."""
import hashlib
import os
import selectors
import signal
import socket
import struct
import threading
import time
import unittest

import bed

MIB = 1 << 20


def pattern(total):
    """Deterministic bytes in pieces of 64 KiB."""
    block = hashlib.sha256(b"sluice").digest() * 2048
    for i in range(0, total, len(block)):
        yield (struct.pack(">Q", i) + block[8:])[:min(len(block), total - i)]


def echo_exact(total):
    """Send total bytes to echo and read them back; returns both digests."""
    sent, got = hashlib.sha256(), hashlib.sha256()
    s = bed.connect(7, timeout=120)

    def writer():
        for piece in pattern(total):
            sent.update(piece)
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)

    t = threading.Thread(target=writer)
    t.start()
    n = 0
    with bed.closing(s):
        while True:
            b = s.recv(MIB)
            if not b:
                break
            got.update(b)
            n += len(b)
        t.join()
    return n, sent.hexdigest(), got.hexdigest()


class Streams(unittest.TestCase):
    workers = 1
    port_type = "tap"

    @classmethod
    def setUpClass(cls):
        cls.root = bed.tempfile.mkdtemp(prefix="sluice-www-")
        cls.size = (1024 if bed.long_run() else 48) * MIB
        cls.digest = hashlib.sha256()
        with open(os.path.join(cls.root, "big"), "wb") as f:
            for piece in pattern(cls.size):
                cls.digest.update(piece)
                f.write(piece)
        cls.app = bed.Appliance(cls.port_type, workers=cls.workers,
                                services={"http": {"port": 80, "root": cls.root}}).start()

    @classmethod
    def tearDownClass(cls):
        bed.shutil.rmtree(cls.root)
        cls.app.stop()

    def test_a_large_file_comes_down_exactly(self):
        p = bed.subprocess.Popen(["curl", "-sf", "http://%s/big" % bed.APPLIANCE],
                                 stdout=bed.subprocess.PIPE)
        got = hashlib.sha256()
        while True:
            b = p.stdout.read(MIB)
            if not b:
                break
            got.update(b)
        p.stdout.close()
        self.assertEqual(p.wait(), 0)
        self.assertEqual(got.hexdigest(), self.digest.hexdigest())

    def test_a_large_upload_comes_back_exactly(self):
        n, sent, got = echo_exact(self.size)
        self.assertEqual(n, self.size)
        self.assertEqual(sent, got)

    def test_slow_reader_gets_everything(self):
        s = bed.connect(80)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        with bed.closing(s):
            s.sendall(b"GET /big HTTP/1.0\r\nRange: bytes=0-999999\r\n\r\n")
            got = b""
            while True:
                b = s.recv(20000)
                if not b:
                    break
                got += b
                time.sleep(0.005)
        body = got.split(b"\r\n\r\n", 1)[1]
        with open(os.path.join(self.root, "big"), "rb") as f:
            self.assertEqual(body, f.read(1000000))

    def test_slow_writer_is_waited_for(self):
        s = bed.connect(7)
        with bed.closing(s):
            for c in b"slowly, byte by byte":
                s.sendall(bytes([c]))
                time.sleep(0.05)
            self.assertEqual(bed.recv_exact(s, 20), b"slowly, byte by byte")

    def test_half_close_by_us_still_delivers_the_answer(self):
        s = bed.connect(7)
        with bed.closing(s):
            s.sendall(b"x" * 100000)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(len(bed.recv_all(s)), 100000)

    def test_half_close_by_the_appliance_is_seen_as_end(self):
        s = bed.connect(80)
        with bed.closing(s):
            s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertTrue(bed.recv_all(s).endswith(b"ok\n"))

    def test_our_abort_is_taken(self):
        before = self.app.ctl("show", "stats")
        s = bed.connect(7)
        s.sendall(b"x" * 1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        time.sleep(0.3)
        self.assertEqual(echo_exact(1000)[0], 1000)
        self.assertIsNotNone(before)

    def test_how_long_packets_stay_is_shown(self):
        echo_exact(1000)
        stay = self.app.ctl("show", "stats")["residence"]
        self.assertGreater(stay["packets"], 0)
        self.assertGreater(stay["p50_ns"], 0)
        self.assertLessEqual(stay["p50_ns"], stay["p99_ns"])
        self.assertLessEqual(stay["p99_ns"], stay["p999_ns"])
        self.assertLessEqual(stay["p999_ns"], stay["max_ns"])
        # Of a machine as slow as can be: nothing stays for a second.
        self.assertLess(stay["p99_ns"], 1e9)
        cores = self.app.ctl("show", "cores")["cores"]
        self.assertGreaterEqual(sum(row["residence"]["packets"] for row in cores),
                                stay["packets"])

    def test_a_worker_without_its_cpu_shows_it(self):
        def stalls():
            return [(row["stalls"], row["stalled_ns"])
                    for row in self.app.ctl("show", "cores")["cores"]]

        def longest(before):
            return max(after[1] - then[1] for then, after in zip(before, stalls()))
        before = stalls()
        end = time.monotonic() + 30
        # A worker that sleeps by itself misses nothing, so a stop may not be there.
        while longest(before) < 45e6:
            self.assertLess(time.monotonic(), end)
            self.stop_during_an_echo()
        self.assertGreater(max(after[0] - then[0] for then, after in zip(before, stalls())), 0)

    def stop_during_an_echo(self):
        stream = threading.Thread(target=echo_exact, args=(4 * MIB,))
        stream.start()
        time.sleep(0.005)
        self.app.proc.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        self.app.proc.send_signal(signal.SIGCONT)
        stream.join()

    def test_closed_port_is_refused_at_once(self):
        start = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            bed.connect(4242, timeout=5)
        self.assertLess(time.monotonic() - start, 1)


class StreamsTwoWorkers(Streams):
    workers = 2


class StreamsAfPacket(Streams):
    port_type = "af_packet"


class ManyConnections(unittest.TestCase):
    count = 10000

    def test_ten_thousand_connections_echo_each(self):
        bed.sh("sysctl", "-qw", "net.ipv4.ip_local_port_range=10000 65000")
        with bed.Appliance(workers=2) as app:
            sel = selectors.DefaultSelector()
            socks = []
            try:
                for i in range(self.count):
                    s = socket.socket()
                    s.settimeout(30)
                    s.connect((bed.APPLIANCE, 7))
                    socks.append(s)
                for i, s in enumerate(socks):
                    s.sendall(struct.pack(">I", i))
                for i, s in enumerate(socks):
                    self.assertEqual(bed.recv_exact(s, 4), struct.pack(">I", i))
                stats = app.ctl("show", "stats")
                self.assertIsNotNone(stats)
            finally:
                for s in socks:
                    s.close()
                sel.close()


if __name__ == "__main__":
    bed.main()
