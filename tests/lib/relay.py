# SPDX-License-Identifier: BSD-3-Clause
"""The relay (tests/bench/relay.c) as a child: a wire between two interfaces, by rules."""
import json
import os
import select
import subprocess

START_TIMEOUT_S = 10


class Relay:
    """Ends with this process, or when it is stopped. prefix: a command that runs a command."""

    def __init__(self, build, a, b, prefix=()):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *prefix, os.path.join(build, "tests/bench/relay"),
             a, b], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.hear().startswith("READY"):
            raise RuntimeError("the relay did not start")

    def hear(self):
        """Its next line; nothing when it has ended."""
        if not select.select([self.process.stdout], [], [], START_TIMEOUT_S)[0]:
            raise RuntimeError("the relay does not answer")
        return self.process.stdout.readline()

    def order(self, way="", **rules):
        """New rules for a way (ab, ba, both), which begin its counts anew; the counts of both."""
        words = [way] + ["%s=%d" % rule for rule in rules.items()]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        line = self.hear()
        if not line:
            raise RuntimeError("the relay has ended")
        return json.loads(line)

    def stop(self):
        """By the end of its orders."""
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
