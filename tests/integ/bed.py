# SPDX-License-Identifier: BSD-3-Clause
"""An appliance on a virtual card in a network namespace of the test's own, with Linux beside it."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

LINUX = "10.99.0.2"
APPLIANCE = "10.99.0.1"
LINUX6 = "fd99::2"
APPLIANCE6 = "fd99::1"
IFACE = "sluice0"
PEER = "sluice1"
TAP_MAC = "02:00:00:00:99:01"
START_TIMEOUT_S = 30
SKIP = 77


def long_run():
    """True where time does not matter: tests/run --long."""
    return os.environ.get("SLUICE_LONG") == "1"


def build_dir():
    return os.environ.get("SLUICE_BUILD", os.path.join(os.path.dirname(__file__), "../../build"))


def program(name):
    return os.path.join(build_dir(), "app", name, name)


def sh(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kw).stdout


def need(*tools):
    """Skip a test whose client is not installed."""
    missing = [t for t in tools if shutil.which(t) is None]
    if missing:
        raise unittest.SkipTest("not installed: " + " ".join(missing))


def main():
    """Run the test module in a fresh network namespace; it ends with the process."""
    if os.environ.get("SLUICE_INTEG_NS") != str(os.getppid()):
        unshare = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-Urn"]
        if subprocess.run(unshare + ["true"], capture_output=True).returncode != 0:
            print("SKIP: no network namespace can be made here")
            sys.exit(SKIP)
        env = dict(os.environ, SLUICE_INTEG_NS=str(os.getpid()))
        child = subprocess.Popen(unshare + [sys.executable] + sys.argv, env=env)
        for s in (signal.SIGINT, signal.SIGTERM):
            signal.signal(s, lambda n, _: child.send_signal(n))
        sys.exit(child.wait())
    sh("ip", "link", "set", "lo", "up")
    unittest.main(verbosity=2)


def yaml_value(value, indent):
    if isinstance(value, dict):
        pad = "\n" + "  " * indent
        return "".join(pad + str(k) + ":" + yaml_value(v, indent + 1) for k, v in value.items())
    if isinstance(value, list):
        return " [" + ", ".join(json.dumps(str(v)) for v in value) + "]"
    if value is None:
        return ""
    if isinstance(value, bool):
        return " on" if value else " off"
    return " " + str(value)


class Appliance:
    """A running sluiced. Keys of the config may be overridden as keyword arguments."""

    def __init__(self, port_type="tap", workers=1, daemon=None, **over):
        self.daemon = daemon or program("sluiced")
        self.dir = tempfile.mkdtemp(prefix="sluice-integ-")
        self.control = os.path.join(self.dir, "run", "control.sock")
        self.port_type = port_type
        self.arguments = []     # more of its command line
        self.config = {
            "workers": workers,
            "drain_timeout": "5s",
            "control": {"socket": self.control},
            "memory": {"packets": 16384, "connections": 32768, "syn_queue": 16384,
                       "time_wait": 16384, "gaps": 4096, "hugepages": False},
            "ports": {"wan0": self.port()},
            "services": {"echo": None, "discard": None, "chargen": None, "http": {"port": 80}},
        }
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(self.config.get(key), dict) and \
                    key in ("memory", "services"):
                self.config[key].update(value)
            else:
                self.config[key] = value
        self.proc = None

    def port(self):
        port = {"type": self.port_type, "iface": IFACE,
                "addresses": [APPLIANCE + "/24", APPLIANCE6 + "/64"]}
        if self.port_type == "tap":
            port["mac"] = TAP_MAC
        return port

    def write_config(self):
        path = os.path.join(self.dir, "sluice.yaml")
        with open(path, "w") as f:
            f.write(yaml_value(self.config, 0).lstrip("\n") + "\n")
        return path

    def make_link(self):
        if self.port_type == "tap":
            return
        sh("ip", "link", "add", IFACE, "type", "veth", "peer", "name", PEER)
        # The kernel's own checksums are not finished on a veth; without this all would be wrong.
        sh("ethtool", "-K", PEER, "tx", "off")
        for dev in (IFACE, PEER):
            sh("ip", "link", "set", dev, "up")

    def linux_side(self):
        dev = IFACE if self.port_type == "tap" else PEER
        sh("ip", "addr", "replace", LINUX + "/24", "dev", dev)
        sh("ip", "-6", "addr", "replace", LINUX6 + "/64", "dev", dev, "nodad")
        sh("ip", "link", "set", dev, "up")

    def start(self):
        self.make_link()
        return self.start_again()

    def start_again(self):
        self.log = open(os.path.join(self.dir, "log"), "a+")
        self.proc = subprocess.Popen([self.daemon, "-c", self.write_config()] +
                                     self.arguments,
                                     stdout=subprocess.PIPE, stderr=self.log, text=True)
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end:
            line = self.proc.stdout.readline()
            if line.startswith("READY"):
                self.linux_side()
                self.wait_answer(end)
                return self
            if line == "":
                break
        raise RuntimeError("sluiced did not start: " + self.log_text())

    def wait_answer(self, end):
        """Until the first connection is accepted, and has ended: what a test counts begins then."""
        while True:
            try:
                with connect(7, timeout=1) as s:
                    s.shutdown(socket.SHUT_WR)
                    if s.recv(1) == b"":
                        return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError("no answer: " + self.log_text())
                time.sleep(0.05)

    def log_text(self):
        with open(os.path.join(self.dir, "log")) as f:
            return f.read()[-4000:]

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End it by its pid, remove its link and files; returns the exit status."""
        status = None
        if self.proc is not None:
            if self.proc.poll() is None:
                self.proc.terminate()
            try:
                status = self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                status = self.proc.wait()
            self.proc.stdout.close()
            self.log.close()
        if self.port_type != "tap":
            subprocess.run(["ip", "link", "del", IFACE], capture_output=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        return status

    def ctl(self, *args, check=True):
        """sluicectl with --json, decoded."""
        r = subprocess.run([program("sluicectl"), "--socket", self.control, "--json", *args],
                           capture_output=True, text=True, timeout=20)
        if check and r.returncode != 0:
            raise RuntimeError("sluicectl %s: %s%s" % (" ".join(args), r.stdout, r.stderr))
        return json.loads(r.stdout)


def counter(app, name):
    """A counter, by the name nstat would print."""
    return {c["name"]: c["value"] for c in app.ctl("show", "counters")["counters"]}.get(name, 0)


def swap(s, data):
    """Send data while reading as much, and return that."""
    def send():
        s.sendall(data)
    t = threading.Thread(target=send)
    t.start()
    got = recv_exact(s, len(data))
    t.join()
    return got


def connect(port, timeout=30, address=APPLIANCE):
    return socket.create_connection((address, port), timeout=timeout)


def recv_exact(s, n):
    parts = []
    while n > 0:
        b = s.recv(min(n, 1 << 20))
        if not b:
            raise EOFError("%d bytes short" % n)
        parts.append(b)
        n -= len(b)
    return b"".join(parts)


def recv_all(s):
    parts = []
    while True:
        b = s.recv(1 << 20)
        if not b:
            return b"".join(parts)
        parts.append(b)


@contextlib.contextmanager
def stopped(app):
    """The appliance hears of what is done within only afterwards, all at once."""
    app.proc.send_signal(signal.SIGSTOP)
    try:
        # Its threads go on for a moment: it has stopped when the last of them has.
        os.waitid(os.P_PID, app.proc.pid, os.WSTOPPED)
        yield
    finally:
        app.proc.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def closing(*socks):
    try:
        yield
    finally:
        for s in socks:
            s.close()
