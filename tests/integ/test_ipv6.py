# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 by neighbour discovery, with Linux on the other side and nothing configured."""
import hashlib
import os
import socket
import subprocess
import time
import unittest

import bed

MIB = 1 << 20


class Ipv6(unittest.TestCase):
    workers = 1

    @classmethod
    def setUpClass(cls):
        cls.app = bed.Appliance(workers=cls.workers).start()

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()

    def counter(self, name):
        return bed.counter(self.app, name)

    def test_ping_is_answered(self):
        bed.need("ping")
        out = bed.sh("ping", "-6", "-n", "-c", "3", "-i", "0.2", "-W", "5", bed.APPLIANCE6)
        self.assertIn(" 0% packet loss", out)

    def test_curl_fetches_a_page_by_its_literal(self):
        bed.need("curl")
        r = subprocess.run(["curl", "-6", "-g", "-sS", "-m", "20", "--noproxy", "*",
                            "http://[%s]/healthz" % bed.APPLIANCE6],
                           capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stdout.strip()), (0, "ok"), r.stderr)

    def test_sixteen_mebibytes_there_and_back_are_exact(self):
        data = os.urandom(16 * MIB)
        s = bed.connect(7, timeout=60, address=bed.APPLIANCE6)
        with bed.closing(s):
            got = bed.swap(s, data)
        self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(data).digest())

    def test_the_kernel_resolved_us_and_we_it(self):
        """Both caches are filled by questions and answers, not by configuration."""
        bed.connect(7, address=bed.APPLIANCE6).close()
        neigh = bed.sh("ip", "-6", "neigh", "show", bed.APPLIANCE6)
        self.assertIn(bed.TAP_MAC, neigh)
        self.assertNotIn("PERMANENT", neigh)
        self.assertGreater(self.counter("Icmp6InNeighborSolicits"), 0)
        self.assertGreater(self.counter("Icmp6OutNeighborAdvertisements"), 0)

    def test_a_kernel_that_forgets_us_finds_us_again(self):
        for _ in range(3):
            bed.sh("ip", "-6", "neigh", "flush", "dev", bed.IFACE)
            bed.connect(7, timeout=10, address=bed.APPLIANCE6).close()

    def test_a_link_local_client_is_served(self):
        """Its packets come from fe80::, which is on every link."""
        end = time.monotonic() + 10
        lines = "tentative"
        while "tentative" in lines and time.monotonic() < end:
            time.sleep(0.1)
            lines = bed.sh("ip", "-6", "-o", "addr", "show", "dev", bed.IFACE, "scope", "link")
        mine = lines.split("inet6 ")[1].split("/")[0]
        s = socket.socket(socket.AF_INET6)
        with bed.closing(s):
            s.settimeout(10)
            s.bind((mine, 0, 0, socket.if_nametoindex(bed.IFACE)))
            s.connect((bed.APPLIANCE6, 7))
            s.sendall(b"from next door")
            self.assertEqual(bed.recv_exact(s, 14), b"from next door")


class Ipv6TwoWorkers(Ipv6):
    workers = 2


class Duplicate(unittest.TestCase):
    """Linux has the address already when the appliance asks for it."""

    def test_an_address_that_linux_has_is_not_served(self):
        # A veth stays while the appliance starts, so that Linux can be there first.
        app = bed.Appliance(port_type="af_packet")
        app.make_link()
        bed.sh("ip", "-6", "addr", "add", bed.APPLIANCE6 + "/64", "dev", bed.PEER, "nodad")
        try:
            app.start_again()
            end = time.monotonic() + 10
            while "another station has" not in app.log_text() and time.monotonic() < end:
                time.sleep(0.1)
            self.assertIn("another station has %s already" % bed.APPLIANCE6, app.log_text())
            self.assertGreater(bed.counter(app, "NdDuplicates"), 0)
            # IPv4 is served all the same.
            bed.connect(7).close()
        finally:
            app.stop()


if __name__ == "__main__":
    bed.main()
