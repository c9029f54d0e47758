# SPDX-License-Identifier: BSD-3-Clause
"""What each scenario sends, how an appliance must count it, and which generators can send it."""

import collections

# kind: of sluice-pcapgen; None: a file of the user's.
# link_kind: what flood_link calls it; None: it cannot.
# once: the frames belong together, and are sent one time each.
# outcomes: what the appliance counts them as; 'x-' stands for all that begin so.
# answered: how many answers each frame gets; None: not of interest.
Scenario = collections.namedtuple(
    'Scenario', 'kind link_kind once outcomes answered cookies port clients help')

SYN_COOKIE = ('syn-cookie-sent',)

SCENARIOS = {
    'syn-flood': Scenario('syn', 'syn', False, SYN_COOKIE, 1, '2', 80, False,
                          'SYNs from everywhere; each is answered with a cookie'),
    'ack-flood': Scenario('ack-random', 'ack', False,
                          SYN_COOKIE + ('no-conn', 'cookie-invalid', 'rst-rate'),
                          None, '2', 80, False,
                          'ACKs with bad cookies; --cookies valid: of connections that they open'),
    'rst': Scenario('rst', 'rst', False, ('no-conn-rst',), 0, '2', 80, False,
                    'resets of no connection; none is answered'),
    'fragments': Scenario('frag', 'fragment', False, ('frag-',), 0, '2', 80, False,
                          'fragments without an end; memory for them is bounded'),
    'bad-checksum': Scenario('bad-csum', 'checksum', False, ('bad-tcp-csum',), 0, '2', 80, False,
                             'SYNs with a wrong checksum; none is answered'),
    'established-data': Scenario('data', None, True,
                                 SYN_COOKIE + ('cookie-accepted', 'delivered'), None, '2', 9,
                                 False, 'opens connections with forged cookies, and sends data'),
    'pcap-replay': Scenario(None, None, False, (), None, '1', 80, False,
                            'the frames of a file (--pcap), over and over'),
    'mixed': Scenario('syn', 'syn', False, SYN_COOKIE, None, '2', 80, True,
                      'a SYN flood, and clients beside it that want a page'),
    'rfc2544': Scenario('syn', 'syn', False, SYN_COOKIE, 1, '2', 80, False,
                        'searches the highest rate of SYNs that are all answered'),
}

ACK_VALID = SCENARIOS['ack-flood']._replace(
    kind='ack-valid', link_kind=None, once=True, outcomes=SYN_COOKIE + ('cookie-accepted',), port=9)


def scenario_of(options):
    """The row that the options ask for."""
    if options.scenario == 'ack-flood' and options.cookies == 'valid':
        return ACK_VALID
    return SCENARIOS[options.scenario]


def needs_secret(row):
    """Whether its frames are forged with the keys of the appliance."""
    return row.kind in ('ack-valid', 'data')


def counted(row, outcomes):
    """Packets among outcomes (name: number) that the scenario is to end as."""
    return sum(number for name, number in outcomes.items()
               if any(name == wanted or wanted.endswith('-') and name.startswith(wanted)
                      for wanted in row.outcomes))
