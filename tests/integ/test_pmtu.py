# SPDX-License-Identifier: BSD-3-Clause
"""A client behind a link of smaller MTU: Linux routes, and reports what is too big."""
import os
import subprocess
import unittest

import bed

MIB = 1 << 20
FAR = "10.98.0.2"
FAR6 = "fd98::2"
NARROW = 1300

CLIENT = """
import hashlib, os, socket, sys, threading
s = socket.create_connection((sys.argv[1], 7), timeout=30)
data = os.urandom(int(sys.argv[2]))
t = threading.Thread(target=s.sendall, args=(data,))
t.start()
got = 0
h = hashlib.sha256()
while got < len(data):
    b = s.recv(1 << 20)
    if not b:
        sys.exit("ended early")
    h.update(b)
    got += len(b)
t.join()
sys.exit(0 if h.digest() == hashlib.sha256(data).digest() else "differs")
"""


class NarrowPath(unittest.TestCase):
    """appliance (10.99.0.1) - Linux router - veth of 1300 bytes - client in its own namespace"""

    @classmethod
    def setUpClass(cls):
        cls.ns = "sluice-pmtu-%d" % os.getpid()
        cls.app = bed.Appliance(ports={"wan0": dict(
            bed.Appliance().port(), gateway=bed.LINUX, gateway6=bed.LINUX6)}).start()
        bed.sh("ip", "netns", "add", cls.ns)
        bed.sh("ip", "link", "add", "narrow0", "type", "veth", "peer", "name", "narrow1",
               "netns", cls.ns)
        for where, dev, mine, other in (([], "narrow0", "1", "2"),
                                        (["-n", cls.ns], "narrow1", "2", "1")):
            ip = ["ip"] + where
            bed.sh(*ip, "link", "set", dev, "up")
            bed.sh(*ip, "addr", "add", "10.98.0.%s/24" % mine, "dev", dev)
            bed.sh(*ip, "-6", "addr", "add", "fd98::%s/64" % mine, "dev", dev, "nodad")
        # The client knows how narrow its own way is, and announces a full MSS all the same:
        # only what comes to it must be found out. A veth drops what its end's MTU does not take.
        bed.sh("ip", "link", "set", "narrow0", "mtu", str(NARROW))
        for family, gateway, mss in (("-4", "10.98.0.1", 1460), ("-6", "fd98::1", 1440)):
            bed.sh("ip", "-n", cls.ns, family, "route", "add", "default", "via", gateway,
                   "mtu", str(NARROW), "advmss", str(mss))
        bed.sh("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
               "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()
        subprocess.run(["ip", "netns", "del", cls.ns], capture_output=True)

    def exchange(self, address):
        lowered = bed.counter(self.app, "SluicePmtuLowered")
        r = subprocess.run(["ip", "netns", "exec", self.ns, "python3", "-c", CLIENT, address,
                            str(4 * MIB)], capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertGreater(bed.counter(self.app, "SluicePmtuLowered"), lowered)

    def test_ipv4_gets_through(self):
        self.exchange(bed.APPLIANCE)

    def test_ipv6_gets_through(self):
        self.exchange(bed.APPLIANCE6)


if __name__ == "__main__":
    bed.main()
