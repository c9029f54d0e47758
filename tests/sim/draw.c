/* SPDX-License-Identifier: BSD-3-Clause */
/* What the seed of a random scenario decides. */
#include "sim/draw.h"

#include <string.h>

#include "lib/fail.h"

static const char *const feature_names[] = {
#define X(name, text) text,
	DRAW_FEATURES(X)
#undef X
};

_Static_assert(ARRAY_SIZE(feature_names) == DRAW_FEATURE_COUNT, "a name for each feature");
_Static_assert(DRAW_FEATURE_COUNT <= 32, "a bit for each feature");

const char *
draw_feature_name(unsigned int i)
{
	return i < DRAW_FEATURE_COUNT ? feature_names[i] : NULL;
}

bool
draw_features_parse(const char *list, uint32_t *out, const char **bad)
{
	*out = 0;
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		unsigned int i = 0;

		while (i < DRAW_FEATURE_COUNT && (strlen(feature_names[i]) != len ||
							 memcmp(feature_names[i], list, len) != 0))
			i++;
		if (i == DRAW_FEATURE_COUNT) {
			*bad = list;
			return false;
		}
		*out |= 1u << i;
		list += len + (list[len] == ',');
	}
	return true;
}

/* False if the feature is left out; else rng has its numbers for object i. */
static bool
open_rng(const struct draw *d, enum draw_feature feature, unsigned int i, struct rng *rng)
{
	rng_seed(rng, (d->seed + 1) * 0x9e3779b97f4a7c15ULL + feature * 1000003u + i);
	return (d->without & 1u << feature) == 0;
}

/* The same, for what only some of the runs have. */
static bool
open_some(const struct draw *d, enum draw_feature feature, uint32_t ppm, struct rng *rng)
{
	return open_rng(d, feature, 0, rng) && rng_chance_ppm(rng, ppm);
}

/* Small numbers as often as large ones. */
static uint32_t
below_log(struct rng *rng, uint32_t max)
{
	unsigned int bits = 0;

	while (bits < 31 && (1u << bits) < max)
		bits++;
	return min_u32(max, rng_below(rng, (1u << rng_below(rng, bits + 1)) + 1));
}

/* --- the whole ------------------------------------------------------------------------------ */

static void
draw_topology(struct draw *d)
{
	struct rng rng;

	d->sc.servers = 1;
	d->sc.clients = 1;
	d->switches = 1;
	if (!open_rng(d, DRAW_TOPOLOGY, 0, &rng))
		return;
	d->sc.servers = 1 + rng_below(&rng, 3);
	d->sc.clients = 1 + rng_below(&rng, 5);
	d->switches = 1 + rng_below(&rng, SIM_SWITCHES_MAX);
}

static struct draw_mishap
draw_mishap(const struct draw *d, enum draw_feature feature, uint32_t ppm, uint32_t for_ms_max)
{
	struct draw_mishap m = { 0 };
	struct rng rng;

	if (d->gentle || !open_some(d, feature, ppm, &rng))
		return m;
	m.every_ms = 10000 + rng_below(&rng, 290000);
	m.for_ms = 1 + below_log(&rng, for_ms_max);
	return m;
}

static void
draw_apps(struct draw *d)
{
	struct app_mix *mix = &d->sc.mix;
	struct rng rng;

	mix->bytes_max = 64u << 10;
	mix->echo_ppm = 500000;
	mix->parallel = 2;
	mix->gap_ms_max = 5000;
	if (!open_rng(d, DRAW_APPS, 0, &rng))
		return;
	/* What is lost is sent again: with much loss a lot of bytes takes for ever. */
	mix->bytes_max = 1 + below_log(&rng, d->loss_ppm > 50000 ? 64u << 10 : 256u << 10);
	mix->parallel = 1 + rng_below(&rng, 6);
	/* Hours count as well as events: clocks and timers want them. */
	mix->gap_ms_max = 2000 + below_log(&rng, 60000);
	mix->abort_ppm = rng_below(&rng, 2) * 50000;
	mix->close_early_ppm = rng_below(&rng, 2) * 50000;
	mix->stall_ppm = rng_below(&rng, 3) * 100000;
	mix->stall_ms_max = 1 + below_log(&rng, 60000);
	mix->slow_reader_ppm = rng_below(&rng, 3) * 100000;
	mix->slow_writer_ppm = rng_below(&rng, 3) * 100000;
	mix->zero_copy_ppm = rng_below(&rng, 3) * 300000;
	mix->small_rcvbuf_ppm = rng_below(&rng, 3) * 100000;
	mix->options_ppm = rng_below(&rng, 3) * 200000;
	if (rng_below(&rng, 4) == 0)
		mix->backlog = (int)(1 + below_log(&rng, 64));
}

