# SPDX-License-Identifier: BSD-3-Clause
"""Starting, draining, dying, starving: what an operator lives through."""
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

import bed


class Life(unittest.TestCase):
    def test_sigterm_lets_a_transfer_finish(self):
        root = bed.tempfile.mkdtemp(prefix="sluice-www-")
        size = 4000000
        with open(os.path.join(root, "f"), "wb") as f:
            f.write(os.urandom(size))
        app = bed.Appliance(services={"http": {"port": 80, "root": root}},
                            drain_timeout="10s").start()
        try:
            s = bed.connect(80)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            s.sendall(b"GET /f HTTP/1.0\r\n\r\n")
            got = len(bed.recv_exact(s, 10000))
            app.proc.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with self.assertRaises(OSError):
                bed.connect(7, timeout=2)
            while True:
                b = s.recv(65536)
                if not b:
                    break
                got += len(b)
                time.sleep(0.002)
            s.close()
            self.assertGreater(got, size)
            self.assertEqual(app.proc.wait(15), 0)
        finally:
            app.stop()
            bed.shutil.rmtree(root)

    def test_sigterm_ends_within_the_drain_time_when_a_client_hangs(self):
        app = bed.Appliance(drain_timeout="2s").start()
        try:
            s = bed.connect(7)
            s.sendall(b"x")
            start = time.monotonic()
            app.proc.send_signal(signal.SIGTERM)
            self.assertEqual(app.proc.wait(10), 0)
            self.assertLess(time.monotonic() - start, 4)
            # One recv may still bring the echo; after it the reset.
            with self.assertRaises(OSError):
                for _ in range(3):
                    if s.recv(10) == b"":
                        raise OSError("closed")
            s.close()
        finally:
            app.stop()

    def test_kill_and_restart_serves_within_three_seconds(self):
        app = bed.Appliance().start()
        try:
            s = bed.connect(7)
            app.proc.kill()
            app.proc.wait()
            app.proc.stdout.close()
            start = time.monotonic()
            app.start_again()
            self.assertLess(time.monotonic() - start, 3)
            s.close()
        finally:
            app.stop()

    def test_running_out_of_packets_slows_down_and_recovers(self):
        with bed.Appliance(memory={"packets": 3072}) as app:
            socks = []
            for _ in range(200):
                s = bed.connect(19)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                socks.append(s)
            time.sleep(1)
            # Every client holds what it is sent: the pool runs low, the control socket lives.
            self.assertIsNotNone(app.ctl("show", "stats"))
            for s in socks:
                s.close()
            end = time.monotonic() + 20
            while True:
                try:
                    t = bed.connect(7, timeout=2)
                    t.sendall(b"again")
                    self.assertEqual(bed.recv_exact(t, 5), b"again")
                    t.close()
                    break
                except (OSError, EOFError):
                    self.assertLess(time.monotonic(), end, "no recovery")
            self.assertIsNotNone(app.ctl("show", "stats"))

    def test_full_accept_queue_does_not_harm_others(self):
        # A listener whose backlog is tiny, hit by many at once, still serves them all in the end:
        # who found the queue full is taken when its data comes again, 200 ms, 400 ms ... later.
        with bed.Appliance(services={"echo": {"backlog": 4}}):
            ok = []

            def one():
                try:
                    s = bed.connect(7, timeout=60)
                    s.sendall(b"q")
                    ok.append(bed.recv_exact(s, 1))
                    s.close()
                except OSError:
                    pass

            threads = [threading.Thread(target=one) for _ in range(100)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(len(ok), 100)


class BadStarts(unittest.TestCase):
    def run_bad(self, change):
        app = bed.Appliance()
        change(app.config)
        try:
            r = subprocess.run([bed.program("sluiced"), "-c", app.write_config()],
                               capture_output=True, text=True, timeout=30)
        finally:
            app.stop()
        self.assertNotEqual(r.returncode, 0)
        self.assertLess(r.returncode, 128, r.stderr)
        self.assertGreaterEqual(r.returncode, 0, r.stderr)
        return r.stdout + r.stderr

    def test_unknown_key_is_named_with_its_place(self):
        out = self.run_bad(lambda c: c["ports"]["wan0"].update(lisen="x"))
        self.assertIn("lisen", out)
        self.assertRegex(out, r":\d+:\d+: error")

    def test_missing_device_is_named(self):
        def change(c):
            c["ports"]["wan0"].update(type="af_packet", iface="nosuch0")
            c["ports"]["wan0"].pop("mac")
        self.assertIn("nosuch0", self.run_bad(change))

    def test_two_services_on_a_port_are_refused(self):
        out = self.run_bad(lambda c: c["services"].update(discard={"port": 7}))
        self.assertIn("7", out)

    def test_second_instance_on_the_same_socket_is_refused(self):
        with bed.Appliance() as app:
            r = subprocess.run([bed.program("sluiced"), "-c", app.write_config()],
                               capture_output=True, text=True, timeout=30)
            self.assertNotEqual(r.returncode, 0)
            self.assertIn(app.control, r.stdout + r.stderr)
            # The first one never noticed.
            bed.connect(7).close()


if __name__ == "__main__":
    bed.main()
