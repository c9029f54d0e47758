# SPDX-License-Identifier: BSD-3-Clause
"""Tunables changed over the control socket, with Linux as client: what each then does."""
import contextlib
import re
import select
import socket
import subprocess
import time
import unittest

import bed

SETTLE_S = 4        # a timeout of a second has done its work
SECRETS = ("tcp_fastopen_key",)     # never shown; test_fastopen.py sets them
# What another one bounds.
BOUNDS = {"tcp_delack_min": (1, 200), "tcp_delack_max": (40, 500)}
GET = b"GET / HTTP/1.0\r\n\r\n"

# Of a connection opened afterwards: what `show connections --info` says of it, by default and then.
OF_CONNECTIONS = (
    ("tcp_window_scaling", "0", "snd_wscale", lambda v: v > 0, lambda v: v == 0),
    ("tcp_timestamps", "0", "ts", lambda v: v, lambda v: not v),
    ("tcp_sack", "0", "sack", lambda v: v, lambda v: not v),
    ("tcp_ecn", "0", "ecn", lambda v: v, lambda v: not v),
    ("tcp_congestion_control", "reno", "cc", lambda v: v == "cubic", lambda v: v == "reno"),
    ("tcp_initial_cwnd", "2", "cwnd", lambda v: v > 5000, lambda v: v < 5000),
    ("tcp_min_snd_mss", "700", "mss", lambda v: v <= 500, lambda v: 500 < v <= 700),
    ("tcp_rmem", "4096 20000 6291456", "rcvbuf", lambda v: v == 131072, lambda v: v == 20000),
    ("tcp_wmem", "4096 30000 4194304", "sndbuf", lambda v: v == 16384, lambda v: v == 30000),
    ("tcp_rto_min", "3000", "rto_ms", lambda v: v < 3000, lambda v: v >= 3000),
)

# Of the listener on port 80: what `show listeners` says of it.
OF_LISTENERS = (
    ("somaxconn", "10", "accept_limit", 4096, 10),
    ("somaxconn", "10", "syn_limit", 8192, 20),
    ("tcp_max_syn_backlog", "8", "syn_limit", 8192, 16),
    ("tcp_syncookies", "2", "syncookies", 1, 2),
)


class Knobs(unittest.TestCase):
    """One appliance whose tunables are turned while it runs, and put back."""
    over = {}

    @classmethod
    def setUpClass(cls):
        cls.app = bed.Appliance(**cls.over).start()
        cls.rows = {row["name"]: row for row in cls.app.ctl("show", "tunables")["tunables"]}

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()

    @staticmethod
    def words(value):
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)

    @contextlib.contextmanager
    def changed(self, name, value):
        """While it is so; then the default again."""
        self.app.ctl("set", name, value)
        try:
            yield
        finally:
            self.app.ctl("set", name, self.words(self.rows[name]["default"]))

    def counter(self, name):
        return bed.counter(self.app, name)

    def wait(self, what, limit_s=SETTLE_S):
        end = time.monotonic() + limit_s
        while not what():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def grows(self, name, act, limit_s=SETTLE_S):
        """What is done makes this counter grow."""
        before = self.counter(name)
        act()
        self.wait(lambda: self.counter(name) > before, limit_s)

    def states(self, s):
        port = s if isinstance(s, int) else s.getsockname()[1]
        rows = self.app.ctl("show", "connections", "--remote", ":%d" % port)["connections"]
        return [row["state"] for row in rows]


