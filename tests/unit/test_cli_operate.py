#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of sluicectl where it serves other programs and files: metrics, reload."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

from test_cli import CLI, Daemon, cli


def pcapng(data):
    """The blocks of a pcapng file as (type, body); their lengths must agree."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from('<II', data, at)
        assert size % 4 == 0 and struct.unpack_from('<I', data, at + size - 4)[0] == size
        yield kind, data[at + 8:at + size - 4]
        at += size


def frames(data):
    """Of each frame: seconds since 1970, bytes, length on the wire, direction, comment."""
    for kind, body in pcapng(data):
        if kind != 6:
            continue
        _, high, low, kept, length = struct.unpack_from('<IIIII', body)
        options, at = {}, 20 + (kept + 3) // 4 * 4
        while at < len(body):
            code, size = struct.unpack_from('<HH', body, at)
            options[code] = body[at + 4:at + 4 + size]
            at += 4 + (size + 3) // 4 * 4
        yield ((high << 32 | low) / 1e9, body[20:20 + kept], length,
               struct.unpack('<I', options[2])[0], options.get(1))


class Frames(unittest.TestCase):
    """trace and capture; the made-up daemon has a SYN and a reset each millisecond."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()
        cls.folder.cleanup()

    def run_cli(self, *words):
        for _ in range(100):
            code, out, err = cli(*words, path=self.daemon.path)
            # The workers of the last one may still be at it.
            if 'is under way' not in out + err:
                return code, out, err
            time.sleep(0.05)
        raise AssertionError('it is never over')

    def test_a_trace_is_a_line_for_each_frame(self):
        code, out, err = self.run_cli('trace', '--count', '4')
        self.assertEqual((code, err), (0, '4 frames, 0 lost\n'))
        lines = out.strip().split('\n')
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r'^\d\d:\d\d:\d\d\.\d{6} in  192\.0\.2\.9:4242 > '
                         r'192\.0\.2\.1:80 tcp S seq 7 ack 0 win 64240 len 0: no-listener '
                         r'\(dropped\)$')
        self.assertTrue(any(' out 192.0.2.1:80 > 192.0.2.9:4242 tcp R. ' in x for x in lines), out)
        code, out, err = self.run_cli('trace', '--count=3', '--drops', '--json-lines')
        self.assertEqual([json.loads(x)['outcome'] for x in out.strip().split('\n')],
                         ['no-listener'] * 3)
        code, out, err = self.run_cli('trace', '--count=3', '--json')
        answer = json.loads(out)
        self.assertEqual((code, err, answer['taken'], len(answer['frames'])), (0, '', 3, 3))

    def test_a_capture_is_a_file_that_tools_read(self):
        path = os.path.join(self.folder.name, 'x.pcapng')
        code, out, err = self.run_cli('capture', path, '--count', '10', '--snaplen', '50')
        self.assertEqual((code, out, err), (0, '', '10 frames in %s, 0 lost\n' % path))
        with open(path, 'rb') as file:
            data = file.read()
        self.assertEqual([kind for kind, _ in pcapng(data)], [0x0a0d0d0a, 1] + [6] * 10 + [5])
        for at, kept, length, direction, comment in frames(data):
            self.assertLess(abs(at - time.time()), 60)
            self.assertEqual((len(kept), length), (50, 60))
            self.assertEqual(kept[12:15], b'\x08\x00\x45')
            self.assertEqual((direction, comment),
                             (1, b'no-listener (dropped)') if kept[47] == 2 else (2, None))
        if shutil.which('tcpdump'):
            told = subprocess.run(['tcpdump', '-nr', path], capture_output=True, text=True,
                                  check=False).stdout
            self.assertEqual(told.count(' > '), 10, told)

    def test_a_capture_goes_to_a_pipe_and_never_to_a_terminal(self):
        done = subprocess.run([CLI, 'capture', '-', '--count=2', '--port', '80'],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env={**os.environ, 'SLUICE_SOCKET': self.daemon.path})
        if b'under way' not in done.stderr:
            self.assertEqual(len(list(frames(done.stdout))), 2)
        out = subprocess.run(['script', '-qec', CLI + ' capture -', '/dev/null'],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                             env={**os.environ, 'SLUICE_SOCKET': self.daemon.path})
        self.assertEqual(out.returncode, 2)
        self.assertIn('not written to a terminal', out.stdout)

    def test_what_is_wrong_with_them_is_said(self):
        for code, message, words in (
                (2, "capture needs 'file'", ('capture',)),
                (1, 'cannot write /nonexistent/x: No such', ('capture', '/nonexistent/x')),
                (1, "did you mean 'no-listener'?", ('trace', '--reason', 'no-listner')),
                (1, "count 'x' is not within", ('trace', '--count', 'x')),
                (2, "cannot be watched", ('watch', '1', 'trace'))):
            got, out, err = self.run_cli(*words)
            self.assertEqual((got, out), (code, ''), words)
            self.assertIn(message, err)

    def test_an_interrupt_ends_it_with_what_there_is(self):
        path = os.path.join(self.folder.name, 'y.pcapng')
        process = subprocess.Popen([CLI, 'capture', path, '--remote', '192.0.2.8'],
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, 'SLUICE_SOCKET': self.daemon.path})
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=20)[1]
        if 'under way' not in err:
            self.assertEqual((process.returncode, err), (0, '0 frames in %s, 0 lost\n' % path))


