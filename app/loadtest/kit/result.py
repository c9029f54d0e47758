# SPDX-License-Identifier: BSD-3-Clause
"""The result of a run: one form whatever sent it, in words, as JSON and as a picture."""

import json
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, '../result.schema.json')
PLOT = os.path.join(HERE, '../plot.gp')
TYPES = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float),
         'boolean': bool, 'null': type(None)}


def schema():
    """What every result fulfils."""
    with open(SCHEMA, encoding='ascii') as file:
        return json.load(file)


def has_type(value, name):
    """JSON's types; a truth value is no number."""
    if isinstance(value, bool):
        return name == 'boolean'
    return isinstance(value, TYPES[name])


def violations(value, rule, where='result'):
    """How a value breaks a schema: type, enum, required, properties, items, minimum."""
    types = rule.get('type', list(TYPES))
    types = [types] if isinstance(types, str) else types
    if not any(has_type(value, name) for name in types):
        yield f'{where}: not of type {" or ".join(types)}'
        return
    if 'enum' in rule and value not in rule['enum']:
        yield f'{where}: {value!r} is not one of {rule["enum"]}'
    if 'minimum' in rule and not isinstance(value, (str, type(None))) and value < rule['minimum']:
        yield f'{where}: {value} is below {rule["minimum"]}'
    if isinstance(value, dict):
        known = rule.get('properties', {})
        for name in rule.get('required', ()):
            if name not in value:
                yield f'{where}.{name}: missing'
        for name, part in value.items():
            if name not in known and 'additionalProperties' not in rule:
                yield f'{where}.{name}: not in the schema'
            yield from violations(part, known.get(name, rule.get('additionalProperties', {})),
                                  f'{where}.{name}')
    if isinstance(value, list):
        for i, part in enumerate(value):
            yield from violations(part, rule.get('items', {}), f'{where}[{i}]')


def machine():
    """What figures depend on."""
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as file:
        model = re.search(r'^model name\s*:\s*(.*)$', file.read(), re.M)
    return {'cpu': model.group(1) if model else 'unknown', 'cpus': len(os.sched_getaffinity(0)),
            'kernel': os.uname().release}


def grouped(number):
    """With separators; '?' is what nobody knows."""
    return '?' if number is None else f'{number:,}'


def share(part, whole):
    """As a percentage."""
    return '?' if part is None or not whole else f'{100 * part / whole:.3f} %'


def sent_line(result):
    """How much was sent of what was asked."""
    asked, got = result['asked_pps'], result['sent_pps']
    if asked is None:
        return f'asked for as much as can be   sent {grouped(got)} pps'
    return f'asked {grouped(asked)} pps   sent {grouped(got)} pps ' \
        f'({100 * got / asked:.1f} %)'


def device_line(result):
    """What the appliance counted."""
    device = result['device']
    if device is None:
        return 'device: its counters are not known here'
    rows = sorted(device['outcomes'].items(), key=lambda row: -row[1])[:6]
    return f'device: received {grouped(device["received"])} packets: ' + \
        ', '.join(f'{name} {grouped(number)}' for name, number in rows)


def clients_line(clients):
    """How those fared who wanted something."""
    def ms(value):
        return '?' if value is None else f'{value:.1f} ms'
    return f'clients: {grouped(clients["connects"])} connections, ' \
        f'{100 * clients["within_1s"]:.2f} % within 1 s, median {ms(clients["p50_ms"])}, ' \
        f'99th {ms(clients["p99_ms"])}'


def words(result, files):
    """For people."""
    made = result['generator']
    lines = [f'generator: {made["name"]} {made["version"]} ({made["path"]})   '
             f'wire: {result["via"]}   frames: {grouped(result["frames"])} '
             f'(seed {result["seed"]})']
    lines += [f'           not {row["name"]}: {row["why"]}' for row in made['passed_over']]
    if result['rfc2544'] is not None:
        for trial in result['rfc2544']['trials']:
            lines.append(f'  asked {grouped(trial["asked_pps"])} pps   sent '
                         f'{grouped(trial["sent_pps"])} pps   received '
                         f'{grouped(trial["received_pps"])} pps   {trial["verdict"]}')
        lines.append(f'highest rate without more loss than asked for: '
                     f'{grouped(result["rfc2544"]["rate_pps"])} pps')
    else:
        lines.append(sent_line(result))
        lines.append(f'sent {grouped(result["sent"])} frames in {result["took_s"]:.1f} s, '
                     f'received {grouped(result["received"])} '
                     f'({share(result["received"], result["sent"])})')
    lines.append(device_line(result))
    if result['clients'] is not None:
        lines.append(clients_line(result['clients']))
    lines += [f'  {reason}' for reason in result['reasons']]
    verdict = {'pass': 'PASS', 'fail': 'FAIL',
               'saturated': 'GENERATOR SATURATED (not a verdict on the device)'}
    lines.append(f'result: {verdict[result["verdict"]]}' + ''.join(f'   {f}' for f in files))
    return '\n'.join(lines)


def write_json(result, path, out):
    """To a file, or to out for '-'."""
    wrong = list(violations(result, schema()))
    assert not wrong, wrong
    text = json.dumps(result, indent=1) + '\n'
    if path == '-':
        out.write(text)
        return
    write_whole(path, text)


def write_whole(path, text):
    """Half a file is worse than none: who reads it would not know."""
    try:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    except OSError:
        if os.path.isfile(path):
            os.unlink(path)
        raise


def need_gnuplot():
    """RuntimeError, where there is none."""
    if shutil.which('gnuplot') is None:
        raise RuntimeError('no plot: gnuplot is not installed (package gnuplot-nox)')


def plot(result, path):
    """Rates over time; RuntimeError says why not."""
    need_gnuplot()
    if len(result['samples']) < 2:
        raise RuntimeError('no plot: the run was too short')
    with tempfile.NamedTemporaryFile('w', prefix='sluice-plot-', encoding='ascii') as file:
        for before, after in zip(result['samples'], result['samples'][1:]):
            took = after['t_s'] - before['t_s']
            file.write(f"{after['t_s']} {(after['sent'] - before['sent']) / took} "
                       f"{(after['received'] - before['received']) / took}\n")
        file.flush()
        done = subprocess.run(
            ['gnuplot', '-e', f"data='{file.name}'", '-e', f'asked={result["asked_pps"] or 0}',
             '-e', f"name='{result['scenario']}'", PLOT],
            capture_output=True, text=True, check=False)
    if done.returncode != 0 or '<svg' not in done.stdout:
        raise RuntimeError(f'no plot: gnuplot: {done.stderr.strip() or "no samples"}')
    write_whole(path, done.stdout)
