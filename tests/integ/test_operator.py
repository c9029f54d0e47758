# SPDX-License-Identifier: BSD-3-Clause
"""A new operator's first day: reload, signals, metrics, two daemons, wrong words."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import bed


def run(*words, **kw):
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, **kw)
    return done.returncode, done.stdout, done.stderr


class Operator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # As systemd starts it.
        cls.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        cls.manager.bind("\0sluice-operator-%d" % os.getpid())
        cls.manager.settimeout(5)
        os.environ.update(NOTIFY_SOCKET="@sluice-operator-%d" % os.getpid(),
                          WATCHDOG_USEC="1000000")
        try:
            cls.app = bed.Appliance().start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        cls.told = [cls.manager.recv(1000)]

    @classmethod
    def tearDownClass(cls):
        # The kernel keeps a few datagrams only, and who is told too much loses the last word.
        cls.manager.setblocking(False)
        try:
            while True:
                cls.manager.recv(1000)
        except BlockingIOError:
            cls.manager.settimeout(5)
        cls.app.stop()
        while not cls.told[-1].startswith(b"STOPPING=1\n"):
            cls.told.append(cls.manager.recv(1000))
        cls.manager.close()

    def test_a_service_manager_is_told(self):
        self.assertEqual(self.told[0], b"READY=1\nSTATUS=serving")
        for _ in range(2):
            self.assertEqual(self.manager.recv(1000), b"WATCHDOG=1")

    def ctl(self, *words):
        return run(bed.program("sluicectl"), "--socket", self.app.control, *words)

    def rewrite(self, **over):
        """The configuration file anew; what it says more ends with the test."""
        self.addCleanup(self.app.write_config)
        for key in over:
            self.addCleanup(self.app.config.__setitem__, key, self.app.config.get(key))
        self.app.config.update(over)
        self.app.write_config()

    def value(self, name):
        return self.app.ctl("get", name)["tunables"][0]["value"]

    def wait_value(self, name, value):
        end = time.monotonic() + 5
        while self.value(name) != value:
            self.assertLess(time.monotonic(), end, self.app.log_text())
            time.sleep(0.05)

    def test_reload_takes_tunables_over_at_once(self):
        self.rewrite(tunables={"tcp_fin_timeout": 7, "somaxconn": 16})
        code, out, err = self.ctl("reload", "--dry-run")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"tunables\.somaxconn +4096 +16 +now")
        self.assertEqual(self.value("somaxconn"), 4096)
        self.assertEqual(self.ctl("reload")[0], 0)
        self.assertEqual(self.value("tcp_fin_timeout"), 7)
        # A listener that is open has its queue cut.
        rows = self.app.ctl("show", "listeners")["listeners"]
        self.assertEqual({row["accept_limit"] for row in rows}, {16})
        with bed.connect(7) as s:
            s.sendall(b"x")
            self.assertEqual(s.recv(1), b"x")
        self.app.ctl("set", "somaxconn", "4096")
        self.app.ctl("set", "tcp_fin_timeout", "60")

    def test_sighup_is_a_reload_and_never_an_end(self):
        self.rewrite(tunables={"tcp_sack": "off"})
        self.app.proc.send_signal(signal.SIGHUP)
        self.wait_value("tcp_sack", 0)
        self.assertIn("reload: 1 values changed", self.app.log_text())
        # A file that is wrong changes nothing, and the log says where.
        path = os.path.join(self.app.dir, "sluice.yaml")
        with open(path, "w", encoding="ascii") as f:
            f.write("workers: 1\nprots: {}\n")
        self.app.proc.send_signal(signal.SIGHUP)
        end = time.monotonic() + 5
        while "did you mean 'ports'" not in self.app.log_text():
            self.assertLess(time.monotonic(), end, self.app.log_text())
            time.sleep(0.05)
        self.assertIn(path + ":2:1:", self.app.log_text())
        self.assertEqual(self.value("tcp_sack"), 0)
        self.assertIsNone(self.app.proc.poll())
        self.app.ctl("set", "tcp_sack", "1")

    def test_what_needs_a_restart_is_named(self):
        services = dict(self.app.config["services"], http={"port": 8080})
        self.rewrite(workers=2, services=services)
        code, _, err = self.ctl("reload")
        self.assertEqual(code, 1)
        self.assertIn("restart is needed for: workers services.http.port", err)
        bed.connect(80).close()

    def test_a_second_daemon_is_told_of_the_first(self):
        path = self.app.write_config()
        code, _, err = run(bed.program("sluiced"), "-c", path)
        self.assertEqual(code, 1)
        self.assertIn(self.app.control, err)
        self.assertRegex(err, "(?i)another|already|in use|running")
        bed.connect(7).close()

    def test_metrics_are_those_of_this_daemon(self):
        with bed.connect(7) as s:
            s.sendall(b"x")
            s.recv(1)
            code, out, err = self.ctl("metrics")
        self.assertEqual((code, err), (0, ""))
        values = dict(re.findall(r"^(\S+(?:\{.*\})?) (\S+)$", out, re.M))
        self.assertGreater(float(values['sluice_rx_packets_total{port="wan0"}']), 3)
        self.assertGreater(float(values['sluice_listener_accepted_total{service="echo"}']), 0)
        self.assertEqual(values['sluice_port_up{port="wan0"}'], "1")
        # Each received packet has one outcome, and drops are the ones of show drops.
        drops = sum(float(v) for k, v in values.items() if k.startswith("sluice_drops_total"))
        self.assertLessEqual(drops, float(values["sluice_received_packets_total"]))

    def test_info_has_the_words_of_ss(self):
        with bed.connect(7) as s:
            s.sendall(b"x" * 20000)
            bed.recv_exact(s, 20000)
            port = s.getsockname()[1]
            code, out, _ = self.ctl("show", "connections", "--info", "--remote", ":%d" % port)
            said = run("ss", "-tinH", "sport", "=", ":%d" % port)[1]
        self.assertEqual(code, 0)
        for word in ("ts", "sack", "cubic"):
            self.assertRegex(out, r"\b%s\b" % word)
        # What both ends know is the same on both.
        for name in ("mss", "pmtu", "advmss"):
            match = re.search(r"\b%s:(\d+)" % name, said)
            if match:
                self.assertIn("%s:%s" % (name, match[1]), out, said)
        for name in ("wscale", "rto", "rtt", "rcvmss", "advmss", "cwnd", "send", "minrtt",
                     "ato", "delivery_rate", "lastsnd|lastrcv|lastack|app_limited"):
            self.assertRegex(out, r"\b(%s)\b" % name)

    def looking_on(self, *words):
        """sluicectl that is looking on by the time this returns."""
        watcher = subprocess.Popen(
            [bed.program("sluicectl"), "--socket", self.app.control, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        return watcher

    def test_a_trace_tells_what_became_of_each_frame(self):
        watcher = self.looking_on("trace", "--port", "7", "--seconds", "2", "--json-lines")
        with bed.connect(7) as s:
            s.sendall(b"x" * 100)
            bed.recv_exact(s, 100)
            port = s.getsockname()[1]
        out, err = watcher.communicate(timeout=20)
        self.assertEqual(watcher.returncode, 0, err)
        rows = [row for row in map(json.loads, out.strip().split("\n"))
                if row["remote_port"] == port]
        told = [(row["direction"], row["flags"], row.get("outcome")) for row in rows]
        self.assertEqual(told[:2], [("in", "S", "syn-queued"), ("out", "S.", None)], told)
        self.assertIn(("in", "P.", "delivered"), told)
        self.assertEqual([row["payload"] for row in rows if row["flags"] == "P."], [100, 100])
        self.assertEqual([row for row in rows if row.get("dropped")], [])
        # Only drops: a port that nobody serves. Others are dropped, too, such as what Linux tells
        # its neighbours.
        watcher = self.looking_on("trace", "--drops", "--port", "81", "--count", "1",
                                  "--json-lines")
        with self.assertRaises(ConnectionRefusedError):
            bed.connect(81)
        row = json.loads(watcher.communicate(timeout=20)[0])
        self.assertEqual((row["outcome"], row["local_port"]), ("no-listener", 81))

    def test_a_capture_is_what_tcpdump_reads(self):
        path = os.path.join(self.app.dir, "x.pcapng")
        watcher = self.looking_on("capture", path, "--port", "7", "--seconds", "2")
        data = os.urandom(1 << 20)
        with bed.connect(7) as s:
            self.assertEqual(bed.swap(s, data), data)
            port = s.getsockname()[1]
        err = watcher.communicate(timeout=20)[1]
        self.assertEqual(watcher.returncode, 0)
        self.assertRegex(err, r"^\d+ frames in .*x.pcapng, \d+ lost\n")
        if shutil.which("tcpdump") is None:
            self.skipTest("no tcpdump")
        code, out, why = run("tcpdump", "-nr", path)
        self.assertEqual(code, 0, why)
        lines = out.strip().split("\n")
        self.assertEqual(len(lines), int(err.split()[0]))
        # The end of the connection that waited for the daemon may be among them.
        own = [line for line in lines if "%s.%d" % (bed.LINUX, port) in line]
        self.assertIn("Flags [S]", own[0])
        self.assertIn("Flags [S.]", own[1])

    def test_wrong_words_are_explained(self):
        rows = (
            (("set", "tcp_fin_timeout", "0"), 1, "1..3600"),
            (("set", "tcp_fin_timeout"), 2, "needs 'value'"),
            (("set", "tcp_fin_timout", "5"), 1, "tcp_fin_timeout"),
            (("set", "tcp_tw_recycle", "1"), 1, "tcp_tw_reuse"),
            (("set", "tcp_rmem", "9 8 7"), 1, "tcp_rmem"),
            (("set", "tcp_congestion_control", "bbr"), 1, "cubic"),
            (("show", "conections"), 2, "show connections"),
            (("show", "connections", "--state", "open"), 1, "established"),
            (("show", "connections", "--remote", "10.0.0.300"), 1, "10.0.0.300"),
            (("relaod",), 2, "reload"),
            (("reload", "now"), 2, "takes no 'now'"),
            (("top", "--interval", "soon"), 2, "soon"),
        )
        for words, code, message in rows:
            with self.subTest(words=words):
                got, out, err = self.ctl(*words)
                self.assertEqual((got, out), (code, ""), err)
                self.assertIn(message, err)
                self.assertLessEqual(err.count("\n"), 2, err)
                got, out, err = self.ctl("--json", *words)
                self.assertEqual((got, err), (code, ""))
                self.assertIn("code", json.loads(out)["error"])

    def test_without_a_daemon_or_a_file_it_says_so(self):
        nowhere = os.path.join(self.app.dir, "nobody.sock")
        code, _, err = run(bed.program("sluicectl"), "--socket", nowhere, "show", "stats")
        self.assertEqual(code, 3)
        self.assertIn(nowhere, err)
        self.assertIn("is sluiced running?", err)
        for words, want, message in (((), 2, "--config FILE"), (("-c",), 2, ""),
                                     (("-c", "/nonexistent.yaml"), 1, "/nonexistent.yaml"),
                                     (("--check", "/nonexistent.yaml"), 1, "No such file"),
                                     (("--chek", "x"), 2, ""), (("-c", "a", "b"), 2, "no other")):
            code, out, err = run(bed.program("sluiced"), *words)
            self.assertEqual(code, want, words)
            self.assertIn(message, out + err)


if __name__ == "__main__":
    bed.main()
