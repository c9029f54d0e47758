# SPDX-License-Identifier: BSD-3-Clause
"""The load generator on a veth, against the appliance and against Linux; nothing is timed."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import bed
from test_vhost import VhostAppliance

OURS = "10.99.0.3"      # where the load comes from
LIMIT_S = 30            # of one run
PASS, CRITERIA, USAGE, START = 0, 1, 2, 3


def load(*args, address=OURS + "/24", port=("af_packet", "--iface", bed.PEER), kill=None):
    """A run with --json; returns its exit status, the object (None: there is none) and messages."""
    words = [bed.program("sluice-load"), "--port-type", *port, "--address", address, "--quiet",
             "--json", "-"] + list(args)
    p = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if kill is not None:
        time.sleep(kill)
        p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=LIMIT_S)
    return p.returncode, json.loads(out) if out else None, err


class Checks(unittest.TestCase):
    """What holds of every run."""

    def profile(self, text):
        """A file with a profile."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as f:
            f.write(text)
        self.addCleanup(os.unlink, f.name)
        return ["--profile", f.name]

    def accounted(self, result):
        """Every connection and request has found one end; returns the groups by name."""
        for part in result["groups"] + [result["total"]]:
            c = part["counts"]
            self.assertTrue(part["is_complete"], c)
            self.assertEqual(c["conns_started"],
                             c["conns_closed"] + c["conns_aborted"] + c["conns_failed"])
            self.assertEqual(c["requests_started"], c["requests_done"] + c["requests_failed"] +
                             c["requests_cancelled"])
            self.assertEqual(c["conns_failed"], sum(c["failures"].values()))
        self.assertEqual(result["total"]["counts"]["requests_done"],
                         sum(g["counts"]["requests_done"] for g in result["groups"]))
        return {g["name"]: g for g in result["groups"]}

    def good(self, *args, **kw):
        """A run without a failure; returns its groups."""
        status, result, err = load("--pass", "errors == 0", *args, **kw)
        self.assertIsNotNone(result, err)
        groups = self.accounted(result)
        for g in groups.values():
            self.assertEqual(g["counts"]["failures"], {}, g["name"])
        self.assertEqual(status, PASS, err)
        self.assertEqual(result["schema_version"], 1)
        self.assertTrue(result["is_pass"])
        return groups


# Long enough for every count to be reached on a machine that does other things meanwhile.
EVERYTHING = """
duration: 6s
grace: 10s
target: {ip}:80
groups:
  rps: {{profile: http-rps, connections: 10, think: 1ms}}
  cps: {{profile: http-cps, connections: 10, count: 200}}
  open: {{profile: http-rps, connections: 10, rate: 200}}
  fresh: {{profile: http-cps, connections: 10, rate: 100}}
  echo: {{profile: echo, target: '{ip}:7', connections: 10, size: 10k, count: 300}}
  up: {{profile: bulk-up, target: '{ip}:9', connections: 2}}
  down: {{profile: bulk-down, target: '{ip}:19', connections: 2}}
  sized: {{profile: bulk-down, target: '{ip}:19', connections: 2, size: 100k, count: 20}}
  idle: {{profile: idle, target: '{ip}:7', connections: 1k}}
  abort: {{profile: abort, connections: 5, think: 1ms}}
  tcp: {{profile: tcp-cps, connections: 5, rate: 50}}
  churn: {{profile: churn, connections: 20, hold: 50ms}}
  slow: {{app: http, connections: 5, requests: 1, count: 5, send_chunk: 20, send_pause: 10ms,
         read_chunk: 200, read_pause: 10ms}}
"""

# Each group is answered by what it does not expect.
WRONG = """
duration: 1s
connections: 2
target: {ip}:80
groups:
  bad_status: {{status: 404, requests: 1}}
  bad_answer: {{target: '{ip}:19'}}
  bad_data: {{profile: echo, target: '{ip}:19'}}
  timeout: {{target: '{ip}:9', timeout: 200ms}}
"""


