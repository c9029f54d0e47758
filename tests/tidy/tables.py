# SPDX-License-Identifier: BSD-3-Clause
"""What tidy knows about Sluice: the layers, and every exception with its reason."""

# The layers without clock, I/O, threads or allocation after init (docs: architecture).
PURE = ('base', 'wire', 'pkt', 'conf', 'timer', 'table', 'net', 'tcp', 'sock', 'worker')

# Who may include whom, by folder; a folder may always include itself.
L0_L1 = ('base', 'wire', 'pkt', 'conf', 'timer', 'table')
L0_L2 = L0_L1 + ('net', 'tcp')
L0_L3 = L0_L2 + ('sock', 'worker', 'sluice')
EDGES = {
    'stack/include/sluice': (),
    'stack/base': (),
    'stack/wire': ('base',),
    'stack/pkt': ('base', 'wire'),
    'stack/conf': ('base', 'wire'),
    'stack/timer': ('base', 'wire', 'conf'),
    'stack/table': ('base', 'wire', 'conf'),
    'stack/net': L0_L1,
    'stack/tcp': L0_L1,
    'stack/sock': L0_L2 + ('sluice',),
    'stack/worker': L0_L2 + ('sock', 'sluice'),
    'stack/io': L0_L3,
    'stack/ctl': L0_L3,
    'app/appliance': ('base', 'io', 'ctl', 'worker', 'sock', 'conf', 'sluice'),
    'app/loadtest': ('base', 'appliance', 'ctl', 'conf', 'tcp', 'wire'),
    'app/services': ('sluice',),
    'app/sluicectl': ('ctl', 'conf', 'sluice'),
    'app/sluice-load': ('base', 'appliance', 'io', 'ctl', 'worker', 'sock', 'conf', 'sluice',
                        'services'),
    'app/sluiced': ('base', 'appliance', 'io', 'ctl', 'worker', 'sock', 'conf', 'sluice',
                    'services'),
}

# (includer, included): why the edge above is crossed.
EDGE_EXCEPTIONS = {
}

# System headers the pure layers may include.
PURE_HEADERS = ('errno.h', 'inttypes.h', 'limits.h', 'stdarg.h', 'stdbool.h', 'stddef.h',
                'stdint.h', 'string.h')

# (file, header): why a pure file includes another system header.
HEADER_EXCEPTIONS = {
    ('stack/conf/nearest.c', 'stdio.h'): 'snprintf into a buffer',
    ('stack/conf/tunables.c', 'stdio.h'): 'snprintf into a buffer',
    ('stack/base/log.c', 'stdio.h'): 'vsnprintf into a buffer is formatting, not output',
    ('stack/base/ring.h', 'stdatomic.h'): 'the one structure that two threads share',
    ('stack/worker/tap.h', 'stdatomic.h'): 'a ring between the worker and who looks on',
    ('stack/table/flow_table.h', 'emmintrin.h'): 'compares a cache line of tags at once',
}

# Calls a pure layer must not make. Time, randomness and memory are handed in.
PURE_BANNED_CALLS = (
    'malloc', 'calloc', 'realloc', 'free', 'aligned_alloc', 'posix_memalign', 'strdup', 'alloca',
    'printf', 'fprintf', 'puts', 'putchar', 'fputs', 'fopen', 'fwrite', 'perror', 'syslog',
    'open', 'close', 'read', 'write', 'socket', 'ioctl', 'mmap', 'getenv', 'exit',
    'time', 'gettimeofday', 'clock_gettime', 'clock', 'usleep', 'nanosleep', 'sleep',
    'rand', 'srand', 'random', 'srandom', 'getrandom', 'getentropy', 'signal',
    'localtime', 'gmtime', 'strtok',
)
PURE_BANNED_PREFIXES = ('pthread_', 'rte_', 'mtx_', 'thrd_')

# Calls no file makes, and what to write instead.
BANNED_CALLS = {
    'strcpy': 'memcpy with a checked length',
    'strcat': 'snprintf into the rest of the buffer',
    'sprintf': 'snprintf',
    'vsprintf': 'vsnprintf',
    'gets': 'fgets',
    'atoi': 'strtoul with its errors checked',
    'system': 'posix_spawn with an argument list',
}

# file: (functions that may allocate or give back at start and end, why). It may include stdlib.h.
INIT_ALLOCATORS = {
    'stack/net/neigh.c': (('neigh_init', 'neigh_fini'), 'the cache, at start'),
    'stack/net/reass.c': (('reass_init', 'reass_fini'), 'rows and buckets, at start'),
    'stack/base/mem.c': (('take_from_libc', 'mem_give'), 'what others take at start'),
    'stack/tcp/tcp_stack.c': (('alloc_memory', 'free_memory', 'tcp_stack_create'),
                              'all memory of an engine, at start'),
    'stack/table/count_sketch.c': (('count_sketch_init', 'count_sketch_fini'), 'cells, at start'),
    'stack/table/rate_table.c': (('rate_table_init', 'rate_table_fini'), 'buckets, at start'),
}

# file without a unit test of its own name: (the test that covers it, or None, and why).
NO_UNIT_TEST = {
}

# Unit tests of the table of tunables itself: a name there says nothing about what it does.
TABLE_TESTS = (
    'tests/unit/test_config.c',
    'tests/unit/test_tunables.c',
)

# tunable that no test is named after: why.
TUNABLES_UNTESTED = {
    'tcp_delack_max': 'bounds tcp_delack_min only, since the delay does not adapt; test_tunables.c',
}

# What docs/handshake.md tells of: sections of the tables of tunables and of counters.
LIFE_KNOBS = ('Opening', 'Options', 'Buffers', 'Timers', 'Closing', 'Defence')
LIFE_COUNTERS = ('Opening', 'Closing and TIME-WAIT', 'Defence')

# 'file:name' of functions longer, deeper or with more parameters than the limits: why.
FUNCTION_EXCEPTIONS = {
    'tests/packetdrill/linux.c:slot_recvfrom': 'a slot of an interface that is not ours',
    'tests/packetdrill/linux.c:slot_sendto': 'a slot of an interface that is not ours',
    'tests/packetdrill/linux.c:slot_splice': 'a slot of an interface that is not ours',
    'tests/packetdrill/pd_data.c:pd_slot_recvfrom': 'a slot of an interface that is not ours',
    'tests/packetdrill/pd_data.c:pd_slot_sendto': 'a slot of an interface that is not ours',
    'tests/packetdrill/pd_data.c:pd_slot_splice': 'a slot of an interface that is not ours',
}

# file: why it may be longer than the limit.
FILE_EXCEPTIONS = {
}

# table: the argument of a row, from 0, that names what the code uses, where it is not the first.
ROW_COLUMNS = {
    'stack/ctl/config.def': 3,
}

# table: why its rows are not used one by one.
DATA_TABLES = {
    'stack/ctl/commands.def': 'a client names the row, each calls the handler ctl_do_<id>',
    'stack/io/port_types.def': 'the configuration chooses a row, the code reads all alike',
}

# Kinds of row that say something by being there.
DATA_ROWS = ('TUN_REFUSED',)

# (table, rows that nothing uses, why they stay). A row that is used must leave this list.
ROW_EXCEPTIONS = (
)

TOP_LEVEL = ('app', 'stack', 'drivers-config', 'tests', 'docs', 'meson.build',
             'meson_options.txt', 'README.md', 'LICENSE')

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 800
MAX_PARAMETERS = 6
MAX_NESTING = 4
MAX_COLUMNS = 100
MAX_SILENT_LINES = 14         # of a script, in a row without a comment
