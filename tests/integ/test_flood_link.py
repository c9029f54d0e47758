# SPDX-License-Identifier: BSD-3-Clause
"""Floods over vhost, faster than a kernel can send them: each frame has its one outcome."""
import json
import os
import select
import subprocess
import time
import unittest

import bed

TAP = "client0"
MAC = "02:00:00:00:99:02"
WORDS_S = 30            # until flood_link says something
FRAMES = 2000000 if bed.long_run() else 200000
SETTLE_S = 20


class VhostAppliance(bed.Appliance):
    """flood_link is its wire, with a tap for Linux at the other end."""

    def port(self):
        return {"type": "vhost", "path": os.path.join(self.dir, "vhost.sock"),
                "mac": bed.TAP_MAC, "addresses": [bed.APPLIANCE + "/24"]}

    def make_link(self):
        pass

    def linux_side(self):
        self.wire = subprocess.Popen(
            [os.path.join(bed.build_dir(), "tests/bench/flood_link"),
             self.config["ports"]["wan0"]["path"], TAP, bed.TAP_MAC, MAC, bed.APPLIANCE,
             bed.LINUX],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.hear()
        bed.sh("ip", "link", "set", TAP, "address", MAC, "up")
        bed.sh("ip", "addr", "replace", bed.LINUX + "/24", "dev", TAP)

    def hear(self):
        """The next line of flood_link."""
        if not select.select([self.wire.stdout], [], [], WORDS_S)[0]:
            raise RuntimeError("flood_link says nothing")
        return self.wire.stdout.readline().decode()

    def order(self, text):
        self.wire.stdin.write(text.encode() + b"\n")
        self.wire.stdin.flush()
        return json.loads(self.hear())

    def stop(self):
        self.wire.stdin.close()
        try:
            self.wire.wait(10)
        except subprocess.TimeoutExpired:
            self.wire.kill()
            self.wire.wait()
        self.wire.stdout.close()
        self.port_type = "tap"  # there is no link to remove
        return super().stop()


class Floods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = VhostAppliance()
        try:
            cls.app.start()
        except BaseException:
            cls.app.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()

    def counters(self):
        return {row["name"]: row["value"] for row in self.app.ctl("show", "counters",
                                                                 "--all")["counters"]}

    def outcomes(self):
        return {row["reason"]: row["packets"]
                for row in self.app.ctl("show", "outcomes", "--all")["outcomes"]}

    def memory_kb(self):
        """Resident memory of tables, lists and heap, page by page. Packets are resident from the
        start, so of them the daemon's own count tells; what it shares with the wire is not its."""
        with open(f"/proc/{self.app.proc.pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))

    def held(self):
        """How many of each kind of thing the pools and tables hold."""
        now = self.counters()
        return {name: now[name] for name in (
            "SluicePktsInUse", "SluiceQueueBytes", "SluiceHalfOpen", "SluiceConnsInUse",
            "SluiceTimeWaits")}

    def grown(self, kind, frames):
        """What a flood without clients beside it leaves: (KiB, of the most that was held, what)."""
        self.at_rest()
        held, memory = self.held(), self.memory_kb()
        start, half_open = self.app.order("")["sent"], 0
        self.app.order(kind + " 0")
        while self.app.order("")["sent"] - start < frames:
            half_open = max(half_open, self.held()["SluiceHalfOpen"])
        self.app.order("none 0")
        self.at_rest()
        after = self.held()
        return (self.memory_kb() - memory, half_open,
                {name: after[name] - held[name] for name in held if after[name] != held[name]})

    def fetch(self):
        with bed.connect(80) as s:
            s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 OK", bed.recv_all(s))

    def flood(self, kind):
        """Clients get their page beside it; what was sent of it, and what became of all packets."""
        with bed.connect(7) as held:
            start, before = self.app.order(""), self.outcomes()
            self.app.order(kind + " 0")
            sent = 0
            while sent < FRAMES:
                self.fetch()
                held.sendall(b"beside a flood")
                self.assertEqual(bed.recv_exact(held, 14), b"beside a flood")
                sent = self.app.order("")["sent"] - start["sent"]
            self.app.order("none 0")
        end, after = self.at_rest()
        return (end["sent"] - start["sent"], end["back"] - start["back"],
                {name: after[name] - before[name] for name in after})

    def at_rest(self):
        """What flood_link and the daemon have counted, once neither counts more."""
        limit, last = time.monotonic() + SETTLE_S, None
        while True:
            wire, outcomes = self.app.order(""), self.outcomes()
            now = (wire["sent"], wire["back"], outcomes)
            if now == last or time.monotonic() > limit:
                return wire, outcomes
            last = now
            time.sleep(0.3)

    def counted(self, kind, *names):
        """Each frame was counted once, under one of these names; returns how many came back."""
        sent, back, grown = self.flood(kind)
        self.assertEqual(sum(grown[name] for name in names), sent, grown)
        return sent, back

    def test_each_syn_gets_one_answer_and_none_is_kept(self):
        self.app.ctl("set", "tcp_syncookies", "2")
        before = self.counters()
        sent, back, grown = self.flood("syn")
        # A wire that stands still for 50 ms, on a busy machine, has its answers thrown away.
        after = self.counters()
        lost = after["SluiceTxDrops"] - before["SluiceTxDrops"]
        self.assertLessEqual(back, sent)
        self.assertGreaterEqual(back + lost, sent)
        # Before that what comes in waits in the port's ring.
        self.assertEqual(grown["no-buffer"], 0)
        # Those of the clients are answered with cookies, too: the one held, and one or more pages.
        # Where an ACK gets lost the data behind it opens the connection: no outcome tells of it.
        sent_to, came_back = (after[name] - before[name] for name in (
            "TcpExtSyncookiesSent", "TcpExtSyncookiesRecv"))
        self.assertGreaterEqual(came_back, 2)
        self.assertGreaterEqual(sent_to, sent + came_back)
        self.assertLessEqual(after["SluiceHalfOpen"], before["SluiceHalfOpen"])

    def test_a_flood_answered_with_cookies_takes_no_memory(self):
        self.app.ctl("set", "tcp_syncookies", "2")
        # What the first one needs, once: the memory of SYNs, and what the control socket takes.
        self.grown("syn", FRAMES)
        self.assertEqual(self.grown("syn", FRAMES), (0, 0, {}))
        # The same with the SYN queue in use: what is measured above can grow.
        self.app.ctl("set", "tcp_syncookies", "1")
        memory, half_open, held = self.grown("syn", FRAMES)
        limit = 2 * 4096
        self.assertEqual((half_open, held), (limit, {"SluiceHalfOpen": limit}))
        # Of 384 KiB of entries, those that clients used before did not grow anything.
        self.assertGreater(memory, limit * 48 // 1024 // 2)

    def test_acks_without_a_cookie_are_refused_within_the_limit_of_resets(self):
        before = self.counters()
        _, back = self.counted("ack", "no-conn", "cookie-invalid", "rst-rate")
        after = self.counters()
        self.assertLessEqual(back, after["TcpOutRsts"] - before["TcpOutRsts"])
        self.assertGreater(after["SluiceTcpRstRateLimited"], 0)

    def test_resets_of_nothing_are_not_answered(self):
        self.assertEqual(self.counted("rst", "no-conn-rst")[1], 0)

    def test_wrong_checksums_are_not_answered(self):
        self.assertEqual(self.counted("checksum", "bad-tcp-csum")[1], 0)

    def test_fragments_without_an_end_are_not_answered(self):
        self.assertEqual(self.counted("fragment", "frag-held", "frag-limit")[1], 0)


if __name__ == "__main__":
    bed.main()