class AgainstAppliance(Checks):
    """Every application of the generator has its service."""

    @classmethod
    def setUpClass(cls):
        cls.app = bed.Appliance(port_type="af_packet").start()

    @classmethod
    def tearDownClass(cls):
        cls.app.stop()

    def test_every_application_at_once_from_many_addresses_on_two_workers(self):
        groups = self.good(*self.profile(EVERYTHING.format(ip=bed.APPLIANCE)), "--workers", "2",
                           address=OURS + "-10.99.0.40/24")
        count = {name: g["counts"] for name, g in groups.items()}
        self.assertEqual(count["rps"]["conns_established"], 10)
        self.assertGreater(count["rps"]["requests_done"], 10)
        # The server closes behind its answer, so each request had its own connection.
        self.assertEqual(count["cps"]["requests_done"], 200)
        self.assertEqual(count["cps"]["conns_closed"], count["cps"]["conns_established"])
        self.assertGreaterEqual(count["cps"]["conns_established"], 200)
        for name, due in (("open", 1200), ("fresh", 600)):
            self.assertEqual(count[name]["requests_started"] + count[name]["requests_unsent"], due)
        self.assertEqual(count["echo"]["bytes_in"], 300 * 10000)
        self.assertEqual(count["echo"]["bytes_out"], 300 * 10000)
        self.assertGreater(count["up"]["bytes_out"], 1 << 16)
        self.assertGreater(count["down"]["bytes_in"], 1 << 16)
        self.assertEqual(count["sized"]["requests_done"], 20)
        self.assertGreaterEqual(count["sized"]["bytes_in"], 20 * 100000)
        for name, conns in (("up", 2), ("down", 2), ("idle", 1000)):
            self.assertEqual(count[name]["requests_done"], conns)
            self.assertEqual(count[name]["conns_closed"], conns)
        self.assertEqual(groups["idle"]["concurrent_max"], 1000)
        self.assertGreater(count["abort"]["conns_aborted"], 0)
        self.assertEqual(count["abort"]["requests_cancelled"], count["abort"]["conns_aborted"])
        self.assertEqual(count["tcp"]["requests_started"] + count["tcp"]["requests_unsent"], 300)
        # 20 at a time, of which each comes, stays and goes.
        self.assertGreater(count["churn"]["conns_closed"], 100)
        self.assertLessEqual(groups["churn"]["concurrent_max"], 20)
        self.assertEqual(count["slow"]["requests_done"], 5)
        # At least three pauses while sending, and two while reading.
        self.assertGreater(groups["slow"]["request"]["p50_ns"], 50e6)

    def test_wrong_answers_are_failures_with_their_reason(self):
        status, result, err = load(*self.profile(WRONG.format(ip=bed.APPLIANCE)),
                                   "--pass", "errors == 0, failed >= 1")
        self.assertEqual(status, CRITERIA, err)
        self.assertEqual([c["is_fulfilled"] for c in result["criteria"]], [False, True])
        for name, g in self.accounted(result).items():
            self.assertEqual(list(g["counts"]["failures"]), [name])

    def test_that_nothing_was_answered_is_no_success(self):
        words = ["--target", bed.APPLIANCE + ":80", "--path", "/no/such", "--duration", "1s"]
        status, result, err = load(*words)
        self.assertEqual((status, result["is_pass"]), (CRITERIA, False), err)
        self.assertIn("nothing was answered", err)
        # Who says what is good is asked about nothing else.
        self.assertEqual(load(*words, "--pass", "failed >= 1")[0], PASS)

    def test_a_result_is_whole_or_as_it_was(self):
        words = [bed.program("sluice-load"), "--port-type", "af_packet", "--iface", bed.PEER,
                 "--address", OURS + "/24", "--quiet", "--duration", "1s", "--json"]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.json")

            def run(port, to=path):
                done = subprocess.run(words + [to, "--target", f"{bed.APPLIANCE}:{port}"],
                                      capture_output=True, text=True, timeout=LIMIT_S, check=False)
                return done.returncode, done.stdout, done.stderr
            self.assertEqual(run(81)[0], START)
            self.assertFalse(os.path.exists(path))
            for _ in range(2):
                self.assertEqual(run(80)[0], PASS)
                with open(path) as f:
                    self.assertTrue(json.load(f)["is_pass"])
            self.assertEqual(run(81)[0], START)
            self.assertTrue(os.path.exists(path))
        code, table, err = run(80, "/dev/full")
        self.assertEqual(code, START)
        self.assertIn("/dev/full: No space left", err)
        self.assertIn("requests", table)

    def test_a_signal_ends_it_with_its_table(self):
        status, result, err = load("--duration", "1h", "--target", bed.APPLIANCE + ":80", kill=2.5)
        self.assertEqual(status, PASS, err)
        self.assertTrue(result["is_interrupted"])
        self.assertIn("interrupted", err)
        self.accounted(result)

    def test_nobody_there_is_exit_status_3(self):
        status, result, err = load("--target", bed.APPLIANCE + ":81")
        self.assertEqual(status, START)
        self.assertIsNone(result)
        self.assertIn("refused", err)

    def test_an_own_address_is_no_target(self):
        status, _, err = load("--target", OURS + ":80")
        self.assertEqual(status, START)
        self.assertIn("our own --address", err)

    def test_a_profile_that_is_a_folder_is_said_to_be_one(self):
        status, _, err = load("--profile", "/", "--target", bed.APPLIANCE + ":80")
        self.assertEqual(status, USAGE)
        self.assertIn("Is a directory", err)

    def test_wrong_usage_is_exit_status_2(self):
        status, _, err = load("--target", "nowhere")
        self.assertEqual(status, USAGE)
        self.assertIn("--target", err)