class Metrics(unittest.TestCase):
    """What Prometheus reads."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        code, cls.text, err = cli('metrics', path=cls.daemon.path)
        assert (code, err) == (0, ''), err

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def samples(self):
        """{series: value}; each line is a sample of the family whose HELP and TYPE came last."""
        found, families, family = {}, set(), None
        for line in self.text.splitlines():
            if line.startswith('# HELP '):
                family = line.split()[2]
                self.assertNotIn(family, families)
                families.add(family)
                self.assertGreater(len(line.split()), 3, line)
            elif line.startswith('# TYPE '):
                self.assertEqual(line.split()[2], family)
                kind = line.split()[3]
                self.assertIn(kind, ('counter', 'gauge'))
                # What promtool asks of names.
                self.assertEqual(family.endswith('_total'), kind == 'counter', family)
                self.assertRegex(family, '^sluice_[a-z_]+$')
            else:
                match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})?'
                                     r' (\d+(?:\.\d+)?)', line)
                self.assertIsNotNone(match, line)
                self.assertEqual(match[1], family, line)
                series = match[1] + (match[2] or '')
                self.assertNotIn(series, found)
                found[series] = float(match[3])
        return found

    def test_the_text_is_well_formed_and_has_the_figures(self):
        found = self.samples()
        self.assertEqual(found['sluice_syn_cookies_total{result="sent"}'], 24)
        self.assertEqual(found['sluice_tcp_connections{state="established"}'], 200)
        self.assertEqual(found['sluice_drops_total{reason="bad-tcp-csum"}'], 148800)
        self.assertEqual(found['sluice_port_missed_total{port="wan0",why="queue_full"}'], 3)
        self.assertEqual(found['sluice_port_up{port="wan0"}'], 1)
        self.assertEqual(found['sluice_listener_accept_queue_limit{service="http"}'], 4096)
        self.assertEqual(found['sluice_netstat_total{name="TcpPassiveOpens"}'], 10000)
        self.assertEqual(found['sluice_netstat{name="TcpCurrEstab"}'], 200)
        self.assertIn('sluice_core_busy_seconds_total{core="1"}', found)
        self.assertIn('sluice_build_info{version="0.0.0-test"}', found)
        # A peer cannot make them more.
        self.assertLess(len(found), 600)
        self.assertNotIn('192.0.2', self.text)

    def test_promtool_finds_nothing(self):
        if shutil.which('promtool') is None:
            self.skipTest('promtool is not installed')
        done = subprocess.run(['promtool', 'check', 'metrics'], input=self.text, text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''))

    def test_the_alerts_speak_of_metrics_that_exist(self):
        rules = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             '../../drivers-config/prometheus/sluice.rules.yaml')
        with open(rules, encoding='ascii') as file:
            text = file.read()
        known = {series.split('{')[0] for series in self.samples()}
        named = set(re.findall(r'\bsluice_\w+', text)) - {'sluice_core_busy_ratio'}
        self.assertGreater(len(named), 5)
        self.assertEqual(named - known, set())
        for name in re.findall(r'\{name="(\w+)"', text):
            self.assertIn(f'{{name="{name}"}}', self.text)

    def test_the_dashboard_draws_metrics_by_labels_that_exist(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                            '../../drivers-config/grafana/sluice.json')
        with open(path, encoding='ascii') as file:
            panels = json.load(file)['panels']
        self.assertEqual(len({panel['id'] for panel in panels}), len(panels))
        series = self.samples()
        for panel in panels:
            for target in panel['targets']:
                named = re.findall(r'\bsluice_\w+', target['expr'])
                self.assertTrue(named, panel['title'])
                for name in named:
                    mine = [s for s in series if s.split('{')[0] == name]
                    self.assertTrue(mine, f'{panel["title"]}: {name}')
                    for label in re.findall(r'\{\{(\w+)\}\}', target['legendFormat']):
                        self.assertTrue(any(f'{label}="' in s for s in mine),
                                        f'{panel["title"]}: {name} has no {label}')
                for name in re.findall(r'name="(\w+)"', target['expr']):
                    self.assertIn(f'sluice_netstat_total{{name="{name}"}}', series)

    def test_a_file_is_replaced_as_a_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory(prefix='sluice-cli-') as folder:
            path = os.path.join(folder, 'sluice.prom')
            for _ in range(2):
                code, out, err = cli('metrics', '--output', path, path=self.daemon.path)
                self.assertEqual((code, out, err), (0, '', ''))
                self.assertEqual(os.listdir(folder), ['sluice.prom'])
            with open(path, encoding='ascii') as file:
                self.assertIn('sluice_uptime_seconds', file.read())
            code, _, err = cli('metrics', '--output', path, path='/nonexistent/c.sock')
            self.assertEqual(code, 3)
            self.assertEqual(os.listdir(folder), ['sluice.prom'])
            code, _, err = cli('metrics', '--output', '/nonexistent/x', path=self.daemon.path)
            self.assertEqual(code, 1)
            self.assertIn('cannot write /nonexistent/x', err)


class Reload(unittest.TestCase):
    """The configuration file read again."""

    FILE = ("workers: 2\nports: {wan0: {addresses: [192.0.2.1/24, '2001:db8::1/64'], "
            "gateway: 192.0.2.254}}\n"
            "services: {echo: {port: 7}, http: {port: 80, root: /srv/www}}\n")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, 'sluice.yaml')
        self.daemon = Daemon(env={'FAKE_CONFIG': self.path})
        self.addCleanup(self.daemon.close)

    def reload(self, text, *words, code=0):
        with open(self.path, 'w', encoding='ascii') as file:
            file.write(text)
        got, out, err = cli('reload', *words, path=self.daemon.path)
        self.assertEqual(got, code, out + err)
        return out if code == 0 else err

    def test_what_differs_is_shown_and_a_dry_run_changes_nothing(self):
        self.assertEqual(self.reload(self.FILE), 'nothing differs\n')
        fresh = self.FILE + 'tunables: {tcp_sack: off}\n'
        out = self.reload(fresh, '--dry-run')
        self.assertRegex(out, r'tunables\.tcp_sack +1 +0 +now\n')
        self.assertIn('nothing was changed', out)
        self.assertIn('= 1', cli('get', 'tcp_sack', path=self.daemon.path)[1])
        self.assertNotIn('nothing was changed', self.reload(fresh))
        self.assertIn('= 0', cli('get', 'tcp_sack', path=self.daemon.path)[1])

    def test_what_cannot_be_taken_over_is_exit_code_1(self):
        err = self.reload(self.FILE.replace('workers: 2', 'workers: 3'), code=1)
        self.assertIn('a restart is needed for: workers', err)
        err = self.reload(self.FILE.replace('workers', 'wokers'), code=1)
        self.assertIn(f"{self.path}:1:1: unknown key 'wokers'", err)
        os.unlink(self.path)
        code, _, err = cli('reload', path=self.daemon.path)
        self.assertEqual(code, 1)
        self.assertIn('No such file', err)


class Bundle(unittest.TestCase):
    """What is sent to somebody who is to find out from afar what is wrong."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, 'b.tar')

    def files(self):
        with tarfile.open(self.path) as tar:
            return {member.name.split('/', 1)[1]: tar.extractfile(member).read().decode()
                    for member in tar.getmembers()}

    def test_it_has_the_daemon_and_the_host_and_no_peer(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        code, out, err = cli('bundle', self.path, path=daemon.path)
        self.assertEqual((code, err), (0, ''))
        files = self.files()
        self.assertEqual(out, '%d files in %s\n' % (len(files), self.path))
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        for name in ('version', 'config', 'tunables', 'stats', 'stats-later', 'counters',
                     'counters-later', 'outcomes', 'cores', 'ports', 'listeners'):
            self.assertEqual(json.loads(files['daemon/%s.json' % name])['schema_version'], 1)
        before, later = (json.loads(files['daemon/outcomes%s.json' % look])
                         for look in ('', '-later'))
        self.assertGreater(later['ts_ns'], before['ts_ns'])
        self.assertIn('checks', json.loads(files['host/doctor.json']))
        self.assertIn('MemTotal', files['host/proc-meminfo'])
        self.assertNotIn('192.0.2.9', ''.join(files.values()))
        code, out, err = cli('bundle', self.path, '--connections', '--json', path=daemon.path)
        answer = json.loads(out)
        self.assertEqual((code, answer['daemon'], answer['file']), (0, True, self.path))
        rows = json.loads(self.files()['daemon/connections.json'])['connections']
        self.assertEqual(len(rows), 6)
        self.assertEqual(rows[0]['remote'], '192.0.2.9')

    def test_it_has_the_host_when_no_daemon_answers(self):
        code, out, err = cli('bundle', self.path, path='/nonexistent/c.sock')
        self.assertEqual(code, 3)
        self.assertIn('no daemon at', err)
        self.assertIn("none of them the daemon's", out)
        files = self.files()
        self.assertEqual(json.loads(files['daemon/error.json'])['code'], 'E_UNREACHABLE')
        self.assertIn('host/uname.json', files)

    def test_a_file_that_cannot_be_written_is_named(self):
        code, out, err = cli('bundle', '/nonexistent/b.tar', path='/nonexistent/c.sock')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('cannot write /nonexistent/b.tar: No such file', err)


class Doctor(unittest.TestCase):
    """Hosts that are made up, and what doctor says of them."""

    GOOD = {
        'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': '512',
        'sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages': '0',
        'sys/devices/system/cpu/online': '0-7',
        'sys/devices/system/cpu/isolated': '2-5',
        'sys/devices/system/cpu/cpu2/topology/thread_siblings_list': '2,6',
        'sys/devices/system/cpu/cpu3/topology/thread_siblings_list': '3,7',
        'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance',
        'sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc',
        'proc/sys/kernel/nmi_watchdog': '0',
        'sys/kernel/iommu_groups/7/type': 'DMA',
        'sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never',
        'sys/class/net/eth1/mtu': '1500',
        'sys/bus/pci/devices/0000:02:00.0/vendor': '0x8086',
    }
    CONFIG = ('workers: 2\nlcores: 2-3\nservices: [echo, http]\n'
              'ports: {wan0: {type: pci, address: "0000:02:00.0", addresses: [192.0.2.1/24]}}\n')

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='sluice-cli-')
        self.addCleanup(self.folder.cleanup)
        self.root = os.path.join(self.folder.name, 'host')
        for path, text in self.GOOD.items():
            self.put(path, text)
        self.bind('vfio-pci')

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text + '\n')

    def bind(self, driver):
        link = os.path.join(self.root, 'sys/bus/pci/devices/0000:02:00.0/driver')
        if os.path.islink(link):
            os.unlink(link)
        os.symlink('../../../bus/pci/drivers/' + driver, link)

    def doctor(self, config=CONFIG, code=0):
        """{check: (status, fix)}."""
        path = os.path.join(self.folder.name, 'sluice.yaml')
        with open(path, 'w', encoding='ascii') as file:
            file.write(config)
        got, out, err = cli('doctor', '--sysroot', self.root, '--config', path, '--json')
        self.assertEqual((got, err), (code, ''), out)
        answer = json.loads(out)
        rows = {row['check']: (row['status'], row.get('fix', '')) for row in answer['checks']}
        self.assertEqual(answer['failed'], sum(s == 'FAIL' for s, _ in rows.values()))
        return rows

    def test_a_good_host_has_nothing_to_do(self):
        rows = self.doctor()
        self.assertEqual({fix for _, fix in rows.values()}, {''})
        self.assertEqual(rows['hugepages'][0], 'ok')
        self.assertEqual(rows['binding'][0], 'ok')
        self.assertEqual(rows['tun'][0], 'skip')

    def test_each_fault_is_named_with_what_to_type(self):
        rows = (
            ('hugepages', 'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '3', 6,
             '--fix hugepages --yes'),
            ('cpus', 'sys/devices/system/cpu/online', '0-2', 1, 'lcores'),
            ('siblings', 'sys/devices/system/cpu/cpu2/topology/thread_siblings_list', '2-3', 6,
             'one CPU of each core'),
            ('isolation', 'sys/devices/system/cpu/isolated', '2', 6, 'isolcpus='),
            ('governor', 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', 'powersave', 6,
             '--fix governor --yes'),
            ('clocksource', 'sys/devices/system/clocksource/clocksource0/current_clocksource',
             'hpet', 6, 'dmesg'),
            ('nmi-watchdog', 'proc/sys/kernel/nmi_watchdog', '1', 6,
             '--fix nmi-watchdog --yes'),
            ('thp', 'sys/kernel/mm/transparent_hugepage/enabled', 'always madvise [never]', 6,
             '--fix thp --yes'),
        )
        for check, path, text, code, fix in rows:
            with self.subTest(check=check):
                self.put(path, text)
                found = self.doctor(code=code)
                bad = {name for name, (status, _) in found.items() if status in ('WARN', 'FAIL')}
                self.assertEqual(bad, {check})
                self.assertIn(fix, found[check][1])
                self.put(path, self.GOOD[path])

    def test_the_device_must_be_there_and_handed_over(self):
        self.bind('ice')
        self.assertIn('driverctl set-override 0000:02:00.0', self.doctor(code=1)['binding'][1])
        self.bind('mlx5_core')
        self.assertEqual(self.doctor()['binding'][0], 'ok')
        text = self.CONFIG.replace('02:00.0', '03:00.0')
        self.assertEqual(self.doctor(text, code=1)['binding'][0], 'FAIL')
        shutil.rmtree(os.path.join(self.root, 'sys/kernel/iommu_groups'))
        self.assertEqual(self.doctor(code=6)['iommu'][0], 'WARN')
        text = self.CONFIG.replace('type: pci, address: "0000:02:00.0"',
                                   'type: af_packet, iface: eth1')
        self.assertEqual(self.doctor(text)['interface'][0], 'ok')
        self.assertEqual(self.doctor(text.replace('eth1', 'eth9'), code=1)['interface'][0], 'FAIL')
        text = self.CONFIG.replace('type: pci, address: "0000:02:00.0"', 'type: tap')
        self.assertIn('modprobe tun', self.doctor(text, code=1)['tun'][1])

    def nodes(self, free=(512, 512), port=0):
        """Two NUMA nodes of four CPUs, with free pages of 2 MB each."""
        for node in range(2):
            where = 'sys/devices/system/node/node%d/' % node
            self.put(where + 'cpulist', '%d-%d' % (4 * node, 4 * node + 3))
            self.put(where + 'hugepages/hugepages-2048kB/free_hugepages', str(free[node]))
            self.put(where + 'hugepages/hugepages-2048kB/nr_hugepages', '600')
        self.put('sys/bus/pci/devices/0000:02:00.0/numa_node', str(port))

    def test_memory_and_cpus_are_near_the_port(self):
        rows = self.doctor()
        self.assertEqual((rows['numa'][0], rows['hugepages-node'][0]), ('skip', 'skip'))
        self.nodes()
        rows = self.doctor()
        self.assertEqual((rows['numa'][0], rows['hugepages-node'][0]), ('ok', 'ok'))
        # The port is on the other node, whose pages are in use but for three.
        self.nodes(free=(512, 3), port=1)
        rows = self.doctor(code=6)
        self.assertEqual(rows['numa'], ('WARN', 'choose lcores from CPUs 4-7'))
        # 76 MB are needed, 6 are free; the 600 that are there stay.
        self.assertEqual(rows['hugepages-node'], ('WARN', 'echo 635 | sudo tee %s/sys/devices/'
                         'system/node/node1/hugepages/hugepages-2048kB/nr_hugepages' % self.root))
        # It does not say where it is: then where the first worker is.
        self.nodes(port=-1)
        self.assertEqual(self.doctor()['numa'][0], 'ok')
        self.put('sys/devices/system/cpu/isolated', '2-5')
        rows = self.doctor(self.CONFIG.replace('lcores: 2-3', 'lcores: 3-4'), code=6)
        self.assertEqual(rows['numa'], ('WARN', 'choose lcores from CPUs 0-3'))

    def test_who_else_is_in_the_group_of_the_device(self):
        group = 'sys/bus/pci/devices/0000:02:00.0/iommu_group/devices/'
        self.assertEqual(self.doctor()['vfio-group'][0], 'skip')
        for device, driver in (('0000:02:00.0', None), ('0000:00:1c.0', 'pcieport'),
                               ('0000:02:00.1', 'vfio-pci'), ('0000:02:00.2', None)):
            self.put(group + device, '')
            if driver:
                self.hold(device, driver)
        self.assertEqual(self.doctor()['vfio-group'][0], 'ok')
        self.hold('0000:02:00.2', 'ice')
        rows = self.doctor(code=1)
        self.assertEqual(rows['vfio-group'][0], 'FAIL')
        self.assertIn('driverctl set-override 0000:02:00.2 vfio-pci', rows['vfio-group'][1])

    def test_how_the_device_is_reached(self):
        device = 'sys/bus/pci/devices/0000:02:00.0/'
        rows = self.doctor()
        self.assertEqual([rows[name][0] for name in ('pcie', 'memlock', 'vfio-rights')],
                         ['skip'] * 3)
        for name, now, most in (('width', '8', '8'), ('speed', '8.0 GT/s PCIe', '8.0 GT/s PCIe')):
            self.put(device + 'current_link_' + name, now)
            self.put(device + 'max_link_' + name, most)
        limits = 'Limit Soft Limit Hard Limit Units\nMax locked memory %s unlimited bytes\n'
        self.put('proc/self/limits', limits % 'unlimited')
        os.symlink('../../../kernel/iommu_groups/7', os.path.join(self.root, device, 'iommu_group'))
        self.put('dev/vfio/7', '')
        rows = self.doctor()
        self.assertEqual([rows[name][0] for name in ('pcie', 'memlock', 'vfio-rights')],
                         ['ok'] * 3)
        for name, now in (('width', '4'), ('speed', '2.5 GT/s PCIe')):
            self.put(device + 'current_link_' + name, now)
            self.assertEqual(self.doctor(code=6)['pcie'][0], 'WARN')
            self.put(device + 'current_link_' + name, '8')
        # 76 MB are needed, less a page.
        self.put('proc/self/limits', limits % str(64 << 20))
        rows = self.doctor(code=1)
        self.assertEqual(rows['memlock'][0], 'FAIL')
        self.assertIn('LimitMEMLOCK', rows['memlock'][1])

    def hold(self, device, driver):
        path = os.path.join(self.root, 'sys/bus/pci/devices', device)
        os.makedirs(path, exist_ok=True)
        os.symlink('../../drivers/' + driver, os.path.join(path, 'driver'))

    def fix(self, check, *words, code=0, config=CONFIG):
        path = os.path.join(self.folder.name, 'sluice.yaml')
        with open(path, 'w', encoding='ascii') as file:
            file.write(config)
        got, out, err = cli('doctor', '--sysroot', self.root, '--config', path, '--fix', check,
                            *words)
        self.assertEqual(got, code, out + err)
        return out + err

    def text(self, path):
        with open(os.path.join(self.root, path), encoding='ascii') as file:
            return file.read().strip()

    def test_a_remedy_is_told_first_and_done_only_if_asked(self):
        huge = 'sys/kernel/mm/hugepages/hugepages-2048kB/'
        self.put(huge + 'free_hugepages', '3')
        self.put(huge + 'nr_hugepages', '100')
        told = self.fix('hugepages')
        # 76 MB are needed, 6 are free: 35 pages more, and those that are in use stay.
        self.assertIn('echo 135 | sudo tee %s/%snr_hugepages' % (self.root, huge), told)
        self.assertIn('nothing was changed', told)
        self.assertEqual(self.text(huge + 'nr_hugepages'), '100')
        done = self.fix('hugepages', '--yes')
        self.assertIn('to take it back:\n  echo 100 | sudo tee ', done)
        self.assertEqual(self.text(huge + 'nr_hugepages'), '135')
        self.put(huge + 'free_hugepages', '38')
        self.assertEqual(self.fix('hugepages', '--yes'), 'nothing to be done\n')
        self.assertEqual(self.text(huge + 'nr_hugepages'), '135')

    def test_remedies_of_cpus(self):
        for cpu in range(5):
            self.put('sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor' % cpu, 'powersave')
        self.put('proc/sys/kernel/nmi_watchdog', '1')
        self.fix('governor', '--yes')
        self.assertEqual([self.text('sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor' % cpu)
                          for cpu in range(5)],
                         ['powersave'] * 2 + ['performance'] * 2 + ['powersave'])
        self.put('sys/kernel/mm/transparent_hugepage/enabled', 'always madvise [never]')
        self.assertIn('echo never | sudo tee', self.fix('thp', '--yes'))
        self.assertEqual(self.text('sys/kernel/mm/transparent_hugepage/enabled'), 'madvise')
        steps = json.loads(self.fix('nmi-watchdog', '--json'))
        self.assertEqual((steps['dry_run'], steps['steps'][0]['value'],
                          steps['steps'][0]['undo_value']), (True, '0', '1'))

    def test_a_device_goes_to_vfio_and_back(self):
        self.bind('ice')
        self.assertIn('modprobe vfio-pci', self.fix('binding', '--yes', code=1))
        for path in ('drivers/ice/unbind', 'drivers/vfio-pci/unbind', 'drivers_probe',
                     'devices/0000:02:00.0/driver_override'):
            self.put('sys/bus/pci/' + path, 'untouched')
        told = self.fix('binding', '--yes')
        pci = os.path.join(self.root, 'sys/bus/pci')
        self.assertEqual(self.text('sys/bus/pci/devices/0000:02:00.0/driver_override'), 'vfio-pci')
        self.assertEqual(self.text('sys/bus/pci/drivers/ice/unbind'), '0000:02:00.0')
        self.assertEqual(self.text('sys/bus/pci/drivers_probe'), '0000:02:00.0')
        self.assertEqual(self.text('sys/bus/pci/drivers/vfio-pci/unbind'), 'untouched')
        self.assertEqual(told.split('to take it back:\n')[1],
                         f'  echo | sudo tee {pci}/devices/0000:02:00.0/driver_override\n'
                         f'  echo 0000:02:00.0 | sudo tee {pci}/drivers/vfio-pci/unbind\n'
                         f'  echo 0000:02:00.0 | sudo tee {pci}/drivers_probe\n')

    def test_the_way_of_the_default_route_is_never_touched(self):
        self.bind('ice')
        self.put('sys/bus/pci/drivers/vfio-pci/unbind', '')
        self.put('sys/bus/pci/devices/0000:02:00.0/net/eth0/mtu', '1500')
        routes = 'Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n'
        self.put('proc/net/route', routes + 'eth0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0')
        self.assertIn('would do', self.fix('binding'))
        self.put('proc/net/route', routes + 'eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0')
        self.assertIn('would be cut off', self.fix('binding', '--yes', code=1))
        # As part of a bridge; of IPv6.
        self.put('proc/net/route', routes + 'br0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0')
        self.put('sys/class/net/eth0/mtu', '1500')
        os.symlink('../br0', os.path.join(self.root, 'sys/class/net/eth0/master'))
        self.assertIn('would be cut off', self.fix('binding', '--yes', code=1))
        self.put('proc/net/route', routes)
        self.assertIn('would do', self.fix('binding'))
        self.put('proc/net/ipv6_route', '0' * 32 + ' 00 ' + '0' * 32 + ' 00 ' + 'f' * 32 +
                 ' 00000400 00000001 00000000 00000003     eth0')
        self.assertIn('would be cut off', self.fix('binding', '--yes', code=1))

    def test_what_has_no_remedy_is_said(self):
        self.assertIn('knows binding, governor', self.fix('siblings', code=2))
        code, _, err = cli('doctor', '--yes')
        self.assertEqual(code, 2)
        self.assertIn('--yes goes with --fix', err)
        self.put('sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '3')
        self.assertIn('no hugepages of 2 MB', self.fix('hugepages', code=1))

    def test_people_read_it_and_no_daemon_is_needed(self):
        code, out, err = cli('doctor', path='/nonexistent/c.sock')
        self.assertIn(code, (0, 1, 6))
        self.assertEqual(err, '')
        self.assertRegex(out, r'(?m)^\d+ failed, \d+ warnings?, \d+ ok$')
        code, _, err = cli('doctor', '--config', '/nonexistent.yaml')
        self.assertEqual(code, 1)
        self.assertIn('No such file', err)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
