# SPDX-License-Identifier: BSD-3-Clause
"""The frames of a run: made by sluice-pcapgen, or a file of the user's; and for trafgen."""

import os
import struct
import subprocess

from kit import lab
from kit.scenarios import needs_secret

FLOW_SHARE = 10         # one frame of so many opens a flow
TRAFGEN_MAX = 60000     # frames that trafgen reads in reasonable time
MAGICS = {0xa1b2c3d4: 1, 0xa1b23c4d: 1}
ETHERNET = 1


def number_of(options, row):
    """How many different frames; those that belong together are all sent, once."""
    if not row.once:
        return options.frames
    wanted = (options.rate or options.frames) * options.seconds
    return max(100, min(wanted, TRAFGEN_MAX // 2, lab.CONNECTIONS // 2))


def make(options, row, place):
    """The pcap file; place: the appliance's."""
    path = os.path.join(place.dir, 'frames.pcap')
    if row.kind is None:
        found = [at_target(frame, place.mac) for frame in read(options.pcap)]
        write(found, path)
        return path, len(found)
    address, port = lab.address_of(options)
    count = number_of(options, row)
    words = ['--kind', row.kind, '--target', f'[{address}]:{port}' if ':' in address else
             f'{address}:{port}', '--count', str(count), '--seed', str(options.seed),
             '--dst-mac', place.mac, '--src-mac', lab.GENERATOR_MAC, '-o', path]
    if needs_secret(row):
        words += ['--secret-file', place.secret]
    if row.kind == 'data':
        words += ['--flows', str(count // FLOW_SHARE)]
    done = subprocess.run([os.path.join(options.build, 'app/loadtest/sluice-pcapgen'), *words],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return path, count


def read(path):
    """The frames of a pcap file; RuntimeError says what is wrong with it."""
    with open(path, 'rb') as file:
        head = file.read(24)
        order = next((o for o in '<>' if len(head) == 24 and
                      struct.unpack(o + 'I', head[:4])[0] in MAGICS), None)
        if order is None:
            raise RuntimeError(f'{path}: not a pcap file (pcapng: convert it with '
                               f'"tcpdump -r {path} -w FILE")')
        if struct.unpack(order + 'I', head[20:])[0] & 0xffff != ETHERNET:
            raise RuntimeError(f'{path}: not of Ethernet frames')
        found = []
        while row := file.read(16):
            kept, length = struct.unpack(order + 'II', row[8:].ljust(8, b'\0'))
            frame = file.read(kept)
            if len(row) < 16 or len(frame) < kept or kept < length or not 14 <= kept <= 9018:
                raise RuntimeError(f'{path}: frame {len(found) + 1} is not whole')
            found.append(frame)
    if not found:
        raise RuntimeError(f'{path}: no frames')
    return found


def at_target(frame, mac):
    """The frame, sent to the appliance, wherever it went when it was captured; what went to a
    group stays so."""
    return frame if frame[0] & 1 else bytes.fromhex(mac.replace(':', '')) + frame[6:]


def write(found, path):
    """A pcap file of these frames, all at one time."""
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, ETHERNET))
        for frame in found:
            file.write(struct.pack('<IIII', 0, 0, len(frame), len(frame)) + frame)


def trafgen_config(path, out):
    """What trafgen reads; returns how many frames it has."""
    found = read(path)[:TRAFGEN_MAX]
    with open(out, 'w', encoding='ascii') as file:
        for frame in found:
            file.write('{0x' + frame.hex(',').replace(',', ',0x') + '}\n')
    return len(found)