class OverVhost(Checks):
    """The fastest wire without a card: virtio_user here, sluiced's vhost port there."""

    def test_a_run_after_another_begins_without_losses(self):
        with VhostAppliance() as app:
            port = ("virtio_user", "--port-path", app.config["ports"]["wan0"]["path"])
            for _ in range(3):
                groups = self.good("--target", bed.APPLIANCE + ":7", "--profile", "echo",
                                   "--rate", "500", "--duration", "1s", port=port)
                # Who came with another MAC address than the last run would lose its first packets,
                # and wait for seconds until they are sent again.
                count = groups["echo"]["counts"]
                self.assertEqual(count["requests_done"] + count["requests_unsent"], 500)
            disputes = [row["value"] for row in app.ctl("show", "counters", "--all")["counters"]
                        if row["name"].endswith("NeighDisputes")]
            self.assertEqual(disputes, [0])

    def test_a_server_that_was_killed_starts_again_on_its_socket(self):
        with VhostAppliance() as app:
            app.proc.kill()
            app.proc.wait()
            app.proc.stdout.close()
            app.log.close()
            path = app.config["ports"]["wan0"]["path"]
            self.assertTrue(os.path.exists(path))
            app.start_again()
            self.good("--target", bed.APPLIANCE + ":7", "--profile", "echo", "--count", "100",
                      "--duration", "5s", port=("virtio_user", "--port-path", path))

    def test_a_server_that_ends_in_the_middle_ends_no_run(self):
        app = VhostAppliance().start()
        self.addCleanup(app.stop)
        killer = threading.Timer(2, app.proc.kill)
        killer.start()
        port = ("virtio_user", "--port-path", app.config["ports"]["wan0"]["path"])
        status, result, err = load("--target", bed.APPLIANCE + ":7", "--profile", "echo",
                                   "--duration", "4s", "--timeout", "1s", "--pass", "errors == 0",
                                   port=port)
        killer.join()
        self.assertEqual(status, CRITERIA, err)
        failures = self.accounted(result)["echo"]["counts"]["failures"]
        self.assertEqual(failures.get("timeout"), 100)
        self.assertLessEqual(set(failures), {"timeout", "no_answer"})


