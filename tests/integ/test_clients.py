# SPDX-License-Identifier: BSD-3-Clause
"""The clients people use: ping, curl, wget, ab, wrk, nc, sockets."""
import hashlib
import os
import re
import subprocess
import unittest

import bed


class Clients(bed.unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = bed.tempfile.mkdtemp(prefix="sluice-www-")
        with open(os.path.join(cls.root, "file.bin"), "wb") as f:
            f.write(os.urandom(3000000))
        cls.app = bed.Appliance(services={"http": {"port": 80, "root": cls.root}}).start()

    @classmethod
    def tearDownClass(cls):
        bed.shutil.rmtree(cls.root)
        cls.status = cls.app.stop()

    def url(self, path):
        return "http://%s%s" % (bed.APPLIANCE, path)

    def test_ping_is_answered(self):
        bed.need("ping")
        out = bed.sh("ping", "-c", "3", "-i", "0.2", "-W", "2", bed.APPLIANCE)
        self.assertIn("3 received", out)

    def test_curl_gets_the_page_and_health(self):
        self.assertIn("<html", bed.sh("curl", "-sf", "-m", "10", self.url("/")).lower())
        self.assertEqual(bed.sh("curl", "-sf", "-m", "10", self.url("/healthz")), "ok\n")

    def test_curl_gets_a_file_byte_for_byte(self):
        got = subprocess.run(["curl", "-sf", "-m", "30", self.url("/file.bin")],
                             check=True, capture_output=True).stdout
        with open(os.path.join(self.root, "file.bin"), "rb") as f:
            self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(f.read()).digest())

    def test_curl_range_and_head(self):
        got = subprocess.run(["curl", "-sf", "-m", "10", "-r", "100-199", self.url("/file.bin")],
                             check=True, capture_output=True).stdout
        with open(os.path.join(self.root, "file.bin"), "rb") as f:
            self.assertEqual(got, f.read()[100:200])
        self.assertIn("Content-Length: 3000000", bed.sh("curl", "-sfI", "-m", "10",
                                                        self.url("/file.bin")))

    def test_missing_file_is_404(self):
        out = bed.sh("curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}",
                     self.url("/nothing"))
        self.assertEqual(out, "404")

    def test_wget_saves_the_file(self):
        bed.need("wget")
        to = os.path.join(self.root, "..", os.path.basename(self.root) + ".got")
        try:
            bed.sh("wget", "-q", "-T", "20", "-O", to, self.url("/file.bin"))
            self.assertEqual(os.path.getsize(to), 3000000)
        finally:
            if os.path.exists(to):
                os.unlink(to)

    def ab(self, *args):
        bed.need("ab")
        out = bed.sh("ab", "-q", "-s", "20", *args, self.url("/"))
        self.assertEqual(re.search(r"Failed requests:\s+(\d+)", out).group(1), "0")
        self.assertIsNone(re.search(r"Non-2xx", out))

    def test_ab_without_keepalive(self):
        self.ab("-n", "2000", "-c", "20")

    def test_ab_with_keepalive(self):
        self.ab("-k", "-n", "5000", "-c", "20")

    def test_wrk_gets_no_errors(self):
        bed.need("wrk")
        out = bed.sh("wrk", "-t", "1", "-c", "32", "-d", "3s", self.url("/"))
        self.assertNotIn("Socket errors", out)
        self.assertNotIn("Non-2xx", out)
        self.assertGreater(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), 100)

    def test_nc_echo(self):
        bed.need("nc")
        out = bed.sh("nc", "-N", "-w", "5", bed.APPLIANCE, "7", input="hello, appliance\n")
        self.assertEqual(out, "hello, appliance\n")

    def test_chargen_has_the_pattern(self):
        s = bed.connect(19)
        with bed.closing(s):
            got = bed.recv_exact(s, 74 * 3)
        self.assertTrue(got[:74].endswith(b"\r\n"))
        self.assertEqual(got[74:74 + 71], got[1:72])

    def test_outcomes_sum_to_the_packets_received(self):
        drops = self.app.ctl("show", "drops")
        self.assertGreater(drops["delivered"], 0)
        self.assertEqual(drops["received"], drops["delivered"] + drops["total"])


if __name__ == "__main__":
    bed.main()