/* Clocks that are about to wrap: of microseconds and milliseconds, and half way (RFC 7323). */
static void
draw_start(struct draw *d)
{
	static const uint64_t wraps_us[] = { 1ull << 31, 1ull << 32, (1ull << 31) * 1000,
		(1ull << 32) * 1000, (1ull << 32) * 4 };
	struct rng rng;

	if (!open_some(d, DRAW_WRAP, 500000, &rng))
		return;
	d->sc.start_us = wraps_us[rng_below(&rng, ARRAY_SIZE(wraps_us))] - 1000000 -
			 (uint64_t)rng_below(&rng, 60000) * 1000;
	d->sc.near_seq_wrap = rng_below(&rng, 2) == 0;
}

static void
draw_port(struct draw *d)
{
	struct rng rng;

	if (open_some(d, DRAW_ALLOC, 300000, &rng)) {
		d->sc.alloc_fail_ppm = 1 + below_log(&rng, 50000);
		if (rng_below(&rng, 2) == 0)
			d->sc.pkts = 200 + below_log(&rng, 2000);
	}
	if (!open_rng(d, DRAW_PORT, 0, &rng))
		return;
	d->sc.tx_caps = rng_below(&rng, 4);
	d->sc.coalesce_us = rng_below(&rng, 2) * below_log(&rng, 2000);
	d->sc.tx_hold_us = rng_below(&rng, 2) * below_log(&rng, 2000);
	d->sc.rx_pooled = rng_below(&rng, 2) == 0;
}

void
draw_begin(struct draw *d, const struct scenario *base, uint64_t seed, uint32_t without)
{
	struct rng rng;

	memset(d, 0, sizeof(*d));
	d->seed = seed;
	d->without = without;
	d->sc = *base;
	rng_seed(&rng, seed);
	d->gentle = rng_below(&rng, 4) == 0;
	draw_topology(d);
	if (open_rng(d, DRAW_LOSS, 0, &rng))
		d->loss_ppm = below_log(&rng, d->gentle ? 20000 : 300000);
	draw_apps(d);
	d->only_ip4 = !open_some(d, DRAW_IP6, 700000, &rng);
	if (!d->only_ip4)
		d->sc.mix.ip6_ppm = rng_below(&rng, 5) * 250000;
	d->sc.mix.any_cc = open_rng(d, DRAW_CC, 0, &rng);
	d->sc.mix.may_fail_open = true;
	d->sc.mix.may_be_shed = true;
	d->sc.mix.may_come_again = true;
	d->sc.mix.may_time_out = !d->gentle;
	d->sc.mix.idle_ms = base->mix.idle_ms;
	d->sc.mix.syncookies = -1;
	draw_start(d);
	draw_port(d);
	d->mtu = draw_mishap(d, DRAW_MTU, 400000, 1);
	d->stall = draw_mishap(d, DRAW_STALL, 400000, 20000);
	d->restart = draw_mishap(d, DRAW_RESTART, 300000, 20000);
	d->crash = draw_mishap(d, DRAW_CRASH, 300000, 1);
}

/* --- links ---------------------------------------------------------------------------------- */

