# SPDX-License-Identifier: BSD-3-Clause
"""The appliance that is made for a run, and one that is there already."""

import json
import os
import re
import subprocess
import sys
import tempfile

from kit.options import ROOT
from kit.scenarios import needs_secret, scenario_of

sys.path[1:1] = [os.path.join(ROOT, 'tests/integ')]
import bed  # noqa: E402  (the bed of the integration tests)

PAGE_BYTES = 1024
GENERATOR_MAC = '02:00:00:00:99:02'
CONNECTIONS = 32768


class Lab(bed.Appliance):
    """sluiced on a wire of its own; all in this network namespace, which nobody else is in."""

    def __init__(self, options):
        kind, name = options.via
        os.environ['SLUICE_BUILD'] = options.build
        if kind == 'tap':
            bed.IFACE = name
        elif kind == 'af_packet':
            bed.PEER = name
        self.path = name
        super().__init__(port_type=kind, workers=1)
        self.is_secret_known = needs_secret(scenario_of(options))
        self.secret = os.path.join(self.dir, 'secret')
        self.mac = bed.TAP_MAC
        with open(os.path.join(self.dir, 'page.bin'), 'wb') as file:
            file.write(os.urandom(PAGE_BYTES))
        self.config['services'] = {'echo': None, 'discard': None,
                                   'http': {'root': self.dir, 'backlog': 4096}}
        self.config['drain_timeout'] = '0s'
        # Connections that are forged in thousands never say goodbye.
        self.config['memory'].update(packets=32768, connections=CONNECTIONS * 2)
        if self.is_secret_known:
            with open(self.secret, 'w', encoding='ascii') as file:
                file.write(f'sluice-test-secret {os.urandom(7).hex()}01\n')
            self.arguments = ['--test-secret', self.secret]

    def port(self):
        """Answers to those who were never there go back to the generator, unasked for."""
        port = super().port()
        if self.port_type == 'vhost':
            port = {'type': 'vhost', 'path': self.path, 'mac': bed.TAP_MAC,
                    'addresses': port['addresses']}
        port['gateway'] = bed.LINUX
        port['neighbours'] = {bed.LINUX: GENERATOR_MAC}
        return port

    def make_link(self):
        if self.port_type != 'vhost':
            super().make_link()

    def linux_side(self):
        if self.port_type == 'vhost':
            return
        dev = bed.IFACE if self.port_type == 'tap' else bed.PEER
        bed.sh('ip', 'link', 'set', dev, 'address', GENERATOR_MAC)
        super().linux_side()

    def wait_answer(self, end):
        if self.port_type != 'vhost':
            super().wait_answer(end)
            self.mac = re.search(r'lladdr (\S+)', bed.sh('ip', 'neigh', 'show',
                                                         bed.APPLIANCE)).group(1)

    def outcomes(self):
        """How every packet ended so far."""
        got = self.ctl('show', 'outcomes', '--all', check=False)
        if 'error' in got:
            raise RuntimeError(got['error']['message'])
        return {row['reason']: row['packets'] for row in got['outcomes']}

    def ended(self):
        """How it came to its end, and its last words; None: it runs."""
        status = self.proc.poll()
        if status is None:
            return None
        how = f'signal {-status}' if status < 0 else f'status {status}'
        return f'the appliance ended with {how}: {self.log_text().strip()[-500:] or "no word"}'

    def set_cookies(self, mode):
        """SYN cookies: always, or as it is by default."""
        self.ctl('set', 'tcp_syncookies', mode)

    def stop(self):
        kind, self.port_type = self.port_type, \
            'tap' if self.port_type == 'vhost' else self.port_type
        status = super().stop()
        if kind == 'vhost' and os.path.exists(self.path):
            os.unlink(self.path)
        return status


class Elsewhere:
    """An appliance that is there already: nothing of it is changed."""

    def __init__(self, options):
        self.control = options.control
        self.build = options.build
        self.mac = options.target_mac
        self.secret = options.secret_file
        self.dir_made = tempfile.TemporaryDirectory(prefix='sluice-load-')
        self.dir = self.dir_made.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dir_made.cleanup()

    def outcomes(self):
        """The same, where its control socket is known; else None."""
        if self.control is None:
            return None
        done = subprocess.run(
            [os.path.join(self.build, 'app/sluicectl/sluicectl'), '--socket', self.control,
             '--json', 'show', 'outcomes', '--all'], capture_output=True, text=True, timeout=20,
            check=False)
        if done.returncode != 0:
            raise RuntimeError(f'--control {self.control}: {done.stderr.strip()}')
        return {row['reason']: row['packets'] for row in json.loads(done.stdout)['outcomes']}

    def set_cookies(self, _):
        """It is not ours."""

    def ended(self):
        """It is seen by its control socket alone."""


def address_of(options):
    """The address and port that frames are sent to."""
    return options.target or (bed.APPLIANCE, scenario_of(options).port)
