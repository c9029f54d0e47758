# SPDX-License-Identifier: BSD-3-Clause
"""The command line of app/loadtest/run."""

import argparse
import ipaddress
import os
import re
import socket
import stat
import sys

from kit.scenarios import SCENARIOS, needs_secret, scenario_of

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..'))
UNITS = {'': 1, 'k': 10 ** 3, 'K': 10 ** 3, 'M': 10 ** 6, 'm': 10 ** 6, 'G': 10 ** 9, 'g': 10 ** 9}
TIMES = {'': 1, 's': 1, 'm': 60, 'h': 3600}
RATE_MAX = 10 ** 9
SECONDS_MAX = 86400
GENERATORS = ('pktgen', 'testpmd', 'trafgen', 'flood_link')
EXITS = """\
exit status:
  0  passed
  1  the device did not pass, or ended meanwhile: what it did is said
  2  wrong usage
  3  it could not start, or no generator can do this here
  6  generator saturated: it sent less than 95 % of what was asked; no verdict on the device
  130  interrupted
"""


def rate(text):
    """Packets/s: 50k, 1M, 1mpps; max is None."""
    if text == 'max':
        return None
    match = re.fullmatch(r'(\d+(?:\.\d+)?)([kKmMgG]?)(?:pps)?', text)
    value = round(float(match.group(1)) * UNITS[match.group(2)]) if match else 0
    if not 1 <= value <= RATE_MAX:
        raise argparse.ArgumentTypeError(f"'{text}': write it as 50k, 1M, 1mpps or max")
    return value


def seconds(text):
    """Whole seconds: 10, 10s, 2m."""
    match = re.fullmatch(r'(\d+)([smh]?)', text)
    value = int(match.group(1)) * TIMES[match.group(2)] if match else 0
    if not 1 <= value <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"'{text}': write it as 10s, 2m or 1h, a day at most")
    return value


def count(text):
    """A number with an optional unit."""
    match = re.fullmatch(r'(\d+)([kKmM]?)', text)
    if not match or not 1 <= int(match.group(1)) * UNITS[match.group(2)] <= 10 ** 7:
        raise argparse.ArgumentTypeError(f"'{text}': a number from 1 to 10M")
    return int(match.group(1)) * UNITS[match.group(2)]


def percent(text):
    """A share."""
    match = re.fullmatch(r'(\d+(?:\.\d+)?)%?', text)
    if not match or float(match.group(1)) > 100:
        raise argparse.ArgumentTypeError(f"'{text}': a number from 0 to 100")
    return float(match.group(1)) / 100


def target(text):
    """(address, port)."""
    match = re.fullmatch(r'\[([0-9a-fA-F:.]+)\]:(\d+)|([0-9.]+):(\d+)', text)
    try:
        address = ipaddress.ip_address(match.group(1) or match.group(3))
        port = int(match.group(2) or match.group(4))
        if not 1 <= port <= 65535 or (address.version == 6) != (match.group(1) is not None):
            raise ValueError
    except (AttributeError, ValueError):
        raise argparse.ArgumentTypeError(
            f"'{text}': write it as 192.0.2.1:80 or '[2001:db8::1]:80'") from None
    return str(address), port


def mac(text):
    """A MAC address."""
    if not re.fullmatch(r'[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}', text):
        raise argparse.ArgumentTypeError(f"'{text}': write it as 02:00:00:00:00:01")
    return text.lower()


def via(text):
    """(kind, name) of the wire."""
    kind, _, name = text.partition(':')
    forms = {
        'vhost': r'/[^,\0\n]{1,100}',
        'tap': r'[A-Za-z0-9_.-]{1,15}',
        'af_packet': r'[A-Za-z0-9_.-]{1,15}',
        'pci': r'[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]',
    }
    if kind not in forms or not re.fullmatch(forms[kind], name):
        raise argparse.ArgumentTypeError(
            f"'{text}': vhost:/PATH, tap:NAME, af_packet:NAME or pci:0000:03:00.0")
    return kind, name


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message):
        print(f'{self.prog}: {message}; {self.prog} --help explains', file=sys.stderr)
        sys.exit(2)


