# SPDX-License-Identifier: BSD-3-Clause
"""Overload that is made here, and whether sluicectl diagnose names its cause and the knob."""
import json
import random
import socket
import subprocess
import threading
import time
import unittest

import bed
import test_flood


class Diagnose(unittest.TestCase):
    def start(self, **over):
        self.app = bed.Appliance(**over)
        self.addCleanup(self.app.stop)
        self.app.start()

    def diagnose(self, code):
        """The findings by rule, and what people read."""
        words = [bed.program("sluicectl"), "--socket", self.app.control, "diagnose"]
        said = subprocess.run(words + ["--json"], capture_output=True, text=True, timeout=20)
        self.assertEqual((said.returncode, said.stderr), (code, ""), said.stdout)
        return {row["rule"]: row for row in json.loads(said.stdout)["findings"]}

    def repeat(self, what):
        """Go on doing something until the test ends, in a thread."""
        done = threading.Event()

        def loop():
            while not done.is_set():
                what()
        thread = threading.Thread(target=loop)
        thread.start()

        def stop():
            done.set()
            thread.join()
        self.addCleanup(stop)
        return stop

    def test_nothing_is_wrong_under_plain_load(self):
        self.start()

        def one():
            with bed.connect(7) as s:
                s.sendall(b"x" * 1000)
                bed.recv_exact(s, 1000)
        self.repeat(one)
        self.assertEqual(self.diagnose(0), {})

    def test_a_backlog_that_bursts_do_not_fit_into(self):
        self.start(services={"echo": {"backlog": 1}})

        def knock():
            socks = [socket.socket() for _ in range(50)]
            # While it is away they queue up: their handshakes end in one burst.
            with bed.stopped(self.app):
                for s in socks:
                    s.setblocking(False)
                    s.connect_ex((bed.APPLIANCE, 7))
            time.sleep(0.1)
            for s in socks:
                s.close()
        self.repeat(knock)
        found = self.diagnose(1)
        self.assertIn("accept-queue", found)
        self.assertIn("echo (port 7)", found["accept-queue"]["what"])
        self.assertIn("services.echo.backlog", found["accept-queue"]["fix"])

    def test_a_flood_without_cookies_and_with(self):
        self.start(port_type="af_packet", tunables={"tcp_syncookies": 0},
                   services={"http": {"port": 80, "backlog": 64}})
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind((bed.PEER, 0))
        self.addCleanup(raw.close)
        rng = random.Random(1)
        ethernet = test_flood.mac(bed.IFACE) + test_flood.mac(bed.PEER)
        frames = [test_flood.syn(rng, ethernet) for _ in range(5000)]

        def flood():
            for frame in frames[:100]:
                raw.send(frame)
            frames.append(frames.pop(0))
            time.sleep(0.02)
        stop = self.repeat(flood)
        found = self.diagnose(1)
        self.assertIn("http (port 80)", found["syn-queue"]["what"])
        self.assertEqual(found["syn-queue"]["fix"], "sluicectl set tcp_syncookies 1")
        self.assertEqual(found["syn-flood"]["severity"], "error")
        # Do as it says.
        self.app.ctl("set", "tcp_syncookies", "1")
        found = self.diagnose(6)
        self.assertNotIn("syn-queue", found)
        self.assertIn("clients still get through", found["syn-flood"]["what"])
        with bed.connect(7) as s:
            s.sendall(b"x")
            self.assertEqual(s.recv(1), b"x")
        stop()

    def test_a_knob_turned_in_vain(self):
        self.start()
        self.app.ctl("set", "tcp_max_syn_backlog", "100000")
        found = self.diagnose(6)
        self.assertEqual(list(found), ["syn-backlog-alone"])
        self.assertIn("somaxconn 100000", found["syn-backlog-alone"]["fix"])


if __name__ == "__main__":
    bed.main()
