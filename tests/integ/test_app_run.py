# SPDX-License-Identifier: BSD-3-Clause
"""app/run, the first command of a new user: it proves, serves, stops, and leaves nothing behind."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import bed

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
TIMEOUT_S = 300


def lives(pid):
    """Whether there is such a process, one that waits for its parent's notice aside."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Run(unittest.TestCase):
    """Each test has a folder of its own for what runs leave, so that it sees its own alone."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="sluice-run-")
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.home)
        self.addCleanup(shutil.rmtree, self.home)
        self.addCleanup(self.run_app, "--stop")

    def run_app(self, *args, root=ROOT, cwd="/"):
        return subprocess.run([os.path.join(root, "app/run"), *args], cwd=cwd, env=self.env,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def left_behind(self):
        runs = os.path.join(self.home, f"sluice-run-{os.geteuid()}")
        return os.listdir(runs) if os.path.isdir(runs) else []

    def assert_proved(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("everything answers", done.stdout)
        self.assertEqual(self.left_behind(), [])

    def test_once_proves_every_kind_of_port_and_leaves_nothing(self):
        for kind in ("tap", "af_packet", "af_xdp"):
            for workers in ("1", "2"):
                with self.subTest(kind=kind, workers=workers):
                    self.assert_proved(
                        self.run_app("--once", "--port-type", kind, "--workers", workers))

    def detach(self):
        done = self.run_app("--detach")
        self.assertEqual(done.returncode, 0, done.stderr)
        facts = dict(line.split("=", 1) for line in done.stdout.splitlines())
        for fact in ("netns", "address", "address6", "control", "pid", "enter"):
            self.assertIn(fact, facts)
        return facts

    def test_two_detached_runs_serve_side_by_side_until_each_is_stopped(self):
        runs = [self.detach(), self.detach()]
        for facts in runs:
            page = subprocess.run([*facts["enter"].split(), "curl", "-sS", "--max-time", "10",
                                   f"http://{facts['address']}/healthz"],
                                  capture_output=True, text=True, check=True).stdout
            self.assertEqual(page, "ok\n")
        self.assertEqual(self.run_app("--stop", runs[0]["pid"]).returncode, 0)
        self.assertFalse(lives(runs[0]["pid"]))
        self.assertTrue(lives(runs[1]["pid"]))
        self.assertEqual(self.run_app("--stop").returncode, 0)
        self.assertFalse(lives(runs[1]["pid"]))
        self.assertEqual(self.left_behind(), [])
        again = self.run_app("--stop")
        self.assertEqual(again.returncode, 1)
        self.assertIn("nothing to stop", again.stderr)

    def test_a_killed_run_is_cleaned_up_by_the_next(self):
        live = subprocess.Popen([os.path.join(ROOT, "app/run")], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in live.stdout:
            if "sha256" in line:
                break
        live.send_signal(signal.SIGKILL)
        live.wait()
        live.stdout.close()
        self.assertNotEqual(self.left_behind(), [])
        self.assert_proved(self.run_app("--once"))

    def test_ctrl_c_ends_the_live_view_and_what_it_serves(self):
        live = subprocess.Popen([os.path.join(ROOT, "app/run")], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in live.stdout:
            if "sha256" in line:
                break
        time.sleep(2)
        live.send_signal(signal.SIGINT)
        live.communicate(timeout=30)
        self.assertEqual(live.returncode, 0)
        self.assertEqual(self.left_behind(), [])

    def test_wrong_words_are_explained_with_status_two(self):
        rows = (("--bogus",), ("--workers", "0"), ("--workers", "65"), ("--workers",),
                ("--config", "/nonexistent"), ("--port-type", "pci"))
        for args in rows:
            with self.subTest(args=args):
                done = self.run_app("--once", *args)
                self.assertEqual(done.returncode, 2)
                self.assertIn(args[0], done.stderr)

    def test_a_bad_configuration_is_shown_with_its_place(self):
        config = os.path.join(self.home, "bad.yaml")
        with open(config, "w") as f:
            f.write("wokers: 1\n")
        done = self.run_app("--once", "--config", config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("bad.yaml:1:1", done.stdout + done.stderr)
        self.assertEqual(self.left_behind(), [])

    @unittest.skipUnless(bed.long_run(), "builds the daemon once more: tests/run --long")
    def test_a_copy_of_a_built_tree_in_a_path_with_spaces_is_built_anew(self):
        copy = os.path.join(self.home, "a copy")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(
            ".git", "build-*"))
        self.assert_proved(self.run_app("--once", root=copy))


if __name__ == "__main__":
    if os.path.realpath(bed.build_dir()) != os.path.join(ROOT, "build"):
        print("SKIP: app/run builds in build/, these tests run from another folder")
        sys.exit(bed.SKIP)
    unittest.main(verbosity=2)