def parser():
    """All that can be asked for."""
    rows = '\n'.join(f'  {name:17} {row.help}' for name, row in SCENARIOS.items())
    made = Parser(
        prog='app/loadtest/run', formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Floods an appliance, and says what became of it. Without --via both are in a\n'
        'network namespace of their own, which is gone afterwards. docs/load-testing.md tells more.'
        '\n\nscenarios:\n' + rows, epilog=EXITS, allow_abbrev=False)
    made.add_argument('scenario', choices=SCENARIOS, metavar='SCENARIO')
    made.add_argument('--rate', type=rate, default='50k', metavar='N',
                      help='packets/s: 50k, 1mpps, max; of rfc2544 the highest that is tried (50k)')
    made.add_argument('--seconds', type=seconds, default='10s', metavar='N',
                      help='how long: 10s, 2m; of rfc2544 each trial (10s)')
    made.add_argument('--via', type=via, metavar='WIRE',
                      help='vhost:PATH, tap:NAME, af_packet:NAME: made for the run, the appliance '
                      'too, unless there is a socket at PATH already; pci:BDF: a card '
                      '(af_packet:gen0; for fragments, or without root, tap:gen0)')
    made.add_argument('--target', type=target, metavar='IP:PORT',
                      help='of an appliance that is there already')
    made.add_argument('--target-mac', type=mac, metavar='MAC',
                      help='its MAC address, or that of the router on the way')
    made.add_argument('--control', metavar='SOCKET',
                      help='its control socket, to read its counters')
    made.add_argument('--confirm', metavar='BDF',
                      help='of pci: the address once more: yes, flood what is on this card')
    made.add_argument('--generator', choices=GENERATORS,
                      help='this one; else the first that is there and can do it')
    made.add_argument('--cookies', choices=('bad', 'valid'), default='bad',
                      help='of ack-flood (bad)')
    made.add_argument('--pcap', metavar='FILE', help='of pcap-replay: what to send')
    made.add_argument('--frames', type=count, default='20k', metavar='N',
                      help='different frames that are made; then they come again (20k)')
    made.add_argument('--seed', type=int, default=1, metavar='N', help='of the frames (1)')
    made.add_argument('--secret-file', metavar='FILE',
                      help='the test secret of an appliance that is there already')
    made.add_argument('--loss', type=percent, default='1', metavar='PERCENT',
                      help='frames that may be lost or unanswered (1)')
    made.add_argument('--json', metavar='FILE', help='the result; - is standard output')
    made.add_argument('--plot', metavar='FILE', help='rates over time, as SVG')
    made.add_argument('--build', default=os.path.join(ROOT, 'build'), metavar='DIR',
                      help='the build folder (build)')
    return made


def is_there(options):
    """Whether the appliance is there already, instead of being made for the run."""
    kind, name = options.via
    return kind == 'pci' or kind == 'vhost' and os.path.exists(name)


def confirmed(options):
    """Whether the user means it; asks on a terminal."""
    name = options.via[1]
    if options.confirm is None and sys.stdin.isatty():
        print(f'This floods whatever is on the card {name}, outside of this machine.\n'
              f'Type its address to go on: ', end='', file=sys.stderr, flush=True)
        return sys.stdin.readline().strip() == name
    return options.confirm == name


def check_there(options):
    """What an appliance needs that is there already; returns what is wrong."""
    if options.via[0] == 'vhost' and not stat.S_ISSOCK(os.stat(options.via[1]).st_mode):
        return f'--via {":".join(options.via)}: there is something, and it is no socket'
    if options.target is None:
        return f'--via {":".join(options.via)} needs --target: the appliance is there already'
    if options.target_mac is None:
        return '--target needs --target-mac: frames are sent without asking for it'
    if options.scenario == 'mixed':
        return 'mixed brings clients, which need the appliance that is made for the run'
    if needs_secret(scenario_of(options)) and options.secret_file is None:
        return 'forging cookies needs --secret-file: what the appliance got with --test-secret'
    if options.scenario == 'rfc2544' and options.via[0] == 'pci' and options.rate is None:
        return 'rfc2544 needs --rate: the highest that is tried'
    return None


def check(options):
    """What only shows once all is known; returns what is wrong, or None."""
    for name in ('target', 'target_mac', 'control', 'secret_file'):
        if not is_there(options) and getattr(options, name) is not None:
            return f'--{name.replace("_", "-")} is of an appliance that is there already; this ' \
                'one is made for the run'
    if (options.pcap is not None) != (options.scenario == 'pcap-replay'):
        return 'pcap-replay needs --pcap, and nothing else takes it'
    if options.pcap is not None and not os.path.isfile(options.pcap):
        return f'--pcap {options.pcap}: ' + \
            ('is a folder' if os.path.isdir(options.pcap) else 'no such file')
    if options.cookies == 'valid' and options.scenario != 'ack-flood':
        return '--cookies is of ack-flood'
    if options.scenario == 'rfc2544' and options.rate is None:
        return 'rfc2544 needs a --rate: the highest that is tried'
    if options.confirm is not None and options.via[0] != 'pci':
        return '--confirm is of pci'
    if options.scenario == 'fragments' and options.via[0] == 'af_packet':
        return 'fragments do not get through af_packet: the kernel puts them together. Take a ' \
            'tap or vhost'
    if options.via[0] == 'vhost' and not os.path.isdir(os.path.dirname(options.via[1])):
        return f'--via {":".join(options.via)}: no such folder'
    if is_there(options):
        return check_there(options)
    if options.via[1] in ('lo', 'sluice0', 'sluice1') and options.via[0] != 'vhost':
        return f'--via {":".join(options.via)}: take another name'
    # Who names a card of this machine expects frames on it, and would get a wire of that name.
    if options.via[1] in (name for _, name in socket.if_nameindex()):
        return f'--via {":".join(options.via)}: {options.via[1]} is an interface of this ' \
            'machine, and nothing is sent out of it. Take a name that is free'
    return None


def parse(words):
    """The options; ends the program with status 2 where they are wrong."""
    made = parser()
    options = made.parse_args(words)
    if options.via is None:
        # Who is not root may not lock the memory of an af_packet ring.
        kind = 'tap' if options.scenario == 'fragments' or os.geteuid() != 0 else 'af_packet'
        options.via = (kind, 'gen0')
    wrong = check(options)
    if wrong is None and options.via[0] == 'pci' and not confirmed(options):
        wrong = f'nothing is sent outside of this machine without --confirm {options.via[1]}'
    if wrong is not None:
        made.error(wrong)
    return options
