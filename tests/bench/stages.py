#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where the instructions of an operation go, stage by stage, as callgrind counts them."""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import report

# subject of bench_engine: what one operation is, within which functions of the program is counted,
# and how many operations a call of the first of them is: a burst, of 32 frames. (Callgrind counts
# calls outside of these functions, too, so that no frame tells how many there were.)
BURST = 32
SUBJECTS = {
    'syn_cookie': ('SYN answered with a cookie', ('membed_burst',), BURST),
    'bogus_ack': ('bogus ACK refused', ('membed_burst',), BURST),
    'connection': ('connection without data', ('engine_open_burst', 'engine_close_burst'), BURST),
    'request': ('request of 64 B', ('engine_request_burst',), BURST),
    'bulk': ('segment of 1448 B sent, and half an ACK', ('send_burst',), 2 * BURST),
}

# What is no engine's: it makes and reads the frames of the client. The service is there, too.
CLIENT = 'tests/bench/'
SERVICE = re.compile(r'^(echo|discard|source|accept)_')
# A source file belongs to the first stage that it begins with.
STAGES = (
    ('Ethernet, IP, checks', ('stack/net/ip_input', 'stack/net/net', 'stack/worker/',
                              'stack/net/learn', 'stack/wire/')),
    ('hash of the tuple', ('stack/base/siphash',)),
    ('flow table', ('stack/table/',)),
    ('SYN cookies', ('stack/tcp/tcp_syncookie',)),
    ('SYN queue, set-up, end', tuple('stack/tcp/tcp_' + name for name in (
        'synq', 'listen', 'open', 'acceptq', 'options', 'close', 'timewait', 'isn', 'state',
        'source', 'respond', 'brief'))),
    ('segment in: options, ACK, data', tuple('stack/tcp/tcp_' + name for name in (
        'input', 'segment', 'fast', 'check', 'ack', 'text', 'sendq', 'cc', 'hystart', 'ecn',
        'recovery', 'rack', 'sack', 'reass')) + ('stack/tcp/cc_',)),
    ('API and service', ('stack/sock/', 'stack/tcp/tcp_user', 'stack/include/')),
    ('segment out: choice, headers', ('stack/tcp/tcp_output', 'stack/tcp/tcp_emit',
                                      'stack/tcp/tcp_headers',
                                      'stack/tcp/tcp_chunk', 'stack/tcp/tcp_tso',
                                      'stack/net/ip_output', 'stack/net/neigh')),
    ('timers', ('stack/timer/', 'stack/tcp/tcp_timers', 'stack/tcp/tcp_keep')),
    ('what TCP has in common, lists', ('stack/tcp/',)),
)
COPIES, REST = 'copies and fills (memcpy, memset)', 'rest'


def tree_path(path):
    """A path within the tree; of a file that is not ours its name."""
    found = re.search(r'(?:^|/)((?:stack|tests/bench)/.*)', path)
    return found.group(1) if found else os.path.basename(path)


def stage_of_file(path):
    """The stage that a source file belongs to; None if it is of use to several."""
    for stage, beginnings in STAGES:
        if path.startswith(beginnings) and not path.endswith('tcp_int.h'):
            return stage
    return None


def stage_of(path, home, function):
    """What a line of path counts for that the compiler put into a function of the file home."""
    if SERVICE.match(function):
        return 'API and service'
    if re.match(r'(__)?mem(cpy|move|set)', function):
        return COPIES
    for place in (path, home):
        if place.startswith(CLIENT):
            return CLIENT
        if stage_of_file(place):
            return stage_of_file(place)
    return REST


class Profile:
    """Instructions by (file, file of the function, function), and calls by function."""

    def __init__(self, lines):
        self.names = {}
        self.cost = collections.Counter()
        self.calls = collections.Counter()
        self.read(lines)

    def name(self, kind, text):
        """A name, which stands behind its number only once."""
        number, _, rest = text.partition(' ')
        if not number.startswith('('):
            return text
        if rest:
            self.names[kind, number] = rest
        return self.names[kind, number]

    def read(self, lines):
        """The format of callgrind: costs of lines, and calls whose next line costs the callee."""
        home = path = function = callee = ''
        skip = False
        for line in lines:
            key, equals, text = line.strip().partition('=')
            if equals and key in ('fl', 'fi', 'fe', 'cfi', 'cfl'):
                name = self.name('file', text)
                if key == 'fl':
                    home = name
                if key in ('fl', 'fi', 'fe'):
                    path = name
            elif equals and key in ('fn', 'cfn'):
                name = self.name('function', text)
                function, callee = (name, callee) if key == 'fn' else (function, name)
            elif equals and key == 'calls':
                self.calls[callee] += int(text.split()[0])
                skip = True
            elif re.match(r'[-+*\d]', line):
                if not skip:
                    self.cost[tree_path(path), tree_path(home), function] += int(line.split()[1])
                skip = False

    def stages(self, counted, operations_a_call):
        """{stage: instructions an operation}, without what is the client's."""
        found = collections.Counter()
        for (path, home, function), cost in self.cost.items():
            found[stage_of(path, home, function)] += cost
        found.pop(CLIENT, None)
        # The compiler puts more behind a name, of a copy for certain arguments.
        calls = sum(n for name, n in self.calls.items() if name.split('.')[0] == counted)
        if not calls:
            sys.exit(f'stages.py: no call of {counted}: was it built with debug information?')
        return {stage: cost / (calls * operations_a_call) for stage, cost in found.items()}


def profile(bench, subject, counted):
    """Callgrind's count of what happens within the functions counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'out')
        done = subprocess.run(
            ['valgrind', '--tool=callgrind', f'--callgrind-out-file={path}', '--compress-pos=no',
             *(f'--toggle-collect={name}*' for name in counted), bench, '--quick', subject],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f'stages.py: valgrind failed:\n{done.stderr}')
        with open(path, encoding='utf-8') as file:
            return Profile(file)


def table(found):
    """Stages down, operations across; the sum at the end."""
    order = [stage for stage, _ in STAGES] + [COPIES, REST]
    rows = [[stage] + [f'{stages.get(stage, 0):.0f}' for stages in found.values()]
            for stage in order if any(stages.get(stage, 0) >= 0.5 for stages in found.values())]
    rows.append(['all'] + [f'{sum(stages.values()):.0f}' for stages in found.values()])
    return ['instructions'] + [SUBJECTS[subject][0] for subject in found], rows


def main():
    """Counts and reports."""
    parser = report.arguments(__doc__, runs=1)
    parser.add_argument('subjects', nargs='*', metavar='SUBJECT', help=' '.join(SUBJECTS))
    options = parser.parse_args()
    for subject in options.subjects:
        if subject not in SUBJECTS:
            parser.error(f'no {subject}; there are {" ".join(SUBJECTS)}')
    bench = os.path.join(options.build, 'tests/bench/bench_engine')
    if shutil.which('valgrind') is None:
        print('not installed: valgrind')
        return report.SKIP
    if not os.path.exists(bench):
        sys.exit(f'stages.py: no {bench}; meson setup {options.build} -Dbuildtype=release '
                 '-Ddebug=true, and build it')
    found = {}
    for subject in options.subjects or SUBJECTS:
        _, counted, operations_a_call = SUBJECTS[subject]
        found[subject] = profile(bench, subject, counted).stages(counted[0], operations_a_call)
    report.publish(options, {'stages': table(found)}, {'stages': found})
    return 0


if __name__ == '__main__':
    sys.exit(main())
