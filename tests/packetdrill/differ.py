#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Play scripts over this machine's kernel and over the stack, and show where they differ.

Each is traced in a network namespace of its own, the kernel in real time over a tun device (root),
the stack in virtual time. Expectations of the scripts do not count, only what really happened:
packets with their times, results of calls, fields of TCP_INFO.
"""
import argparse
import os
import re
import subprocess
import sys

PARAMETERS = ("tcp_no_metrics_save=1",
              "tcp_rmem=4096 131072 6291456", "tcp_wmem=4096 16384 4194304")
# The kernel's ticks, and what a busy machine adds.
TOLERANCE_S = 0.009
# Differ for reasons that no script is about.
IGNORED_INFO = {"last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv", "rtt",
                "rttvar", "min_rtt", "rcv_rtt", "pacing_rate", "delivery_rate", "busy_time",
                "rto", "total_rto_time"}


def trace(drive, stack, script, ip6):
    """Lines (time, what) of a run, in order of time."""
    args = [drive, "--trace", stack, script]
    if ip6:
        args.insert(1, "--ip6")
    env = dict(os.environ, DRIVE_SYSCTLS=";".join(PARAMETERS))
    run = subprocess.run(args, capture_output=True, text=True, timeout=120, env=env, check=False)
    if run.returncode == 77:
        print(run.stdout.strip().splitlines()[-1])
        sys.exit(77)
    rows, now = [], 0.0
    for line in run.stdout.splitlines():
        if m := re.match(r"(-?[\d.]+) (.*)", line):
            now = float(m.group(1))
            rows.append((now, m.group(2)))
        else:
            rows.append((now, line))
    if run.returncode != 0:
        print(f"{stack}: {run.stderr.strip()}")
        rows.append((now, f"failed in {stack}"))
    return sorted(rows, key=lambda r: r[0])


def normal(what, windows):
    """The part of a line that is compared."""
    if not windows:
        what = re.sub(r" win \d+", "", what)
    return re.sub(r" ecr \d+| val \d+", "", what)


def is_ignored(what):
    m = re.match(r"info \d+ (\w+)", what)
    return bool(m) and m.group(1) in IGNORED_INFO


def show(side, row):
    print(f"    {side} {row[0]:10.6f} {row[1]}")


def compare(kernel, ours, windows, everything):
    """Print the differences; returns how many there are."""
    count = 0
    kinds = [lambda w: w.startswith("> "), lambda w: not w.startswith("> ")]
    for kind in kinds:
        k = [r for r in kernel if kind(r[1]) and not is_ignored(r[1])]
        o = [r for r in ours if kind(r[1]) and not is_ignored(r[1])]
        for i in range(max(len(k), len(o))):
            a = k[i] if i < len(k) else None
            b = o[i] if i < len(o) else None
            same = a and b and normal(a[1], windows) == normal(b[1], windows)
            late = a and b and a[1].startswith("> ") and abs(a[0] - b[0]) > TOLERANCE_S
            if same and not late:
                if everything and a[1].startswith(">"):
                    show("both  ", b)
                continue
            count += 1
            if a:
                show("kernel", a)
            if b:
                show("ours  ", b)
    return count


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--drive", required=True)
    ap.add_argument("--kernel", required=True, help="linux-packetdrill.so")
    ap.add_argument("--stack", required=True, help="sluice-packetdrill.so")
    ap.add_argument("--ip6", action="store_true")
    ap.add_argument("--windows", action="store_true", help="compare advertised windows, too")
    ap.add_argument("--all", action="store_true", help="show also what is the same")
    ap.add_argument("scripts", nargs="+")
    a = ap.parse_args()
    total = 0
    for script in a.scripts:
        kernel = trace(a.drive, a.kernel, script, a.ip6)
        ours = trace(a.drive, a.stack, script, a.ip6)
        print(script)
        total += compare(kernel, ours, a.windows, a.all)
    print(f"{total} differences")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
