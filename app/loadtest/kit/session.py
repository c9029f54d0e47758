# SPDX-License-Identifier: BSD-3-Clause
"""A run from its beginning to its end: appliance, frames, generator, clients, verdict."""

import contextlib
import datetime
import json
import os
import subprocess
import sys
import time

from kit import frames, generators, lab, result
from kit.options import ROOT, is_there
from kit.scenarios import counted, scenario_of

EXIT_PASS, EXIT_FAIL, EXIT_START, EXIT_SATURATED = 0, 1, 3, 6
SATURATED = 0.95        # of what was asked
NEAR = 0.05             # the search ends once it knows the rate as closely as this
TRIALS_MAX = 16
SAMPLE_S = 0.5
CLIENTS_OK = 0.99       # of the connections, within a second
BEGUN = 30              # frames
NOT_US = ('bad-mac', 'ip4-not-us', 'ip6-not-us')
NEARLY_ALL = 0.9        # of the frames of a file
STRAY = 200             # packets of Linux itself on the wire: neighbour discovery and the like


def per_second(number, took):
    """As a whole number."""
    return round(number / took) if took > 0 else 0


class Flood:
    """One sending of frames; keeps what was counted meanwhile."""

    def __init__(self, generator, seconds):
        self.generator, self.seconds = generator, seconds
        self.samples = []
        self.first = (0, 0)

    def await_begin(self, rate):
        """Until frames leave: more than Linux itself sends on a wire that has just come up."""
        begun = min(BEGUN, (rate or BEGUN) * self.seconds // 4)
        end = time.monotonic() + generators.BEGIN_S
        while self.generator.counts()[0] - self.first[0] <= begun:
            if self.generator.is_done():
                return
            if time.monotonic() > end:
                raise RuntimeError(f'{self.generator.name} sent nothing in {generators.BEGIN_S} s'
                                   f': {self.generator.said().strip()}')
            time.sleep(0.02)

    def sample(self, start):
        """One line for the plot."""
        sent, received = self.generator.counts()
        self.samples.append({'t_s': round(time.monotonic() - start, 3),
                             'sent': sent - self.first[0], 'received': received - self.first[1]})

    def watch(self):
        """Until the time is over, or the generator is, or the appliance."""
        start = time.monotonic()
        self.sample(start)
        length = self.generator.most_s(self.seconds)
        while time.monotonic() - start < length and not self.generator.is_done() and \
                self.generator.place.ended() is None:
            time.sleep(min(SAMPLE_S, max(0.01, length - (time.monotonic() - start))))
            self.sample(start)
        if self.generator.is_broken():
            raise self.generator.failed()

    def totals(self):
        """What was sent and received in all, once nothing is on its way, and how fast."""
        said = self.generator.final(self.seconds)
        if said is not None:
            return said
        begin, last = self.samples[0], self.samples[-1]
        took = last['t_s'] - begin['t_s']
        if self.generator.is_bursty:
            begin = {'sent': 0, 'received': 0}
        sent, received = last['sent'] + self.first[0], last['received'] + self.first[1]
        # A tap goes away with the appliance, and its counters with it.
        if self.generator.place.ended() is None:
            sent, received = generators.settle(self.generator)
        return {'sent': sent - self.first[0], 'received': received - self.first[1],
                'took_s': round(took, 3),
                'sent_pps': per_second(last['sent'] - begin['sent'], took),
                'received_pps': per_second(last['received'] - begin['received'], took)}


class Session:
    """What belongs to a run."""

    def __init__(self, options, place):
        self.options, self.place = options, place
        self.row = scenario_of(options)
        self.generator, self.passed_over = generators.choose(options, self.row, place)
        self.pcap, self.count = frames.make(options, self.row, place)
        self.gone = None        # why the appliance cannot say what it counted

    def flood(self, rate, seconds, during=None):
        """Sends, and returns the flood and its totals."""
        flood = Flood(self.generator, seconds)
        with contextlib.suppress(FileNotFoundError, AttributeError, BrokenPipeError):
            flood.first = self.generator.counts()
        self.generator.start(self.pcap, self.count, rate, seconds)
        try:
            flood.await_begin(rate)
            if during is not None:
                during()
            flood.watch()
        except RuntimeError:
            # Wires break where an end of them is gone: that is the verdict, not an error.
            if self.place.ended() is None:
                raise
            flood.samples = flood.samples or [{'t_s': 0.0, 'sent': 0, 'received': 0}]
        finally:
            self.generator.pause()
        return flood, flood.totals()

    def outcomes_after(self):
        """What the appliance has counted now; None: it is gone."""
        self.gone = self.place.ended()
        if self.gone is not None:
            return None
        try:
            return self.place.outcomes()
        except RuntimeError as error:
            self.gone = f'the appliance does not answer any more: {error}'
            return None

    @contextlib.contextmanager
    def clients(self):
        """Those who want a page meanwhile; yields how to begin, and what they lived through."""
        found = {}

        def begin():
            found['process'] = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', sys.executable,
                 os.path.join(ROOT, 'tests/bench/flood_client.py'), lab.bed.APPLIANCE, '--held',
                 '0', '--page', str(lab.PAGE_BYTES), '--seconds',
                 str(max(1, self.options.seconds - 1))],
                stdout=subprocess.PIPE, text=True)
        try:
            yield begin, found
            # Without an appliance they would wait for their time to be over, and for nothing.
            if 'process' in found and self.place.ended() is None:
                text, _ = found['process'].communicate(timeout=self.options.seconds + 30)
                found['line'] = self.clients_said(text)
        finally:
            if 'process' in found and found['process'].poll() is None:
                found['process'].kill()
                found['process'].wait()

    def clients_said(self, text):
        """What became of them; nothing if there was nobody left to talk to."""
        if text:
            return json.loads(text)
        if self.place.ended() is None:
            raise RuntimeError('the clients ended without a result')
        return None

    def measure(self):
        """The flood as it was asked for."""
        before = self.place.outcomes()
        with self.clients() as (begin, found):
            flood, totals = self.flood(self.options.rate, self.options.seconds,
                                       begin if self.row.clients else None)
        return {**totals, 'samples': flood.samples, 'clients': found.get('line'),
                'device': self.device(before), 'rfc2544': None}

    def device(self, before):
        """What the appliance has counted since."""
        time.sleep(0.5)
        after = self.outcomes_after()
        if before is None or after is None:
            return None
        grown = {name: after[name] - before.get(name, 0) for name in after}
        grown = {name: number for name, number in grown.items() if number > 0}
        return {'received': sum(grown.values()), 'expected': list(self.row.outcomes),
                'as_expected': counted(self.row, grown), 'outcomes': grown}

    def trial(self, rate, seconds):
        """One rate of the search."""
        flood, totals = self.flood(rate, seconds)
        verdict = 'pass'
        if totals['sent_pps'] < rate * SATURATED:
            verdict = 'saturated'
        if totals['received'] < totals['sent'] * (1 - self.options.loss):
            verdict = 'fail'
        line = {'asked_pps': rate, 'sent_pps': totals['sent_pps'],
                'received_pps': totals['received_pps'], 'verdict': verdict}
        print(f'  asked {rate:,} pps: {verdict}', file=sys.stderr, flush=True)
        return line, flood, totals

    def search(self):
        """Halves between what passed and what did not, after a warm-up; then confirms (RFC 2544
        s26.1)."""
        before = self.place.outcomes()
        low, high, trials = 0, self.options.rate, []
        flood, totals = self.flood(max(1, high // 10), 1)
        rate = high
        while self.place.ended() is None and len(trials) < TRIALS_MAX and \
                (not trials or high - low > max(1, NEAR * high)):
            line, flood, totals = self.trial(rate, self.options.seconds)
            trials.append(line)
            if line['verdict'] == 'pass':
                low = rate
                if rate == high:
                    break
            elif line['verdict'] == 'saturated':
                high = max(low, min(rate - 1, line['sent_pps']))
                low = max(low, min(high, line['received_pps']))
            else:
                high = rate
            rate = (low + high) // 2 or 1
        if self.place.ended() is None and low > 0 and trials[-1]['asked_pps'] != low:
            line, flood, totals = self.trial(low, self.options.seconds)
            trials.append(line)
        return {**totals, 'samples': flood.samples, 'clients': None,
                'device': self.device(before),
                'rfc2544': {'rate_pps': low, 'trials': trials}}

    def pktgen_search(self):
        """The same, by pktgen's own script."""
        before = self.place.outcomes()
        flood, totals = self.flood(self.options.rate, self.options.seconds)
        end = self.generator.outcome()
        return {**totals, 'samples': flood.samples, 'clients': None,
                'device': self.device(before),
                'rfc2544': {'rate_pps': end['rate'], 'trials': end['trials']}}

    def all_of_it(self):
        """What was asked, what came of it, and what that means."""
        started = datetime.datetime.now().astimezone().isoformat(timespec='seconds')
        self.place.set_cookies(self.row.cookies)
        if self.options.scenario != 'rfc2544':
            got = self.measure()
        elif isinstance(self.generator, generators.Pktgen):
            got = self.pktgen_search()
        else:
            got = self.search()
        address, port = lab.address_of(self.options)
        asked = self.options.rate
        if got['rfc2544'] is not None and got['rfc2544']['trials']:
            asked = got['rfc2544']['trials'][-1]['asked_pps']
        made = {
            'schema_version': 1, 'scenario': self.options.scenario, 'started': started,
            'generator': {'name': self.generator.name, 'version': self.generator.version(),
                          'path': self.generator.path, 'passed_over': self.passed_over},
            'via': ':'.join(self.options.via),
            'target': f'[{address}]:{port}' if ':' in address else f'{address}:{port}',
            'seed': self.options.seed, 'frames': self.count, 'asked_pps': asked,
            'asked_s': self.options.seconds, 'loss_limit': self.options.loss,
            'machine': result.machine(), **got}
        made['verdict'], made['reasons'] = judge(made, self.row, self.gone)
        return made

    def close(self):
        """Nothing is left of it."""
        self.generator.end()


def judge_device(made, row):
    """What the appliance's counters say against it."""
    device, limit = made['device'], made['loss_limit']
    if device is None or not row.outcomes:
        return
    if device['as_expected'] < made['sent'] * (1 - limit) - STRAY:
        yield f'{device["as_expected"]:,} of {made["sent"]:,} frames ended as ' \
            f'{" or ".join(row.outcomes)}'


def judge_replay(made):
    """A file that says nothing about the appliance: it is of a talk between others."""
    if made['scenario'] != 'pcap-replay' or made['device'] is None:
        return
    missed = {name: made['device']['outcomes'].get(name, 0) for name in NOT_US}
    if sum(missed.values()) > made['sent'] * NEARLY_ALL:
        yield f'{sum(missed.values()):,} of {made["sent"]:,} frames were not for the appliance (' \
            + ', '.join(f'{name} {number:,}' for name, number in missed.items() if number) + \
            f'). Fix: a file of frames to {made["target"].rpartition(":")[0]}, for example by ' \
            'tcprewrite --dstipmap'


def judge_answers(made, row):
    """Whether there were as many answers as there should be."""
    limit = made['loss_limit']
    if row.answered == 1 and made['received'] < made['sent'] * (1 - limit):
        yield f'{made["sent"] - made["received"]:,} of {made["sent"]:,} frames were not answered'
    most = {0: 0, 1: made['sent']}.get(row.answered)
    if most is not None and made['received'] > most * (1 + limit) + STRAY:
        yield f'{made["received"]:,} answers to {made["sent"]:,} frames are too many'


def judge(made, row, gone=None):
    """(verdict, reasons): first whether there is an appliance still, and was a flood at all."""
    if gone is not None:
        return 'fail', [gone]
    if made['rfc2544'] is not None:
        passed = made['rfc2544']['rate_pps'] > 0
        last = made['rfc2544']['trials']
        if not passed and last and last[-1]['verdict'] == 'saturated':
            return 'saturated', ['the generator did not reach the lowest rate']
        return ('pass', []) if passed else ('fail', ['every rate lost more than asked for'])
    if made['asked_pps'] is not None and made['sent_pps'] < made['asked_pps'] * SATURATED and \
            not (row.once and made['sent'] >= made['frames']):
        return 'saturated', [f'it sent {made["sent_pps"]:,} of {made["asked_pps"]:,} pps. '
                             'Ask for less, or give it more cores']
    reasons = [*judge_replay(made), *judge_device(made, row), *judge_answers(made, row)]
    if made['clients'] is not None and made['clients']['within_1s'] < CLIENTS_OK:
        reasons.append(f'{100 * made["clients"]["within_1s"]:.1f} % of the clients were connected '
                       'within a second')
    return ('fail', reasons) if reasons else ('pass', [])


def missing(options):
    """What has to be built first."""
    wanted = ['app/loadtest/sluice-pcapgen']
    if not is_there(options):
        wanted += ['app/sluiced/sluiced', 'app/sluicectl/sluicectl']
    if options.control is not None:
        wanted.append('app/sluicectl/sluicectl')
    absent = [name for name in wanted if not os.path.exists(os.path.join(options.build, name))]
    if absent:
        return f'not built: {" ".join(absent)}. Fix: app/run --once, then ' \
            f'ninja -C {options.build} {" ".join(absent)}'
    return None


def publish(options, made):
    """In words, and to the files asked for."""
    files, wrong = [], []
    text = sys.stderr if options.json == '-' else sys.stdout
    try:
        if options.json is not None:
            result.write_json(made, options.json, sys.stdout)
            files += [] if options.json == '-' else [f'json: {options.json}']
    except OSError as error:
        wrong.append(f'--json {options.json}: {error.strerror}')
    try:
        if options.plot is not None:
            result.plot(made, options.plot)
            files.append(f'plot: {options.plot}')
    except OSError as error:
        wrong.append(f'--plot {options.plot}: {error.strerror}')
    except RuntimeError as error:
        wrong.append(str(error))
    # What was measured is said in any case.
    print(result.words(made, files), file=text, flush=True)
    for line in wrong:
        print(f'app/loadtest/run: {line}', file=sys.stderr)
    if wrong:
        return EXIT_START
    return {'pass': EXIT_PASS, 'fail': EXIT_FAIL, 'saturated': EXIT_SATURATED}[made['verdict']]


def check_files(options):
    """A result that cannot be written is no result: better known before than after."""
    for path in (options.json, options.plot):
        if path in (None, '-'):
            continue
        if os.path.isdir(path) or not os.access(
                path if os.path.exists(path) else os.path.dirname(path) or '.', os.W_OK):
            raise RuntimeError(f'{path}: cannot be written')
    if options.plot is not None:
        result.need_gnuplot()


def run(options):
    """The exit status of all of it."""
    options.build = os.path.abspath(options.build)
    reason = missing(options)
    if reason is not None:
        print(f'app/loadtest/run: {reason}', file=sys.stderr)
        return EXIT_START
    try:
        check_files(options)
        if options.via[0] != 'pci':
            lab.bed.sh('ip', 'link', 'set', 'lo', 'up')
        with (lab.Elsewhere if is_there(options) else lab.Lab)(options) as place:
            session = Session(options, place)
            try:
                made = session.all_of_it()
            finally:
                session.close()
        return publish(options, made)
    except (OSError, RuntimeError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, 'stderr', None) or ''
        print(f'app/loadtest/run: {error} {said}'.rstrip(), file=sys.stderr)
        return EXIT_START
