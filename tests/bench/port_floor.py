#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a port of DPDK alone brings over a veth pair: testpmd sends full frames, nobody answers.
Beside it, in the same rounds, the downloads of http_compare.py: no server on such a port can be
faster than this."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

import http_compare
import http_figures
import report

PORTS = {'af_packet': 'net_af_packet0,iface={nic},framecnt=4096,qdisc_bypass=1',
         'af_xdp': 'net_af_xdp0,iface={nic}'}
SERVERS = ('sluiced', 'sluiced-af_xdp', 'nginx', 'epoll')
NOBODY = '02:00:00:00:98:77'    # the client's kernel looks at no more than the address
FRAME, PAYLOAD = 1514, 1448
SETTLE_S = 3


def received(bed):
    """Frames that came to the client's end of the pair."""
    return int(http_compare.sh('ip', 'netns', 'exec', bed.client_ns, 'cat',
                               f'/sys/class/net/{http_compare.PEER}/statistics/rx_packets'))


def testpmd(bed, port):
    """The command: its first thread, which waits for input, is where the client would be."""
    return bed.within(bed.server_ns, f'{bed.server_cpu},{bed.client_cpu}') + [
        'dpdk-testpmd', '--lcores', f'0@{bed.client_cpu},1@{bed.server_cpu}', '--main-lcore', '0',
        '--no-huge', '--no-pci', '-m', '512', '--file-prefix', f'sluice-floor-{os.getpid()}',
        '--vdev', PORTS[port].format(nic=http_compare.NIC), '--', '--forward-mode=txonly',
        f'--txpkts={FRAME}', '--total-num-mbufs=8192', '--nb-cores=1', '--auto-start',
        f'--eth-peer=0,{NOBODY}']


def alone(bed, port):
    """Gb/s of what segments of that size would carry."""
    bed.make_veth(offload=False)
    command = ['setpriv', '--pdeathsig', 'TERM'] + testpmd(bed, port)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        time.sleep(SETTLE_S)
        before, began = received(bed), time.monotonic()
        time.sleep(bed.options.seconds)
        count, took = received(bed) - before, time.monotonic() - began
        said = process.communicate(timeout=20)[0]
    bed.stop()
    if process.returncode != 0 or count == 0:
        raise RuntimeError('testpmd: ' + said[-1000:])
    return count * PAYLOAD * 8 / took / 1e9


def served(bed, server):
    """Gb/s of a download."""
    try:
        bed.start(server)
        values, bad = http_figures.download(bed)
    finally:
        bed.stop()
    if bad:
        raise RuntimeError(f'{server}: the download was cut short')
    return values['down']


def measure(options):
    """Everybody has a turn in every round."""
    values = {name: [] for name in (*PORTS, *SERVERS)}
    with http_compare.Bed(options) as bed:
        for number in range(options.runs):
            print(f'round {number + 1} of {options.runs}', file=sys.stderr, flush=True)
            for port in PORTS:
                values[port].append(alone(bed, port))
            for server in SERVERS:
                values[server].append(served(bed, server))
    return values


def table(values):
    """For people."""
    spreads = {name: report.spread(values[name]) for name in values}
    head = ['one direction, full frames', 'Gb/s', 'of af_packet alone']
    return head, [[f'{name} alone (testpmd)' if name in PORTS else f'download from {name}',
                   report.triple(spread),
                   f"{report.ratio(spread, spreads['af_packet']):.2f}x"]
                  for name, spread in spreads.items()]


def main():
    """Measures and reports."""
    parser = report.arguments(__doc__, runs=5)
    parser.add_argument('--seconds', type=int, default=3, help='of testpmd each (3)')
    parser.add_argument('--megabytes', type=int, default=512, help='of a download (512)')
    options = parser.parse_args()
    options.build, options.idle, options.steering = os.path.abspath(options.build), 'spin', 'own'
    if options.quick:
        options.seconds, options.megabytes = 1, 8
    reason = http_compare.missing(options, SERVERS, ['download'])
    if reason is None and shutil.which('dpdk-testpmd') is None:
        reason = 'not installed: dpdk-testpmd'
    if reason:
        print(f'SKIP: {reason}')
        sys.exit(report.SKIP)
    report.end_on_signals()
    report.warn_if_busy()
    with contextlib.suppress(KeyboardInterrupt):
        values = measure(options)
        report.publish(options, {'port floor': table(values)}, {'values': values})
        sys.exit(0)
    sys.exit(130)


if __name__ == '__main__':
    main()