static void
draw_spoils(const struct draw *d, unsigned int i, struct link_params *l)
{
	struct rng rng;

	if (open_rng(d, DRAW_REORDER, i, &rng) && rng_below(&rng, 2) == 0) {
		l->jitter_us = below_log(&rng, 20000);
		l->reorder_ppm = below_log(&rng, 100000);
		l->reorder_us = below_log(&rng, 300000);
	}
	if (open_rng(d, DRAW_DUP, i, &rng) && rng_below(&rng, 2) == 0)
		l->dup_ppm = below_log(&rng, 100000);
	if (open_rng(d, DRAW_CORRUPT, i, &rng) && rng_below(&rng, 2) == 0)
		l->corrupt_ppm = below_log(&rng, 20000);
	if (open_rng(d, DRAW_MARK, i, &rng) && rng_below(&rng, 2) == 0)
		l->mark_bytes = 1 + below_log(&rng, 100000);
	if (open_rng(d, DRAW_PARTITION, i, &rng) && !d->gentle && rng_below(&rng, 4) == 0) {
		l->partition_every_ms = 10000 + below_log(&rng, 600000);
		l->partition_for_ms = 1 + below_log(&rng, 60000);
	}
	if (open_rng(d, DRAW_MTU, i, &rng) && !d->gentle && rng_below(&rng, 4) == 0) {
		l->mtu = draw_mtu(d, &rng);
		l->mtu_silent = rng_below(&rng, 3) == 0;
	}
}

struct link_params
draw_link(const struct draw *d, unsigned int i, bool of_switch)
{
	/* A slow link whose queue others keep full for minutes locks out who comes now and then. */
	uint64_t least_bps = d->gentle ? 12800000 : 200000;
	struct link_params l = { .delay_us = 5000 };
	struct rng rng;

	i += of_switch ? 2 * SIM_NODES_MAX : 0;
	if (open_rng(d, DRAW_TOPOLOGY, 1 + i, &rng)) {
		l.delay_us = below_log(&rng, 100000);
		if (rng_below(&rng, 2) == 0) {
			l.rate_bps = least_bps << rng_below(&rng, d->gentle ? 8 : 14);
			/* No more than two seconds' worth: old segments are to be gone some day. */
			l.queue_bytes = 10000 + below_log(&rng,
					(uint32_t)min_u64(l.rate_bps / 4, 1000000));
		}
	}
	/* Much loss on every link of a way would leave nothing. */
	if (open_rng(d, DRAW_LOSS, 1 + i, &rng))
		l.loss_ppm = rng_below(&rng, 1 + (of_switch ? d->loss_ppm / 16 : d->loss_ppm));
	draw_spoils(d, 1 + i, &l);
	return l;
}

uint32_t
draw_mtu(const struct draw *d, struct rng *rng)
{
	static const uint32_t usual[] = { 0, 1280, 1400, 1492, 1500, 4000, 9000 };
	uint32_t least = d->only_ip4 ? 576 : 1280;

	if (rng_below(rng, 2) == 0)
		return usual[rng_below(rng, ARRAY_SIZE(usual))];
	return least + rng_below(rng, 1600 - least);
}

unsigned int
draw_place(const struct draw *d, unsigned int i)
{
	struct rng rng;

	open_rng(d, DRAW_TOPOLOGY, 1000 + i, &rng);
	return rng_below(&rng, d->switches);
}

unsigned int
draw_parent(const struct draw *d, unsigned int i)
{
	struct rng rng;

	open_rng(d, DRAW_TOPOLOGY, 2000 + i, &rng);
	return i == 0 ? 0 : rng_below(&rng, i);
}

/* --- nodes ---------------------------------------------------------------------------------- */