class Stalling(threading.Thread):
    """Echoes, and pauses once for a second: what closed loops do not notice."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.sock = socket.create_server((address, 0))
        self.port = self.sock.getsockname()[1]

    def run(self):
        self.sock.accept()[0].close()   # the probe
        s, _ = self.sock.accept()
        with s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stalled = False
            for i in range(1 << 30):
                b = s.recv(65536)
                if not b:
                    return
                if i == 50 and not stalled:
                    time.sleep(1)
                    stalled = True
                s.sendall(b)


class OnTap(Checks):
    """The generator's port is a tap, and the kernel at its other end serves."""

    def test_the_kernel_is_reached_as_soon_as_the_tap_is_there(self):
        def plug():
            end = time.monotonic() + 10
            while time.monotonic() < end:
                try:
                    bed.sh("ip", "addr", "replace", bed.APPLIANCE + "/24", "dev", "load0")
                    bed.sh("ip", "link", "set", "load0", "up")
                    return
                except subprocess.CalledProcessError:
                    time.sleep(0.02)
        def serve():
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
        server = socket.create_server(("", 0), backlog=100)
        plugger = threading.Thread(target=plug)
        plugger.start()
        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(server.close)
        groups = self.good("--profile", "tcp-cps", "--connections", "1", "--count", "20",
                           "--duration", "5s", "--target",
                           f"{bed.APPLIANCE}:{server.getsockname()[1]}",
                           port=("tap", "--iface", "load0"))
        plugger.join()
        self.assertEqual(groups["tcp-cps"]["counts"]["requests_done"], 20)


class AgainstLinux(Checks):
    """The kernel's TCP on the other end of the veth."""

    @classmethod
    def setUpClass(cls):
        bed.sh("ip", "link", "add", bed.IFACE, "type", "veth", "peer", "name", bed.PEER)
        bed.sh("ethtool", "-K", bed.IFACE, "tx", "off")
        for dev in (bed.IFACE, bed.PEER):
            bed.sh("ip", "link", "set", dev, "up")
        bed.sh("ip", "addr", "add", bed.APPLIANCE + "/24", "dev", bed.IFACE)
        cls.dir = tempfile.mkdtemp(prefix="sluice-load-")

    @classmethod
    def tearDownClass(cls):
        bed.sh("ip", "link", "del", bed.IFACE)
        shutil.rmtree(cls.dir)

    def serve(self, size):
        """nginx with one file of so many bytes; without nginx, python's server."""
        with open(os.path.join(self.dir, "file"), "wb") as f:
            f.write(os.urandom(size))
        if shutil.which("nginx") is None:
            words = ["/usr/bin/python3", "-m", "http.server", "80", "--protocol", "HTTP/1.1",
                     "--directory", self.dir]
        else:
            conf = os.path.join(self.dir, "nginx.conf")
            with open(conf, "w") as f:
                f.write("daemon off; master_process off; pid %s/pid; error_log %s/log;\n"
                        "events { worker_connections 4096; }\n"
                        "http { access_log off; server { listen 80; root %s; } }\n"
                        % (self.dir, self.dir, self.dir))
            words = ["nginx", "-c", conf, "-p", self.dir]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        end = time.monotonic() + 10
        while True:
            try:
                bed.connect(80).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def test_a_file_comes_whole_on_every_request(self):
        self.serve(200000)
        text = "duration: 20s\ntarget: %s:80\npath: /file\nconnections: 8\ncount: 100\n" \
            "groups: {kept: {profile: http-rps}, fresh: {profile: http-cps}}\n" % bed.APPLIANCE
        for g in self.good(*self.profile(text), "--connections", "8").values():
            self.assertEqual(g["counts"]["requests_done"], 100)
            self.assertGreater(g["counts"]["bytes_in"], 100 * 200000)

    def test_a_stall_is_seen_by_all_requests_that_were_due_in_it(self):
        """Of 2 s at 200/s the server sleeps one: closed loops would show one slow answer."""
        server = Stalling(bed.APPLIANCE)
        server.start()
        self.addCleanup(server.sock.close)
        echo = self.good("--profile", "echo", "--connections", "1", "--rate", "200",
                         "--duration", "2s", "--grace", "10s", "--target",
                         "%s:%d" % (bed.APPLIANCE, server.port))["echo"]
        times = echo["request"]
        self.assertEqual(times["count"], echo["counts"]["requests_done"])
        self.assertGreater(times["max_ns"], 0.9e9)
        # 200 were due in the stall and waited half a second on average.
        self.assertGreater(times["p90_ns"], 0.5e9)


if __name__ == "__main__":
    bed.main()
