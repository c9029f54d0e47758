/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of scenarios, and how one is played from its first event to its last check. */
#include "sim/scenarios.h"

#include <string.h>

#include "lib/fail.h"

/* An ordinary local network: a gigabit, 200 us there and back. */
#define LAN .delay_us = 100, .rate_bps = 1000000000, .queue_bytes = 250000
/* A long way: 50 ms there and back, 100 Mbit/s. */
#define WAN .delay_us = 25000, .rate_bps = 100000000, .queue_bytes = 400000

/* Half an hour: longer than a retransmission timeout can grow with the usual tunables. */
#define IDLE_LONG_MS 1800000u

/* clang-format off */
static const struct scenario rows[] = {
{
	.name = "clean", .help = "bulk transfers on a clean local network",
	.clients = 2, .servers = 1, .seconds = 60, .link = { LAN },
	.mix = { .bytes_max = 8u << 20, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.zero_copy_ppm = 300000, .idle_ms = 60000, .syncookies = -1 },
	.coalesce_us = 20, .tx_hold_us = 5,
},
{
	.name = "mixed", .help = "everything together at 5 % loss on a long way",
	.clients = 4, .servers = 2, .seconds = 3600,
	.link = { WAN, .jitter_us = 2000, .loss_ppm = 50000, .dup_ppm = 2000, .corrupt_ppm = 2000,
		.reorder_ppm = 5000, .reorder_us = 10000 },
	.mix = { .bytes_max = 256u << 10, .echo_ppm = 400000, .parallel = 4, .gap_ms_max = 3000,
		.abort_ppm = 30000, .close_early_ppm = 30000, .stall_ppm = 50000,
		.stall_ms_max = 20000, .slow_reader_ppm = 100000, .slow_writer_ppm = 100000,
		.zero_copy_ppm = 300000, .small_rcvbuf_ppm = 100000, .idle_ms = IDLE_LONG_MS,
		.syncookies = -1 },
	.coalesce_us = 50, .tx_hold_us = 10,
},
{
	.name = "damage", .help = "reordering, duplicates and bit errors without loss",
	.clients = 2, .servers = 1, .seconds = 300,
	.link = { LAN, .jitter_us = 3000, .dup_ppm = 50000, .corrupt_ppm = 20000,
		.reorder_ppm = 50000, .reorder_us = 20000 },
	.mix = { .bytes_max = 512u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 500,
		.zero_copy_ppm = 300000, .idle_ms = IDLE_LONG_MS, .syncookies = -1 },
},
{
	.name = "partition", .help = "the network falls apart for up to minutes, and heals",
	.clients = 3, .servers = 1, .seconds = 3600,
	.link = { WAN, .loss_ppm = 5000, .partition_every_ms = 60000, .partition_for_ms = 20000 },
	.mix = { .bytes_max = 256u << 10, .echo_ppm = 500000, .parallel = 3, .gap_ms_max = 2000,
		.may_time_out = true, .idle_ms = IDLE_LONG_MS, .syncookies = -1 },
},
{
	.name = "starvation", .help = "too few packet buffers, and allocations that fail",
	.clients = 2, .servers = 1, .seconds = 600,
	.link = { LAN, .loss_ppm = 5000 },
	.mix = { .bytes_max = 256u << 10, .echo_ppm = 500000, .parallel = 16, .gap_ms_max = 500,
		.slow_reader_ppm = 200000, .zero_copy_ppm = 300000, .may_fail_open = true,
		.idle_ms = IDLE_LONG_MS, .syncookies = -1 },
	.pkts = 320, .rx_pooled = true, .alloc_fail_ppm = 20000,
},
{
	.name = "short", .help = "many short connections, little backlog, few connections allowed",
	.clients = 3, .servers = 1, .seconds = 120, .link = { LAN, .loss_ppm = 2000 },
	.mix = { .bytes_max = 4000, .echo_ppm = 500000, .parallel = 24, .gap_ms_max = 20,
		.backlog = 8, .may_fail_open = true, .idle_ms = 120000, .syncookies = -1 },
	.tunables = { { "tcp_timewait_len", "2" }, { "tcp_tw_reuse", "1" },
		{ "tcp_max_tw_buckets", "200" } },
},
{
	.name = "zerowindow", .help = "readers that stall and read slowly from small buffers",
	.clients = 2, .servers = 1, .seconds = 1800, .link = { LAN, .loss_ppm = 10000 },
	.mix = { .bytes_max = 128u << 10, .echo_ppm = 500000, .parallel = 6, .gap_ms_max = 1000,
		.stall_ppm = 500000, .stall_ms_max = 120000, .slow_reader_ppm = 500000,
		.small_rcvbuf_ppm = 700000, .idle_ms = IDLE_LONG_MS, .syncookies = -1 },
},
{
	.name = "simultaneous", .help = "both ends open at once, and close at once",
	.clients = 1, .servers = 1, .seconds = 1800, .link = { WAN, .loss_ppm = 20000 },
	.mix = { .bytes_max = 16384, .parallel = 8, .gap_ms_max = 1000, .fixed_lport = 20000,
		.simultaneous = true, .may_fail_open = true, .may_time_out = true,
		.idle_ms = 300000, .syncookies = -1 },
	.tunables = { { "tcp_timewait_len", "1" } },
},
{
	.name = "aborts", .help = "ends that reset and close early, at 1 % loss",
	.clients = 2, .servers = 1, .seconds = 600, .link = { LAN, .loss_ppm = 10000 },
	.mix = { .bytes_max = 128u << 10, .echo_ppm = 500000, .parallel = 8, .gap_ms_max = 100,
		.abort_ppm = 300000, .close_early_ppm = 300000, .idle_ms = 300000,
		.syncookies = -1 },
},
{
	.name = "seqwrap", .help = "sequence numbers that wrap in the first connections",
	.clients = 1, .servers = 1, .seconds = 300, .link = { LAN, .loss_ppm = 5000 },
	.mix = { .bytes_max = 4u << 20, .echo_ppm = 500000, .parallel = 2, .gap_ms_max = 100,
		.fixed_lport = 30000, .idle_ms = IDLE_LONG_MS, .syncookies = -1 },
	.tunables = { { "tcp_timewait_len", "1" }, { "tcp_tw_reuse", "1" } },
	.near_seq_wrap = true,
},
{
	.name = "clockwrap", .help = "the 32-bit millisecond clock wraps in the middle",
	.clients = 2, .servers = 1, .seconds = 600, .link = { WAN, .loss_ppm = 20000 },
	.mix = { .bytes_max = 128u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 1000,
		.stall_ppm = 200000, .stall_ms_max = 30000, .idle_ms = IDLE_LONG_MS,
		.syncookies = -1 },
	.start_us = ((1ull << 32) - 120000) * 1000,
},
{
	.name = "clockwrap-us",
	.help = "the low 32 bits of the microsecond clock wrap in the middle",
	.clients = 2, .servers = 1, .seconds = 300, .link = { WAN, .loss_ppm = 20000 },
	.mix = { .bytes_max = 128u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 1000,
		.idle_ms = IDLE_LONG_MS, .syncookies = -1 },
	.start_us = (1ull << 32) - 60000000,
},
{
	.name = "synflood", .help = "clients beside a SYN flood, cookies always",
	.clients = 2, .servers = 1, .seconds = 60, .link = { LAN, .loss_ppm = 1000 },
	.mix = { .bytes_max = 64u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.backlog = 64, .idle_ms = 120000, .syncookies = 2, .may_fail_open = true },
	.flood = { .kind = FLOOD_SYN, .per_second = 20000, .bounded = true }, .deep_every = 4096,
},
{
	.name = "synflood-queue", .help = "the same with a SYN queue that fills, cookies when full",
	.clients = 2, .servers = 1, .seconds = 60, .link = { LAN, .loss_ppm = 1000 },
	.mix = { .bytes_max = 64u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.backlog = 64, .idle_ms = 120000, .syncookies = 1, .may_fail_open = true },
	.flood = { .kind = FLOOD_SYN, .per_second = 5000 }, .deep_every = 4096,
},
{
	.name = "ackflood", .help = "clients beside ACKs that belong to nothing",
	.clients = 2, .servers = 1, .seconds = 60, .link = { LAN, .loss_ppm = 1000 },
	.mix = { .bytes_max = 64u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.idle_ms = 120000, .syncookies = 1 },
	.flood = { .kind = FLOOD_ACK, .per_second = 10000, .bounded = true }, .deep_every = 4096,
},
{
	.name = "garbage", .help = "clients beside segments of any flags and numbers",
	.clients = 2, .servers = 1, .seconds = 60, .link = { LAN, .loss_ppm = 1000 },
	.mix = { .bytes_max = 64u << 10, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.backlog = 64, .idle_ms = 120000, .syncookies = 1, .may_fail_open = true },
	.flood = { .kind = FLOOD_MIX, .per_second = 5000 }, .deep_every = 4096,
},
{
	.name = "offload", .help = "ports that fill checksums, keep frames and deliver bursts",
	.clients = 2, .servers = 1, .seconds = 120, .link = { LAN, .loss_ppm = 10000 },
	.mix = { .bytes_max = 1u << 20, .echo_ppm = 500000, .parallel = 4, .gap_ms_max = 200,
		.zero_copy_ppm = 500000, .idle_ms = IDLE_LONG_MS, .syncookies = -1 },
	.tx_caps = ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM, .tx_hold_us = 300, .coalesce_us = 100,
	.rx_pooled = true,
},
};
/* clang-format on */

const struct scenario *
scenario_row(unsigned int i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const struct scenario *
scenario_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}
