# SPDX-License-Identifier: BSD-3-Clause
"""Frames in many buffers, over vhost: headers across their ends, and more than a buffer holds."""
import os
import subprocess
import time
import unittest

import bed
from test_bad_input import eth, ip4, mss_option, tcp
from test_vhost import VhostAppliance

LIMIT_S = 60
MTU = 1500
MAC = "02:00:00:00:99:02"   # of vhost_wire


class Chained(unittest.TestCase):
    def setUp(self):
        self.app = VhostAppliance(checksum_offload="auto")
        self.app.config.pop("checksum_offload")
        self.app.config["ports"]["wan0"].update(mtu=MTU, mac=bed.TAP_MAC)
        self.app.start()
        self.addCleanup(self.app.stop)

    def wire(self, *frames):
        """Send frames, each (lengths of its buffers but the last, bytes); what came back."""
        lines = "".join("%s %s\n" % (",".join(map(str, cuts)) or "0", frame.hex())
                        for cuts, frame in frames)
        wire = os.path.join(bed.build_dir(), "tests", "integ", "vhost_wire")
        done = subprocess.run([wire, self.app.config["ports"]["wan0"]["path"]], input=lines,
                              capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.app.log_text())
        return [bytes.fromhex(line) for line in done.stdout.split()]

    def drops(self):
        time.sleep(0.2)
        answer = self.app.ctl("show", "drops")
        self.assertEqual(answer["received"], answer["delivered"] + answer["total"])
        return {row["reason"]: row["packets"] for row in answer["drops"]}

    def syn(self, sport, pad=0):
        return eth(ip4(tcp(sport=sport, dport=7, options=mss_option()) + bytes(pad)), src=MAC)

    def test_a45_a_frame_in_many_buffers_of_its_sender_is_one_of_ours(self):
        """However the sender cuts it, in front of and within each header."""
        size = len(self.syn(1))
        cuts = [(n,) for n in range(1, size)] + [tuple([1] * 40), (14, 20, 20), (7, 20, 20)]
        back = self.wire(*[(cut, self.syn(20000 + i)) for i, cut in enumerate(cuts)])
        ports = {int.from_bytes(f[36:38], "big") for f in back
                 if f[12:14] == b"\x08\x00" and f[23] == 6 and f[47] == 0x12}
        self.assertEqual(ports, {20000 + i for i in range(len(cuts))})
        self.assertNotIn("rx-chained", self.drops())

    def test_a45_a_frame_longer_than_a_buffer_has_a_named_end(self):
        """Longer ones are counted by name, whatever is in them, and those between are served."""
        long = eth(ip4(tcp(sport=1, dport=7, data=bytes(8000))), src=MAC)
        frames = [((), long), ((), long[:3000] + bytes(3000)), ((50, 60), long),
                  ((), bytes(6000)), ((), self.syn(30000))]
        back = self.wire(*frames)
        self.assertTrue(any(f[36:38] == (30000).to_bytes(2, "big") for f in back))
        self.assertEqual(self.drops().get("rx-chained"), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
