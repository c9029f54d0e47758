# SPDX-License-Identifier: BSD-3-Clause
"""Long packets that the card cuts: Linux gets every byte, with TSO and without, on either side."""
import json
import os
import select
import socket
import subprocess
import time
import unittest

import bed

TAP = "client0"
MAC = "02:00:00:00:99:02"
WORDS_S = 30
MIB = 1 << 20
SIZE = (512 if bed.long_run() else 32) * MIB
LINE = bytes(range(32, 127))


def chargen(n):
    """RFC 864, as the service sends it."""
    ring = LINE * 2
    page = b"".join(ring[i:i + 72] + b"\r\n" for i in range(95))
    return (page * (n // len(page) + 1))[:n]


class TsoAppliance(bed.Appliance):
    """Its card is what a virtual machine has; tso_link is the monitor."""

    tso = "on"

    def port(self):
        return {"type": "virtio_user", "path": os.path.join(self.dir, "vm.sock"),
                "mac": bed.TAP_MAC, "addresses": [bed.APPLIANCE + "/24", bed.APPLIANCE6 + "/64"]}

    def make_link(self):
        self.link = subprocess.Popen(
            [os.path.join(bed.build_dir(), "tests/integ/tso_link"),
             self.config["ports"]["wan0"]["path"], TAP, self.tso],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not select.select([self.link.stdout], [], [], WORDS_S)[0] or \
                not self.link.stdout.readline().startswith(b"READY"):
            raise RuntimeError("tso_link does not start")
        bed.sh("ip", "link", "set", TAP, "address", MAC, "up")
        bed.sh("ip", "addr", "replace", bed.LINUX + "/24", "dev", TAP)
        bed.sh("ip", "-6", "addr", "replace", bed.LINUX6 + "/64", "dev", TAP, "nodad")

    def linux_side(self):
        pass

    def end_link(self):
        """What it says at its end."""
        out, _ = self.link.communicate(timeout=WORDS_S)
        return json.loads(out)

    def stop(self):
        if self.link.poll() is None:
            self.link.kill()
        self.link.wait()
        self.port_type = "tap"  # there is no link to remove
        return super().stop()


class TsoOff(TsoAppliance):
    tso = "off"


def download(size, address=bed.APPLIANCE):
    """Read so much of chargen, compare each byte; returns seconds."""
    s = bed.connect(19, address=address)
    with bed.closing(s):
        start = time.monotonic()
        got = bed.recv_exact(s, size)
        took = time.monotonic() - start
        if got != chargen(size):
            raise AssertionError("other bytes than were sent")
    return took


class Tso(unittest.TestCase):
    def moves(self, make, long_packets, **over):
        """Downloads and echoes; returns what the link says."""
        app = make(**over)
        with app:
            for address in (bed.APPLIANCE, bed.APPLIANCE6):
                print("%.0f MiB/s" % (SIZE / MIB / download(SIZE, address)), end=" ", flush=True)
            data = os.urandom(4 * MIB)
            s = bed.connect(7)
            with bed.closing(s):
                self.assertEqual(bed.swap(s, data), data)
            features = app.ctl("show", "ports", "--features")["ports"][0]["features"]
            self.assertEqual(features["tso"] == "hw", make.tso == "on")
            packets = bed.counter(app, "SluiceTsoPackets")
            self.assertEqual(packets > 0, long_packets)
            # Each in two segments at least.
            self.assertGreaterEqual(bed.counter(app, "SluiceTsoSegs"), 2 * packets)
            self.assertEqual(bed.counter(app, "SluicePktAllocFails"), 0)
            said = app.end_link()
        self.assertEqual(said["long"] > 0, long_packets, said)
        return said

    def test_with_tso_one_packet_carries_many_segments(self):
        said = self.moves(TsoAppliance, True)
        self.assertGreater(said["longest"], 10000)
        self.assertLessEqual(said["longest"], 65535 + 14)

    def test_a_card_without_tso_gets_segments(self):
        self.moves(TsoOff, False)

    def test_without_checksum_offload_there_is_no_tso(self):
        app = TsoAppliance()
        port = dict(app.config["ports"]["wan0"], checksum_offload="off")
        app.config["ports"]["wan0"] = port
        with app:
            download(MIB)
            self.assertEqual(bed.counter(app, "SluiceTsoPackets"), 0)

    def test_gso_max_size_bounds_them_at_once(self):
        app = TsoAppliance()
        with app:
            app.ctl("set", "gso_max_size", "6000")
            download(4 * MIB)
            self.assertGreater(bed.counter(app, "SluiceTsoPackets"), 0)
            app.ctl("set", "gso_max_size", "0")
            before = bed.counter(app, "SluiceTsoPackets")
            download(4 * MIB)
            self.assertEqual(bed.counter(app, "SluiceTsoPackets"), before)
            said = app.end_link()
        self.assertLessEqual(said["longest"], 6000 + 14)

    def test_a_connection_that_is_cut_gives_every_buffer_back(self):
        app = TsoAppliance()
        with app:
            for _ in range(20):
                s = bed.connect(19)
                s.recv(100000)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.close()
            time.sleep(0.5)
            # What the card has not completed yet is its own, not ours.
            self.assertLess(bed.counter(app, "SluicePktsInUse"), 64)
            download(MIB)


if __name__ == "__main__":
    bed.main()
