# SPDX-License-Identifier: BSD-3-Clause
"""Garbage on the wire and the control socket: each frame has a named end, others are served."""
import json
import os
import random
import socket
import struct
import time
import unittest

import bed

STRANGER = "10.99.0.3"      # nobody has it: what is answered goes nowhere
STRANGER6 = "fd99::3"
ETH_IP4, ETH_IP6, ETH_ARP, ETH_VLAN = 0x0800, 0x86dd, 0x0806, 0x8100
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
BATCH = 64                  # fewer than a queue of the tap device holds
SEED = 20260101


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def csum(data):
    s = sum(struct.unpack("!%dH" % ((len(data) + 1) // 2), data + bytes(len(data) % 2)))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def eth(payload, kind=ETH_IP4, dst=bed.TAP_MAC, src="02:00:00:00:99:03"):
    return mac(dst) + mac(src) + struct.pack("!H", kind) + payload


def ip4(payload, src=STRANGER, dst=bed.APPLIANCE, proto=6, first=0x45, total=None, frag=0,
        options=b"", wrong=0):
    total = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", first, 0, total, 7, frag, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + options
    return head[:10] + struct.pack("!H", csum(head) ^ wrong) + head[12:] + payload


def ip6(payload, src=STRANGER6, dst=bed.APPLIANCE6, proto=6, version=6, length=None):
    return struct.pack("!IHBB", version << 28, len(payload) if length is None else length, proto,
                       64) + socket.inet_pton(socket.AF_INET6, src) + \
        socket.inet_pton(socket.AF_INET6, dst) + payload


def tcp(flags=SYN, sport=40000, dport=7, seq=1, ack=0, options=b"", data=b"", src=STRANGER,
        dst=bed.APPLIANCE, offset=None, cut=None, wrong=0):
    offset = 5 + len(options) // 4 if offset is None else offset
    seg = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags, 65535, 0, 0) + \
        options + data
    seg = seg[:cut]
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) + \
        struct.pack("!II", len(seg), 6)
    if len(seg) < 18:
        return seg
    return seg[:16] + struct.pack("!H", csum(pseudo + seg) ^ wrong) + seg[18:]


def frame(**over):
    return eth(ip4(tcp(**over)))


def mss_option(value=1460):
    return struct.pack("!BBH", 2, 4, value)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rng = random.Random(SEED)
        cls.app = bed.Appliance().start()
        cls.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        cls.wire.bind((bed.IFACE, 0))
        cls.client = bed.connect(7)
        cls.turn = cls.sent = 0

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.wire.close()
        cls.app.stop()

    def tearDown(self):
        self.echo()
        self.outcomes()

    def echo(self):
        """The client of the whole test is still served; what was sent before has been handled."""
        BadInput.turn += 1
        data = b"turn %d" % self.turn
        self.client.sendall(data)
        self.assertEqual(bed.recv_exact(self.client, len(data)), data)

    def send(self, frames):
        for i, f in enumerate(frames):
            self.wire.send(f)
            BadInput.sent += 1
            if i % BATCH == BATCH - 1:
                self.echo()
        self.echo()

    def outcomes(self):
        """Drops by name, checked: what the port received was delivered or has a named end."""
        end = time.monotonic() + 5
        while True:
            drops = self.app.ctl("show", "drops")
            port = self.app.ctl("show", "ports")["ports"][0]
            again = self.app.ctl("show", "drops")
            if drops["received"] == again["received"] == port["rx_packets"]:
                break
            self.assertLess(time.monotonic(), end, (drops["received"], port))
        by_name = {row["reason"]: row["packets"] for row in drops["drops"]}
        self.assertGreater(drops["received"], self.sent)
        self.assertEqual(drops["received"], drops["delivered"] + drops["total"])
        self.assertEqual(sum(by_name.values()), drops["total"])
        return by_name

    def ends(self, frames, *names):
        """Every frame ends in one of these drops, and each of these is the end of some."""
        frames = list(frames)
        before = self.outcomes()
        self.send(frames)
        after = self.outcomes()
        grown = {n: after.get(n, 0) - before.get(n, 0) for n in names}
        self.assertEqual(sum(grown.values()), len(frames), (grown, after))
        for name in names:
            self.assertGreater(grown[name], 0, grown)

    # --- Ethernet, ARP -----------------------------------------------------------------------

    def test_unknown_ethertypes(self):
        known = (ETH_IP4, ETH_IP6, ETH_ARP, ETH_VLAN, 0x88a8, 0x9100)
        kinds = set(range(0, 0x600, 37)) | {self.rng.randrange(0x600, 0x10000) for _ in range(300)}
        self.ends([eth(bytes(60), k) for k in kinds if k not in known], "bad-ethertype")

    def test_frames_that_end_in_their_header(self):
        self.ends([eth(b"", ETH_VLAN) + bytes(n) for n in range(4)], "frame-short")

    def test_vlans_that_are_not_ours(self):
        inner = struct.pack("!H", ETH_IP4) + ip4(tcp())
        self.ends([eth(struct.pack("!H", v) + inner, ETH_VLAN) for v in (1, 5, 4094)], "bad-vlan")

    def test_addresses_of_ethernet(self):
        self.ends([eth(ip4(tcp()), src="03:00:00:00:00:01")], "bad-src-mac")
        self.ends([eth(ip4(tcp()), dst="02:00:00:00:00:55")], "bad-mac")
        self.ends([eth(ip4(tcp()), dst="ff:ff:ff:ff:ff:ff"),
                   eth(ip4(tcp()), dst="01:00:5e:00:00:01")], "bad-multicast")

    def arp(self, hw=1, proto=ETH_IP4, hlen=6, plen=4, op=1, spa=STRANGER, tpa=bed.APPLIANCE):
        return struct.pack("!HHBBH", hw, proto, hlen, plen, op) + mac("02:00:00:00:99:03") + \
            socket.inet_aton(spa) + bytes(6) + socket.inet_aton(tpa)

    def test_arp_that_lies(self):
        bad = [self.arp(hw=7), self.arp(proto=ETH_IP6), self.arp(hlen=5), self.arp(plen=16),
               self.arp(op=99), self.arp(spa="224.0.0.1")]
        self.ends([eth(a, ETH_ARP) for a in bad] +
                  [eth(self.arp()[:n], ETH_ARP) for n in range(28)], "arp-bad")

    # --- IP ----------------------------------------------------------------------------------

    def test_ip4_cut_at_every_length(self):
        whole = ip4(tcp(options=mss_option(), data=b"data"))
        self.ends([eth(whole[:n]) for n in range(len(whole))], "ip4-short", "ip4-bad-len")

    def test_ip4_headers_that_lie(self):
        self.ends([eth(ip4(tcp(), first=v << 4 | 5)) for v in range(16) if v != 4],
                  "ip4-bad-version")
        self.ends([eth(ip4(tcp(), first=0x40 | n)) for n in range(5)], "ip4-bad-ihl")
        self.ends([eth(ip4(tcp(), total=n)) for n in (0, 1, 19, 41, 60, 1500, 65535)],
                  "ip4-bad-len")
        self.ends([eth(ip4(tcp(), wrong=1 << n)) for n in range(16)], "ip4-bad-csum")
        # Fragments that cannot be: of 20 bytes with more to come, beyond 64 KiB.
        self.ends([eth(ip4(tcp(), frag=f)) for f in (0x2000, 0x1fff, 0x3fff)], "ip4-fragment")

    def test_ip4_options_of_every_kind_and_length(self):
        """Cut, lying, harmless or refused: each frame is counted once, whatever it is."""
        frames = [eth(ip4(tcp(sport=1024 + n, flags=ACK, ack=1), first=0x46,
                          options=bytes([kind, n, 0, 0])))
                  for kind in range(256) for n in (0, 1, 2, 3, 4, 5, 40, 255)]
        before = self.outcomes()
        self.send(frames)
        after = self.outcomes()
        self.assertGreaterEqual(sum(after.values()) - sum(before.values()), len(frames))
        self.assertGreater(after["ip4-bad-option"], before.get("ip4-bad-option", 0))
        self.assertGreater(after["ip4-source-route"], before.get("ip4-source-route", 0))

    def test_martians(self):
        martians = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.255.255.255",
                    "240.0.0.1", "255.255.255.255"]
        self.ends([eth(ip4(tcp(src=a), src=a)) for a in martians], "ip4-martian")
        self.ends([eth(ip4(tcp(src=bed.APPLIANCE), src=bed.APPLIANCE))], "ip4-own-source")
        self.ends([eth(ip4(tcp(dst=a), dst=a)) for a in ("10.99.0.9", "8.8.8.8")], "ip4-not-us")

    def test_protocols_that_nobody_speaks(self):
        self.ends([eth(ip4(bytes(40), proto=p)) for p in range(256) if p not in (1, 6, 17)],
                  "ip-bad-proto")
        self.ends([eth(ip4(bytes(40), proto=17))], "udp-no-port")

    def test_ip6_cut_at_every_length(self):
        whole = ip6(tcp(src=STRANGER6, dst=bed.APPLIANCE6))
        self.ends([eth(whole[:n], ETH_IP6) for n in range(len(whole))], "ip6-short", "ip6-bad-len")

    def test_ip6_headers_that_lie(self):
        self.ends([eth(ip6(bytes(40), version=v), ETH_IP6) for v in range(16) if v != 6],
                  "ip6-bad-version")
        self.ends([eth(ip6(bytes(40), src=a), ETH_IP6) for a in ("::1", "ff02::1", "::")],
                  "ip6-martian")
        self.ends([eth(ip6(bytes(40), src=bed.APPLIANCE6), ETH_IP6)], "ip6-own-source")
        self.ends([eth(ip6(struct.pack("!BBHI", 6, 0, f, 1) + tcp(), proto=44), ETH_IP6)
                   for f in (1, 0xfff8)], "ip6-fragment")
        # A chain of extension headers that never ends.
        self.ends([eth(ip6(bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 20, proto=60), ETH_IP6)],
                  "ip6-bad-ext")

    def test_icmp_cut_and_wrong(self):
        echo = struct.pack("!BBHHH", 8, 0, csum(b"\x08\0\0\0\0\1\0\1"), 1, 1)
        self.ends([eth(ip4(echo[:n], proto=1)) for n in range(8)] +
                  [eth(ip4(b"\x08\0\xff" + echo[3:], proto=1))], "icmp-bad")

    # --- TCP ---------------------------------------------------------------------------------

    def test_tcp_cut_at_every_length(self):
        """With a checksum that is right all the same; then with that of the whole."""
        part = dict(options=mss_option(), data=b"data")
        whole = tcp(**part)
        self.ends([frame(cut=n, **part) for n in range(20)], "tcp-short")
        self.ends([frame(cut=n, **part) for n in range(20, 24)], "tcp-bad-offset")
        self.ends([eth(ip4(whole[:n])) for n in range(20, len(whole))], "bad-tcp-csum")

    def test_tcp_headers_that_lie(self):
        self.ends([frame(offset=n) for n in list(range(5)) + list(range(6, 16))],
                  "tcp-bad-offset")
        self.ends([frame(wrong=1 << n) for n in range(16)], "bad-tcp-csum")
        self.ends([frame(sport=0), frame(dport=0), frame(sport=0, dport=0)], "tcp-bad-port")
        self.ends([frame(flags=f) for f in (0, SYN | FIN, PSH)], "tcp-bad-flags")
        self.ends([frame(flags=f) for f in (SYN | RST, SYN | FIN | RST)], "no-conn-rst")

    def test_every_combination_of_flags_without_a_connection(self):
        self.send(frame(flags=f, sport=2000 + f, dport=dport, ack=f * 77)
                  for f in range(256) for dport in (7, 4242))

    def test_syn_options_of_every_kind_and_length(self):
        """Each is answered or dropped; the next client in line gets its connection all the same."""
        frames = []
        for kind in range(256):
            for n in range(41):
                body = bytes([kind, n]) + self.rng.randbytes(38)
                cut = 4 * self.rng.randrange(1, 11)
                frames.append(frame(sport=1024 + len(frames), options=body[:cut]))
        self.send(frames)
        with bed.closing(bed.connect(7, timeout=10)) as _:
            pass

    def test_syn_with_good_options_after_bad_ones_is_answered(self):
        before = self.app.ctl("show", "drops")["delivered"]
        self.send(frame(sport=50000 + n, options=mss_option() + bytes([3, n, 7, 1]))
                  for n in range(64))
        self.assertGreaterEqual(self.app.ctl("show", "drops")["delivered"], before + 64)

    def test_blind_segments_at_a_living_connection(self):
        """A peer that knows the ports, but not the numbers."""
        flags = (SYN, RST, RST | ACK, ACK, FIN | ACK, PSH | ACK)
        peer = dict(src=bed.LINUX, sport=self.client.getsockname()[1])
        linux = self.wire.getsockname()[4].hex()
        self.send(eth(ip4(tcp(flags=self.rng.choice(flags), seq=self.rng.getrandbits(32),
                              ack=self.rng.getrandbits(32),
                              data=self.rng.randbytes(self.rng.randrange(20)), **peer),
                          src=bed.LINUX), src=linux)
                  for _ in range(1000))

    def test_noise(self):
        """Good frames with bits turned over, anywhere."""
        good = [frame(options=mss_option()), frame(flags=ACK, ack=1, data=b"x" * 60),
                eth(self.arp(), ETH_ARP), eth(ip6(tcp(src=STRANGER6, dst=bed.APPLIANCE6)), ETH_IP6)]
        frames = []
        for _ in range(4000):
            f = bytearray(self.rng.choice(good))
            for _ in range(self.rng.randrange(1, 5)):
                f[self.rng.randrange(12, len(f))] ^= 1 << self.rng.randrange(8)
            keep = self.rng.choice((len(f), self.rng.randrange(14, len(f))))
            frames.append(bytes(f[:keep]))
        self.send(frames)

    # --- the control socket -------------------------------------------------------------------

    def control(self, data, finish=True):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        try:
            s.connect(self.app.control)
            s.sendall(data)
            if finish:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # not let in, or thrown out already
        return s

    def answers(self, data):
        """The lines after the greeting; all of them are JSON."""
        got = b""
        with self.control(data) as s:
            try:
                while True:
                    b = s.recv(65536)
                    if not b:
                        break
                    got += b
            except ConnectionResetError:
                pass  # it did not read to the end
        return [json.loads(line) for line in got.splitlines()][1:]

    def test_garbage_on_the_control_socket_is_answered_by_its_error(self):
        rows = [
            (b"x" * (4 << 20), "E_TOO_LONG"),
            (b"[" * 100000 + b"\n", "E_TOO_LONG"),
            (b"[" * 1000 + b"\n", "E_SYNTAX"),
            (b"\0" * 5000 + b"\n", "E_SYNTAX"),
            (b'"\xff\xfe"\n', "E_SYNTAX"),
            (b"{}\n", "E_SYNTAX"),
            (b"[]\n", "E_SYNTAX"),
            (b"null\n", "E_SYNTAX"),
            (b'{"cmd":[]}\n', "E_SYNTAX"),
            (b'{"cmd":"get","args":{"name":1e999}}\n', "E_SYNTAX"),
            (b"GET / HTTP/1.1\r\n", "E_SYNTAX"),
            (b'{"cmd":"nosuch"}\n', "E_UNKNOWN_COMMAND"),
            (b'{"cmd":"' + b"A" * 60000 + b'"}\n', "E_UNKNOWN_COMMAND"),
            (b'{"cmd":"show version","args":7}\n', "E_BAD_ARGUMENT"),
            (b'{"cmd":"set","args":{"name":[]}}\n', "E_BAD_ARGUMENT"),
            (b'{"cmd":"set","args":{"name":"tcp_sack","value":"-1"}}\n', "E_REFUSED"),
            (b'{"cmd":"set","args":{"name":"tcp_sak","value":"1"}}\n', "E_UNKNOWN_TUNABLE"),
        ]
        for data, code in rows:
            with self.subTest(data=data[:60]):
                self.assertEqual([a["error"]["code"] for a in self.answers(data)], [code])
                self.echo()

    def test_noise_on_the_control_socket_does_not_stop_it(self):
        for _ in range(50):
            self.answers(self.rng.randbytes(self.rng.randrange(1, 3000)))
            self.answers(b'{"a":' * self.rng.randrange(9999))
            self.assertIn("version", self.app.ctl("show", "version"))

    def test_clients_of_the_control_socket_that_never_finish(self):
        held = [self.control(b'{"half', finish=False) for _ in range(200)]
        self.echo()
        for s in held:
            s.close()
        end = time.monotonic() + 10
        while True:
            try:
                self.app.ctl("show", "version")
                return
            except (RuntimeError, ValueError):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)


if __name__ == "__main__":
    bed.main()
