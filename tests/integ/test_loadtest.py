# SPDX-License-Identifier: BSD-3-Clause
"""The load-test kit as its users run it: floods on wires of its own, and pktgen's stand-in."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import bed

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
RUN = os.path.join(ROOT, "app/loadtest/run")
FAKE = os.path.join(ROOT, "tests/lib/fake_pktgen")
sys.path.insert(0, os.path.join(ROOT, "app/loadtest"))
from kit import result as results  # noqa: E402

PASS, FAIL, USAGE, START, SATURATED = 0, 1, 2, 3, 6
LIMIT_S = 100
THERE = ["--target", "192.0.2.1:80", "--target-mac", "02:00:00:00:00:01"]


def namespaces():
    """The network namespaces of all processes that can be seen."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            pass
    return found


def descendant(pid, name):
    """The process of that name below another; None: there is none."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        children = f.read().split()
    for child in children:
        with open(f"/proc/{child}/comm") as f:
            if f.read().strip() == name:
                return int(child)
        found = descendant(child, name)
        if found is not None:
            return found
    return None


class Kit(unittest.TestCase):
    """What all tests need."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-kit-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def kit(self, *words, env=None, build=None):
        """A run: its status, its result (None: none), and what it said."""
        path = self.path("result.json")
        done = subprocess.run([RUN, *words, "--build", build or bed.build_dir(), "--json", path],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        made = None
        if os.path.exists(path):
            with open(path) as f:
                made = json.load(f)
            os.unlink(path)
            self.assertEqual(list(results.violations(made, results.schema())), [])
        return done.returncode, made, done.stdout + done.stderr


class Floods(Kit):
    """On wires that are made for them. A busy machine's figures are not judged: counts are."""

    def flood(self, *words):
        """One that has a result, whatever the machine made of it."""
        code, made, said = self.kit(*words, "--seconds", "1", "--rate", "4k", "--frames", "2k")
        self.assertIn(code, (PASS, FAIL, SATURATED), said)
        self.assertIsNotNone(made, said)
        self.assertEqual({"pass": PASS, "fail": FAIL, "saturated": SATURATED}[made["verdict"]],
                         code)
        self.assertGreater(made["sent"], 0)
        return made

    def test_each_flood_is_counted_as_what_it_is(self):
        bed.need("trafgen")
        rows = [
            (["syn-flood"], 1),
            (["ack-flood"], None),
            (["fragments"], 0),
            (["bad-checksum"], 0),
        ]
        if bed.long_run():
            rows += [
                (["syn-flood", "--via", "tap:gen1"], 1),
                (["ack-flood", "--cookies", "valid"], None),
                (["rst"], 0),
            ]
        for words, answers in rows:
            with self.subTest(words=words):
                made = self.flood(*words)
                device = made["device"]
                self.assertEqual(made["generator"]["name"], "trafgen")
                # What Linux itself says on the wire, in the beginning, is the rest.
                self.assertGreater(device["as_expected"], 0)
                self.assertLess(device["received"] - device["as_expected"], 100, device)
                self.assertLessEqual(device["as_expected"], made["sent"])
                if words == ["ack-flood"]:
                    self.assertGreater(device["outcomes"].get("cookie-invalid", 0), 0, device)
                if answers is not None:
                    self.assertLess(made["received"], made["sent"] * answers + 100)

    def test_bad_cookies_over_vhost_are_checked(self):
        made = self.flood("ack-flood", "--via", "vhost:" + self.path("vh.sock"))
        self.assertEqual(made["generator"]["name"], "flood_link")
        self.assertGreater(made["device"]["outcomes"].get("cookie-invalid", 0), 0, made)

    def test_forged_cookies_open_what_they_should(self):
        bed.need("trafgen")
        device = self.flood("established-data")["device"]["outcomes"]
        self.assertEqual(device["syn-cookie-sent"], 64)
        # One frame in ten opens a flow.
        self.assertEqual(device["cookie-accepted"], 400)
        self.assertGreater(device["delivered"], 3000)

    def test_clients_get_through_beside_a_flood(self):
        bed.need("trafgen")
        vhost = "vhost:" + self.path("vh.sock")
        for via in ("af_packet:gen0", vhost) if bed.long_run() else (vhost,):
            code, made, said = self.kit("mixed", "--via", via, "--seconds", "2", "--rate", "3k")
            self.assertIn(code, (PASS, FAIL, SATURATED), said)
            self.assertGreater(made["clients"]["fetched"], 0, said)
            # What the clients send is none of the flood: it was 3,000 a second, with a start.
            self.assertLess(made["sent"], 3000 * 2 * 1.1, said)
            self.assertGreater(made["device"]["outcomes"]["cookie-accepted"], 0, said)
        self.assertFalse(os.path.exists(self.path("vh.sock")))

    def test_the_search_ends_with_a_rate_and_its_trials(self):
        bed.need("trafgen")
        code, made, said = self.kit("rfc2544", "--seconds", "1", "--rate", "1k", "--frames", "1k",
                                    "--plot", self.path("x.svg"))
        self.assertIn(code, (PASS, FAIL, SATURATED), said)
        self.assertGreater(len(made["rfc2544"]["trials"]), 0)
        self.assertLessEqual(made["rfc2544"]["rate_pps"], 1000)
        if shutil.which("gnuplot"):
            self.assertTrue(os.path.exists(self.path("x.svg")))

    def test_testpmd_floods_a_vhost_as_fast_as_it_can(self):
        bed.need("dpdk-testpmd")
        code, made, said = self.kit("syn-flood", "--via", "vhost:" + self.path("vh.sock"),
                                    "--rate", "max", "--seconds", "2")
        self.assertIn(code, (PASS, FAIL), said)
        self.assertEqual(made["generator"]["name"], "testpmd")
        self.assertIsNone(made["asked_pps"])
        self.assertGreater(made["device"]["as_expected"], 1000)

    def test_a_file_of_the_users_is_replayed(self):
        bed.need("trafgen")
        for target, ended in (("10.99.0.1:80", "no-conn-rst"), ("10.99.0.77:80", "ip4-not-us")):
            subprocess.run([os.path.join(bed.build_dir(), "app/loadtest/sluice-pcapgen"), "--kind",
                            "rst", "--target", target, "--count", "50", "-o",
                            self.path("x.pcap")], check=True)
            made = self.flood("pcap-replay", "--pcap", self.path("x.pcap"))
            self.assertEqual(made["frames"], 50)
            # It was made for another MAC address, and comes to this one.
            self.assertGreater(made["device"]["outcomes"][ended], made["sent"] * 0.9, made)
            self.assertNotIn("bad-mac", made["device"]["outcomes"])
            if ended != "no-conn-rst" and made["verdict"] != "saturated":
                self.assertEqual(made["verdict"], "fail")
                self.assertIn("were not for the appliance", made["reasons"][0])
        for text, said in ((b"", "not a pcap"), (b"\n\r\r\n" + bytes(40), "pcapng")):
            with open(self.path("y.pcap"), "wb") as f:
                f.write(text)
            code, made, words = self.kit("pcap-replay", "--pcap", self.path("y.pcap"))
            self.assertEqual((code, made), (START, None))
            self.assertIn(said, words)
            self.assertEqual(words.count("\n"), 1, words)

    def test_what_cannot_be_done_is_said_with_what_would_do_it(self):
        vhost = "vhost:" + self.path("vh.sock")
        for words, said in (
                (["established-data", "--via", vhost], "testpmd: loses frames"),
                (["syn-flood", "--generator", "pktgen"], "pktgen: not found"),
                (["syn-flood", "--generator", "flood_link"], "flood_link: is for vhost")):
            code, made, text = self.kit(*words, env={"PKTGEN": "/no/pktgen"})
            self.assertEqual((code, made), (START, None), text)
            self.assertIn(said, text)
        done = subprocess.run([RUN, "syn-flood", "--build", bed.build_dir(), "--json",
                               self.path("no/where")], check=False, capture_output=True,
                              text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, START)
        self.assertIn("no/where", done.stderr)
        code, made, text = self.kit("syn-flood", build=self.folder)
        self.assertEqual((code, made), (START, None))
        self.assertIn("not built: app/loadtest/sluice-pcapgen", text)

    def broken(self, name, *words):
        """A run in the middle of which a process of it is killed: status, result, words."""
        path = self.path("result.json")
        with subprocess.Popen([RUN, *words, "--rate", "2k", "--seconds", "30", "--build",
                               bed.build_dir(), "--json", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as run:
            end, pid = time.monotonic() + 30, None
            while pid is None and time.monotonic() < end:
                time.sleep(0.1)
                # What floods is the last to be started.
                with contextlib.suppress(OSError):
                    if descendant(run.pid, "trafgen") or descendant(run.pid, "flood_link"):
                        pid = descendant(run.pid, name)
            time.sleep(2)
            os.kill(pid, signal.SIGKILL)
            said, _ = run.communicate(timeout=20)
        made = None
        if os.path.exists(path):
            with open(path) as f:
                made = json.load(f)
            os.unlink(path)
        return run.returncode, made, said

    def test_an_appliance_that_ends_has_failed_at_once_and_with_a_result(self):
        bed.need("trafgen")
        vhost = "vhost:" + self.path("vh.sock")
        rows = [["mixed", "--via", vhost], ["syn-flood", "--via", "tap:gen0"], ["rfc2544"]]
        for words in rows if bed.long_run() else rows[:1]:
            code, made, said = self.broken("sluiced", *words)
            self.assertEqual(code, FAIL, said)
            self.assertEqual(made["verdict"], "fail")
            self.assertIn("the appliance ended with signal 9", made["reasons"][0])
            self.assertIsNone(made["device"])
            self.assertGreaterEqual(made["sent"], 0)

    def test_a_generator_that_ends_is_named_and_no_verdict(self):
        bed.need("trafgen")
        for words, name in ((["syn-flood"], "trafgen"),
                            (["syn-flood", "--via", "vhost:" + self.path("vh.sock")],
                             "flood_link")):
            code, made, said = self.broken(name, *words)
            self.assertEqual((code, made), (START, None), said)
            self.assertIn(name + " ended with status -9", said)

    def test_a_full_disk_does_not_hide_what_was_measured(self):
        bed.need("trafgen")
        done = subprocess.run([RUN, "syn-flood", "--rate", "2k", "--seconds", "1", "--frames", "1k",
                               "--build", bed.build_dir(), "--json", "/dev/full"], check=False,
                              capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, START)
        self.assertIn("result: ", done.stdout)
        self.assertIn("--json /dev/full: No space left", done.stderr)

    def test_a_wire_without_anybody_at_its_end_is_said(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("vh.sock"))
        for more, tool in ((["--rate", "1k"], "flood_link"), (["--rate", "max"], "dpdk-testpmd")):
            if tool != "flood_link":
                bed.need(tool)
            code, made, text = self.kit("syn-flood", "--via", "vhost:" + self.path("vh.sock"),
                                        *THERE[:1], "10.99.0.1:80", *THERE[2:], *more)
            self.assertEqual((code, made), (START, None), text)
            self.assertIn("refused", text)

    def test_nothing_is_left_of_a_run_that_is_interrupted(self):
        bed.need("trafgen")
        before = namespaces()
        for sig in (signal.SIGINT, signal.SIGTERM) if bed.long_run() else (signal.SIGTERM,):
            with subprocess.Popen([RUN, "syn-flood", "--seconds", "60", "--rate", "1k", "--build",
                                   bed.build_dir()], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) as run:
                end = time.monotonic() + 20
                while not namespaces() - before and time.monotonic() < end:
                    time.sleep(0.1)
                time.sleep(2)
                run.send_signal(sig)
                said, _ = run.communicate(timeout=LIMIT_S)
            self.assertEqual(run.returncode, 130, said)
            end = time.monotonic() + 10
            while namespaces() - before and time.monotonic() < end:
                time.sleep(0.1)
            self.assertEqual(namespaces() - before, set())


class Pktgen(Kit):
    """The launcher, against a program that only says how it was called."""

    def setUp(self):
        super().setUp()
        bed.need("lua5.4", "script")
        # An appliance that is there already is a socket that is there.
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path("vh.sock"))
        self.words = ["--via", "vhost:" + self.path("vh.sock"), *THERE]

    def fake(self, *words, **env):
        """A run with it; also how it was called."""
        code, made, said = self.kit(*words, *self.words, env={
            "PKTGEN": FAKE, "FAKE_LOG": self.path("called"), **env})
        with open(self.path("called")) as f:
            return code, made, said, f.read().splitlines()

    def test_it_is_called_as_it_wants_to_be(self):
        code, made, said, called = self.fake("syn-flood", "--seconds", "2", "--rate", "100k")
        self.assertEqual(code, PASS, said)
        self.assertEqual(made["generator"]["name"], "pktgen")
        self.assertEqual(made["generator"]["passed_over"], [])
        self.assertEqual(made["sent"], made["received"])
        self.assertAlmostEqual(made["sent_pps"], 100000, delta=15000)
        self.assertIsNone(made["device"])
        for word in ("--no-pci", "--no-huge", "--no-telemetry", "--"):
            self.assertIn(word, called)
        self.assertNotIn("-g", called)
        self.assertNotIn("-G", called)
        self.assertTrue(any(w.startswith("--vdev=net_virtio_user0,path=" + self.path("vh.sock"))
                            for w in called), called)
        cores = called[called.index("-l") + 1].split(",")
        self.assertEqual(called[called.index("-m", called.index("--")) + 1], cores[1] + ".0")
        self.assertTrue(called[called.index("-s") + 1].endswith("frames.pcap"))
        self.assertTrue(called[called.index("-f") + 1].endswith("/pktgen/syn-flood.lua"))

    def test_a_generator_that_sends_too_little_is_no_verdict_on_the_device(self):
        code, made, said, _ = self.fake("rst", "--seconds", "2", "--rate", "100k",
                                        STUB_MOST="50000", STUB_ANSWERS="0")
        self.assertEqual((code, made["verdict"]), (SATURATED, "saturated"))
        self.assertIn("GENERATOR SATURATED (not a verdict on the device)", said)

    def test_missing_answers_are_a_verdict(self):
        code, made, said, _ = self.fake("syn-flood", "--seconds", "2", "--rate", "100k",
                                        STUB_ANSWERS="90000")
        self.assertEqual((code, made["verdict"]), (FAIL, "fail"))
        self.assertIn("were not answered", said)

    def test_its_own_search_is_reported(self):
        code, made, said, called = self.fake("rfc2544", "--seconds", "1", "--rate", "100k",
                                             STUB_ANSWERS="60000")
        self.assertEqual(code, PASS, said)
        self.assertTrue(called[called.index("-f") + 1].endswith("/pktgen/rfc2544.lua"))
        self.assertAlmostEqual(made["rfc2544"]["rate_pps"], 60000, delta=10000)
        self.assertIn("SLUICE_SECONDS=1", called)

    def test_however_it_ends_the_run_ends_and_says_why(self):
        for env, said in (({"FAKE_PKTGEN": "crash"}, "status 134"),
                          ({"FAKE_PKTGEN": "silent"}, "without a result"),
                          ({"STUB_FAIL": "start"}, "start fails")):
            code, made, text, _ = self.fake("syn-flood", "--seconds", "1", "--rate", "100k", **env)
            self.assertEqual((code, made), (START, None), text)
            self.assertIn(said, text)

    def test_one_that_hangs_is_given_up(self):
        if not bed.long_run():
            self.skipTest("takes a minute")
        code, made, text, _ = self.fake("syn-flood", "--seconds", "1", FAKE_PKTGEN="hang")
        self.assertEqual((code, made), (START, None), text)
        self.assertIn("sent nothing in 60 s", text)


if __name__ == "__main__":
    bed.main()
