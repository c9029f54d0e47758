# SPDX-License-Identifier: BSD-3-Clause
"""Linux cuts what it sends into fragments: on its way to us, and at home."""
import os
import re
import socket
import subprocess
import time
import unittest

import bed

FAR = "10.98.0.2"
NARROW = 600
DEADLINE_S = 20

# A client that lets routers fragment: no DF, so a full segment comes in three pieces.
CLIENT = """
import socket, sys
s = socket.create_connection((sys.argv[1], 7), timeout=30)
s.setsockopt(socket.IPPROTO_IP, 10, 0)
data = bytes(i * 7 % 251 for i in range(int(sys.argv[2])))
got = b""
for i in range(0, len(data), 20000):
    s.sendall(data[i:i + 20000])
    while len(got) < min(i + 20000, len(data)):
        b = s.recv(1 << 16)
        if not b:
            sys.exit("ended early")
        got += b
sys.exit(0 if got == data else "differs")
"""


class Fragments(unittest.TestCase):
    """appliance - 600 bytes - Linux, which is a router for a client in a namespace as well"""
    workers = 1

    @classmethod
    def setUpClass(cls):
        bed.need("ping")
        cls.ns = "sluice-frag-%d-%d" % (os.getpid(), cls.workers)
        cls.app = bed.Appliance(workers=cls.workers, tunables={"ipfrag_time": 2, "ip6frag_time": 2},
                                ports={"wan0": dict(bed.Appliance().port(),
                                                    gateway=bed.LINUX, gateway6=bed.LINUX6)})
        cls.app.start()
        bed.sh("ip", "netns", "add", cls.ns)
        bed.sh("ip", "link", "add", "wide0", "type", "veth", "peer", "name", "wide1",
               "netns", cls.ns)
        for where, dev, mine in (([], "wide0", "10.98.0.1/24"),
                                 (["-n", cls.ns], "wide1", FAR + "/24")):
            bed.sh("ip", *where, "link", "set", dev, "up")
            bed.sh("ip", *where, "addr", "add", mine, "dev", dev)
        bed.sh("ip", "-n", cls.ns, "route", "add", "default", "via", "10.98.0.1")
        bed.sh("ip", "netns", "exec", cls.ns, "sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1")
        bed.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
        # Locked: what is longer is cut, here and when it is passed on.
        bed.sh("ip", "route", "replace", bed.APPLIANCE + "/32", "dev", bed.IFACE, "mtu", "lock",
               str(NARROW))
        bed.sh("ip", "-6", "route", "replace", bed.APPLIANCE6 + "/128", "dev", bed.IFACE, "mtu",
               "1280")

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()
        subprocess.run(["ip", "link", "del", "wide0"], capture_output=True)
        subprocess.run(["ip", "netns", "del", cls.ns], capture_output=True)

    def tearDown(self):
        """Whatever was begun is given up in time, and no buffer is kept."""
        end = time.monotonic() + DEADLINE_S
        while bed.counter(self.app, "SluiceReasmInUse") != 0 and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(bed.counter(self.app, "SluiceReasmInUse"), 0)

    def drops(self, name):
        rows = self.app.ctl("show", "drops")["drops"]
        return sum(row["packets"] for row in rows if row["reason"] == name)

    def ping(self, version, address, size):
        r = subprocess.run(["ping", "-" + version, "-n", "-c", "3", "-i", "0.2", "-W", "2", "-s",
                            str(size), address], capture_output=True, text=True, timeout=30)
        return int(re.search(r"(\d+) received", r.stdout).group(1))

    def test_echo_of_both_versions(self):
        self.assertEqual(self.ping("4", bed.APPLIANCE, 1400), 3)
        self.assertEqual(self.ping("6", bed.APPLIANCE6, 1400), 3)
        self.assertGreaterEqual(bed.counter(self.app, "IpReasmOKs"), 3)
        self.assertGreaterEqual(bed.counter(self.app, "Ip6ReasmOKs"), 3)

    def test_echo_that_no_reply_fits(self):
        """Our answer would have to be cut: the request is dropped, and it is said why."""
        before = self.drops("frag-too-long")
        self.assertEqual(self.ping("4", bed.APPLIANCE, 4000), 0)
        self.assertEqual(self.ping("6", bed.APPLIANCE6, 4000), 0)
        self.assertGreaterEqual(self.drops("frag-too-long"), before + 6)

    def test_udp_is_refused(self):
        for family, address in ((socket.AF_INET, bed.APPLIANCE), (socket.AF_INET6, bed.APPLIANCE6)):
            for size in (10, 4000):
                s = socket.socket(family, socket.SOCK_DGRAM)
                with bed.closing(s):
                    s.settimeout(5)
                    s.connect((address, 9))
                    s.send(bytes(size))
                    with self.assertRaises(ConnectionRefusedError):
                        s.recv(1)

    def test_segments_cut_by_a_router(self):
        done = bed.counter(self.app, "IpReasmOKs")
        r = subprocess.run(["ip", "netns", "exec", self.ns, "python3", "-c", CLIENT, bed.APPLIANCE,
                            "1000000"], capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertGreater(bed.counter(self.app, "IpReasmOKs"), done + 300)
        if self.workers > 1:
            self.assertEqual(self.drops("handover-full"), 0)


class FragmentsTwoWorkers(Fragments):
    workers = 2


if __name__ == "__main__":
    bed.main()
