# SPDX-License-Identifier: BSD-3-Clause
"""Large frames, several queues and checksum offload over vhost; no network, no rights needed."""
import itertools
import os
import re
import subprocess
import unittest

import bed

MIB = 1 << 20
CLIENT_LIMIT_S = 60


class VhostAppliance(bed.Appliance):
    """Its port is a socket; vhost_client is the only one who can reach it."""

    def port(self):
        return {"type": "vhost", "path": os.path.join(self.dir, "vhost.sock"),
                "addresses": [bed.APPLIANCE + "/24"]}

    def make_link(self):
        pass

    def linux_side(self):
        pass

    def wait_answer(self, end):
        pass

    def stop(self):
        self.port_type = "tap"  # there is no link to remove
        return super().stop()


class Vhost(unittest.TestCase):
    def moves(self, mtu, queues, ours, theirs, mib=16):
        """Both services with one daemon; returns what the client says of each connection."""
        rows = []
        app = VhostAppliance(workers=queues)
        app.config["ports"]["wan0"].update(mtu=mtu, checksum_offload=ours)
        client = os.path.join(bed.build_dir(), "tests", "integ", "vhost_client")
        with app:
            for service in ("chargen", "echo"):
                r = subprocess.run([client, app.config["ports"]["wan0"]["path"], str(mtu),
                                    str(queues), "on" if theirs == "auto" else "off", str(mib),
                                    service],
                                   capture_output=True, text=True, timeout=CLIENT_LIMIT_S)
                self.assertEqual(r.returncode, 0, r.stdout + r.stderr + app.log_text())
                lines = [{k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}
                         for line in r.stdout.splitlines()]
                self.assertEqual(len(lines), queues, r.stdout)
                rows += lines
        for row in rows:
            print("%.0f MiB/s" % (row["bytes"] / MIB / max(row["us"], 1) * 1e6), end=" ",
                  flush=True)
            self.assertEqual(row["bytes"], mib * MIB)
            # What remains of the MTU behind 20 bytes of IPv4, 20 of TCP, 12 of timestamps.
            self.assertEqual(row["mss"], mtu - 52)
            # A buffer holds a full segment, and what was copied behind it while it waited.
            self.assertGreaterEqual(row["largest"], mtu - 52)
            # The port of the client computes checksums and verifies them, or does neither.
            self.assertEqual(row["csum"], 3 if theirs == "auto" else 0)

    def test_mtu_1500(self):
        self.moves(1500, 1, "auto", "auto")

    def test_mtu_1500_without_offload(self):
        self.moves(1500, 1, "off", "off")

    def test_mtu_1500_two_queues(self):
        self.moves(1500, 2, "auto", "auto")

    def test_mtu_9000(self):
        self.moves(9000, 1, "auto", "auto")

    def test_mtu_9000_without_offload(self):
        self.moves(9000, 1, "off", "off")

    def test_mtu_9000_two_queues(self):
        self.moves(9000, 2, "auto", "auto")

    def test_mtu_9000_two_queues_without_offload(self):
        self.moves(9000, 2, "off", "off")

    def test_offload_on_one_side_only(self):
        for ours, theirs in itertools.permutations(("auto", "off")):
            with self.subTest(ours=ours, theirs=theirs):
                self.moves(9000, 1, ours, theirs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