class Live(Knobs):
    @classmethod
    def setUpClass(cls):
        # Linux asks for ECN.
        with open("/proc/sys/net/ipv4/tcp_ecn", "w", encoding="ascii") as f:
            f.write("1")
        super().setUpClass()

    def member(self, name):
        """Of a new connection that has echoed something."""
        with socket.socket() as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG,
                         500 if name == "mss" else 1460)
            s.connect((bed.APPLIANCE, 7))
            if name != "cwnd":
                s.sendall(b"x")
                bed.recv_exact(s, 1)
            rows = self.app.ctl("show", "connections", "--info", "--remote",
                                ":%d" % s.getsockname()[1])["connections"]
            self.assertEqual([row["local_port"] for row in rows], [7], rows)
            return rows[0][name]

    def test_what_new_connections_have(self):
        for name, value, member, by_default, then in OF_CONNECTIONS:
            with self.subTest(tunable=name):
                got = self.member(member)
                self.assertTrue(by_default(got), got)
                with self.changed(name, value):
                    got = self.member(member)
                    self.assertTrue(then(got), got)
                got = self.member(member)
                self.assertTrue(by_default(got), got)

    def test_what_open_listeners_have(self):
        def member(name):
            rows = self.app.ctl("show", "listeners")["listeners"]
            return next(row[name] for row in rows if row["local_port"] == 80)
        for name, value, key, by_default, then in OF_LISTENERS:
            with self.subTest(tunable=name, member=key):
                self.assertEqual(member(key), by_default)
                with self.changed(name, value):
                    self.assertEqual(member(key), then)
                self.assertEqual(member(key), by_default)

    def test_every_tunable_takes_its_least_and_most_while_a_connection_goes_on(self):
        with bed.connect(7) as s:
            for name, row in self.rows.items():
                if name in SECRETS:
                    continue
                with self.subTest(tunable=name):
                    self.take_all(row)
                    s.sendall(b"x")
                    self.assertEqual(bed.recv_exact(s, 1), b"x")

    def take_all(self, row):
        name, count = row["name"], len(row["default"]) if isinstance(row["default"], list) else 1
        for value in row.get("words") or BOUNDS.get(name, (row.get("min"), row.get("max"))):
            want = [value] * count if count > 1 else value
            with self.changed(name, self.words(want)):
                self.assertEqual(self.app.ctl("get", name)["tunables"][0]["value"], want)
        if "min" not in row:
            return
        span = "%d..%d" % (row["min"], row["max"])
        for value in [row["max"] + 1] + ([row["min"] - 1] if row["min"] > 0 else []):
            said = self.app.ctl("set", name, self.words([value] * count), check=False)
            self.assertIn(span, said["error"]["message"] + said["error"].get("hint", ""))
        self.assertEqual(self.app.ctl("get", name)["tunables"][0]["value"], row["default"])

    # --- how connections end -----------------------------------------------------------------

    def closed_by_the_service(self):
        """A connection that the appliance has closed and we have not."""
        s = bed.connect(80)
        s.sendall(GET)
        bed.recv_all(s)
        return s

    def test_fin_wait_2_of_an_orphan(self):
        with self.closed_by_the_service() as stays:
            self.wait(lambda: self.states(stays) == ["fin-wait-2"])
            with self.changed("tcp_fin_timeout", "1"), self.closed_by_the_service() as goes:
                self.wait(lambda: self.states(goes) == ["fin-wait-2"], 1)
                self.wait(lambda: self.states(goes) == [])

    def test_time_wait(self):
        with self.changed("tcp_timewait_len", "1"):
            s = self.closed_by_the_service()
            port = s.getsockname()[1]
            s.close()
            self.wait(lambda: self.states(port) == ["time-wait"], 1)
            self.wait(lambda: self.states(port) == [])
        with self.changed("tcp_max_tw_buckets", "0"):
            self.grows("TcpExtTCPTimeWaitOverflow",
                       lambda: self.closed_by_the_service().close())

    def test_orphans_beyond_the_limit_are_reset(self):
        with self.changed("tcp_max_orphans", "0"), bed.connect(80) as s:
            before = self.counter("TcpExtTCPAbortOnMemory")
            s.sendall(GET)
            with self.assertRaises(ConnectionResetError):
                while s.recv(65536):
                    pass
            self.assertEqual(self.counter("TcpExtTCPAbortOnMemory"), before + 1)

    def test_peers_that_say_nothing_are_reset(self):
        for name, first in (("tcp_first_byte_timeout", b""), ("tcp_idle_timeout", b"x")):
            with self.subTest(tunable=name), self.changed(name, "1"), bed.connect(7) as s:
                s.sendall(first)
                bed.recv_exact(s, len(first))
                s.settimeout(SETTLE_S)
                with self.assertRaises(ConnectionResetError):
                    s.recv(1)

    def test_peers_that_vanish_are_given_up(self):
        for name, value in (("tcp_retries2", "1"), ("tcp_user_timeout", "700")):
            with self.subTest(tunable=name), self.changed(name, value), bed.connect(19) as s:
                bed.recv_exact(s, 1000)
                try:
                    self.grows("TcpExtTCPAbortOnTimeout", lambda: bed.sh(
                        "ip", "route", "add", "blackhole", bed.APPLIANCE), 10)
                finally:
                    bed.sh("ip", "route", "del", "blackhole", bed.APPLIANCE)

    # --- who gets in -------------------------------------------------------------------------

    def test_cookies_only(self):
        with self.changed("tcp_syncookies", "2"):
            self.grows("TcpExtSyncookiesRecv", lambda: bed.connect(7).close())

    def test_a_port_that_nobody_serves(self):
        def knock(timeout):
            bed.connect(81, timeout=timeout)
        with self.assertRaises(ConnectionRefusedError):
            knock(5)
        for name, value in (("tcp_blackhole", "1"), ("tcp_rst_ratelimit", "0")):
            with self.subTest(tunable=name), self.changed(name, value):
                with self.assertRaises(TimeoutError):
                    knock(0.5)
            with self.assertRaises(ConnectionRefusedError):
                knock(5)

    def test_limits_of_a_source(self):
        with bed.connect(7), self.changed("tcp_source_conns", "1"):
            self.grows("SluiceSourceConnsDrops",
                       lambda: self.assertRaises(TimeoutError, bed.connect, 7, 0.5))
        bed.connect(7).close()
        with self.changed("tcp_source_syn_rate", "1"):
            self.grows("SluiceSourceRateDrops", self.knock_often)
        bed.connect(7).close()

    def test_pacing_of_new_connections(self):
        def send_some():
            with bed.connect(7) as s:
                for _ in range(20):
                    s.sendall(bytes(20000))
                    bed.recv_exact(s, 20000)
                row, = self.app.ctl("show", "connections", "--info", "--remote",
                                    ":%d" % s.getsockname()[1])["connections"]
                return row["pacing_rate_bps"]
        self.assertEqual(send_some(), 0)
        self.assertEqual(self.counter("SluiceTcpPacingWaits"), 0)
        # A hundredth of a window per round trip, so that there is something to wait for.
        with self.changed("tcp_pacing", "1"), self.changed("tcp_pacing_ss_ratio", "1"):
            self.grows("SluiceTcpPacingWaits", lambda: self.assertGreater(send_some(), 0))

    def knock_often(self):
        socks = [socket.socket() for _ in range(20)]
        with bed.closing(*socks):
            for s in socks:
                s.setblocking(False)
                s.connect_ex((bed.APPLIANCE, 7))
            select.select([], socks[:1], [], 1)

    def test_echo_requests(self):
        bed.need("ping")

        def ping():
            done = subprocess.run(["ping", "-c1", "-W1", bed.APPLIANCE], capture_output=True,
                                  text=True, timeout=10)
            said = re.search(r"ttl=(\d+)", done.stdout)
            return int(said[1]) if said else None
        self.assertEqual(ping(), 64)
        for name, value, then in (("ip_default_ttl", "33", 33), ("icmp_echo_ignore_all", "1", None),
                                  ("icmp_msgs_per_sec", "0", None)):
            with self.subTest(tunable=name), self.changed(name, value):
                self.assertEqual(ping(), then)
        self.assertEqual(ping(), 64)


if __name__ == "__main__":
    bed.main()