/* Values that change what the engine does; the first is not the default. */
static const struct {
	const char *name;
	const char *values[5];
} tunables[] = {
	{ "tcp_syncookies", { "0", "2" } },
	{ "ip_local_port_range", { "50000 50400", "1024 65535" } },
	{ "tcp_window_scaling", { "0" } },
	{ "tcp_timestamps", { "0" } },
	{ "tcp_sack", { "0" } },
	{ "tcp_dsack", { "0" } },
	{ "tcp_ecn", { "0", "1" } },
	{ "tcp_min_snd_mss", { "48", "216", "536" } },
	{ "tcp_rmem", { "2048 2048 2048", "4096 8192 65536", "4096 1000000 1000000" } },
	{ "tcp_wmem", { "2048 2048 2048", "4096 8192 65536", "4096 1000000 1000000" } },
	{ "tcp_moderate_rcvbuf", { "0" } },
	{ "tcp_congestion_control", { "reno", "dctcp" } },
	{ "tcp_initial_cwnd", { "1", "2", "100" } },
	{ "tcp_slow_start_after_idle", { "0" } },
	{ "tcp_reordering", { "10", "300" } },
	{ "tcp_recovery", { "0", "2", "3", "5" } },
	{ "tcp_early_retrans", { "0" } },
	{ "tcp_frto", { "0" } },
	{ "tcp_rto_min", { "5", "20", "1000" } },
	{ "tcp_delack_min", { "1", "200" } },
	{ "tcp_delack_max", { "500" } },
	{ "tcp_orphan_retries", { "15" } },
	{ "tcp_fin_timeout", { "1", "3600" } },
	{ "tcp_timewait_len", { "5" } },
	{ "tcp_max_tw_buckets", { "4" } },
	{ "tcp_tw_reuse", { "0", "1" } },
	{ "tcp_rfc1337", { "0" } },
	{ "tcp_challenge_ack_limit", { "0", "100" } },
	{ "tcp_invalid_ratelimit", { "0", "5000" } },
	{ "tcp_mtu_probing", { "1", "2" } },
	{ "tcp_probe_interval", { "10" } },
	{ "tcp_base_mss", { "512" } },
	{ "mtu_expires", { "10" } },
	{ "dad_transmits", { "0" } },
	{ "tcp_pacing", { "1" } },
};

static void
draw_tunables(const struct draw *d, unsigned int i, struct tunables *tun)
{
	char err[TUNABLE_ERR_LEN];
	struct rng rng;

	if (!open_rng(d, DRAW_TUNABLES, i, &rng))
		return;
	for (size_t t = 0; t < ARRAY_SIZE(tunables); t++) {
		unsigned int count = 0;
		const char *value;

		while (count < ARRAY_SIZE(tunables[t].values) && tunables[t].values[count] != NULL)
			count++;
		if (rng_below(&rng, 6) > 0)
			continue;
		value = tunables[t].values[rng_below(&rng, count)];
		CHECK(tunables_set(tun, tunables[t].name, value, err, sizeof(err)) == 0, "%s", err);
	}
}

void
draw_host(const struct draw *d, unsigned int i, struct host_params *par)
{
	static const uint32_t park_after_ms[] = { 1, 50, TCP_PARK_AFTER_MS, 0 };
	static const uint16_t mtus[] = { 1280, 1400, 1500, 4000, 9000 };
	struct rng rng;

	par->with_ip6 = !d->only_ip4;
	if (open_rng(d, DRAW_PORT, 1 + i, &rng))
		par->park_after_ms = park_after_ms[rng_below(&rng, ARRAY_SIZE(park_after_ms))];
	if (open_rng(d, DRAW_MTU, 1000 + i, &rng) && rng_below(&rng, 2) == 0)
		par->mtu = d->only_ip4 ? (uint16_t)(576 + rng_below(&rng, 1000)) :
					 mtus[rng_below(&rng, ARRAY_SIZE(mtus))];
	if (open_rng(d, DRAW_WORKERS, i, &rng) && rng_below(&rng, 2) == 0)
		par->workers = 1 + rng_below(&rng, 4);
	draw_tunables(d, i, &par->tun);
}

void
draw_print(const struct draw *d, FILE *to)
{
	fprintf(to, "drawn: %u + %u nodes, %u switches, loss up to %.2f %%, IPv6 %u %%%s",
		d->sc.servers, d->sc.clients, d->switches, d->loss_ppm / 1e4,
		d->sc.mix.ip6_ppm / 10000, d->gentle ? ", gentle" : "");
	fprintf(to, "%s%s%s%s%s%s\n", d->mtu.every_ms != 0 ? ", MTU changes" : "",
		d->stall.every_ms != 0 ? ", stalls" : "",
		d->restart.every_ms != 0 ? ", restarts" : "",
		d->crash.every_ms != 0 ? ", crashes" : "",
		d->sc.near_seq_wrap ? ", numbers wrap" : "",
		d->sc.alloc_fail_ppm != 0 ? ", allocations fail" : "");
}
