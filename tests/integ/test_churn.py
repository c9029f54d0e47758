# SPDX-License-Identifier: BSD-3-Clause
"""Connections set up and torn down in a row by Linux: each is accounted for, nothing is left."""
import socket
import struct
import time
import unittest

import bed

CONNECTIONS = 100000 if bed.long_run() else 4000
AT_ONCE = 50
ECHO, HTTP = 7, 80
RESET = struct.pack("ii", 1, 0)
SETTLE_S = 30


class Churn(unittest.TestCase):
    def setUp(self):
        self.app = bed.Appliance(
            port_type="af_packet",
            memory={"time_wait": 2 * CONNECTIONS},
            services={"http": {"port": HTTP, "backlog": 4096}}).start()
        self.addCleanup(self.app.stop)
        # A connection of Linux must find a port: its own TIME-WAITs hold them otherwise.
        bed.sh("sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1",
               "net.ipv4.ip_local_port_range=1024 65535")
        self.settled(waits=0)
        self.before = self.counters()

    def counters(self):
        return {row["name"]: row["value"] for row in self.app.ctl("show", "counters",
                                                                 "--all")["counters"]}

    def grown(self, name):
        return self.counters()[name] - self.before[name]

    def settled(self, waits):
        """Once nothing is held but so many TIME-WAITs; what is held then."""
        held = ("SluiceConnsInUse", "SluicePktsInUse", "SluiceHalfOpen", "SluiceAcceptQueued",
                "SluiceOrphans", "SluiceQueueBytes", "TcpCurrEstab")
        end = time.monotonic() + SETTLE_S
        while True:
            now = self.counters()
            left = {name: now[name] for name in held if now[name] != 0}
            if not left and now["SluiceTimeWaits"] <= waits:
                return left
            if time.monotonic() > end:
                return {**left, "SluiceTimeWaits": now["SluiceTimeWaits"]}
            time.sleep(0.1)

    def open_some(self):
        return [bed.connect(ECHO) for _ in range(AT_ONCE)]

    def check(self, opened):
        """Every connection of Linux was one of ours, and none was given up or refused."""
        self.assertEqual(self.grown("TcpPassiveOpens"), opened)
        for name in ("TcpActiveOpens", "TcpAttemptFails", "TcpExtListenDrops",
                     "TcpExtListenOverflows", "TcpExtTCPAbortOnMemory", "SluiceConnAllocFails",
                     "TcpExtTCPTimeWaitOverflow", "SluicePktAllocFails"):
            self.assertEqual(self.grown(name), 0, name)
        drops = self.app.ctl("show", "drops")
        self.assertEqual(drops["received"], drops["delivered"] + drops["total"])

    def test_linux_closes_first_and_nothing_of_ours_is_left(self):
        for _ in range(CONNECTIONS // AT_ONCE):
            socks = self.open_some()
            for s in socks:
                s.sendall(b"x")
            for s in socks:
                self.assertEqual(s.recv(2), b"x")
                s.shutdown(socket.SHUT_WR)
            for s in socks:
                self.assertEqual(s.recv(2), b"")
                s.close()
        self.assertEqual(self.settled(waits=0), {})
        self.check(CONNECTIONS)
        self.assertEqual(self.grown("TcpEstabResets"), 0)

    def test_we_close_first_and_every_time_wait_ends(self):
        self.app.ctl("set", "tcp_timewait_len", "1")
        for _ in range(CONNECTIONS // AT_ONCE):
            socks = [bed.connect(HTTP) for _ in range(AT_ONCE)]
            for s in socks:
                s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            for s in socks:
                self.assertIn(b"200 OK", bed.recv_all(s))
                s.close()
        self.assertEqual(self.settled(waits=0), {})
        self.check(CONNECTIONS)
        self.assertEqual(self.grown("TcpExtTW") + self.grown("TcpExtTWRecycled") +
                         self.grown("TcpExtTWKilled"), CONNECTIONS)

    def test_resets_end_connections_at_once(self):
        for _ in range(CONNECTIONS // AT_ONCE):
            for s in self.open_some():
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                s.close()
        self.assertEqual(self.settled(waits=0), {})
        self.check(CONNECTIONS)
        self.assertEqual(self.grown("TcpEstabResets"), CONNECTIONS)


if __name__ == "__main__":
    bed.main()
