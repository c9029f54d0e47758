/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue by load, reflection and hashing, each under its number. */
#include <string.h>

#include "unit/tcp_unit.h"

#include "base/log.h"

#define CRAFTED 1000000u

/* --- A-51 ----------------------------------------------------------------------------------- */

/* CRC32C, which is linear: a change of the input changes it the same way whatever the rest is. */
static uint32_t
crc32c(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= b[i];
		for (unsigned int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
	}
	return ~crc;
}

static struct flow_key
key_of(uint32_t addr_low, uint64_t addr_high)
{
	struct ip_addr a = { { 0x20, 1, 0xd, 0xb8 } };

	store_be64(a.b + 4, addr_high);
	store_be32(a.b + 12, addr_low);
	return flow_key_make(&a, 1234, 1, BED_PORT);
}

/*
 * The 32 bits of the low address that undo what a bit of the high one does to the CRC, for each
 * bit: keys made of them all have one CRC. The map from the low bits is inverted by elimination.
 */
static void
craft(uint32_t undo[64])
{
	struct flow_key zero = key_of(0, 0);
	uint32_t base = crc32c(zero.w, sizeof(zero.w));
	uint32_t image[32], from[32];

	for (unsigned int i = 0; i < 32; i++) {
		struct flow_key k = key_of(1u << i, 0);

		image[i] = crc32c(k.w, sizeof(k.w)) ^ base;
		from[i] = 1u << i;
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		unsigned int pivot = bit;

		while (pivot < 32 && !(image[pivot] >> bit & 1))
			pivot++;
		assert_true(pivot < 32);
		for (unsigned int j = 0; j < 32; j++) {
			if (j == pivot || !(image[j] >> bit & 1))
				continue;
			image[j] ^= image[pivot];
			from[j] ^= from[pivot];
		}
		for (uint32_t t = image[bit], f = from[bit]; pivot != bit; pivot = bit) {
			image[bit] = image[pivot];
			from[bit] = from[pivot];
			image[pivot] = t;
			from[pivot] = f;
		}
	}
	for (unsigned int i = 0; i < 64; i++) {
		struct flow_key k = key_of(0, 1ULL << i);
		uint32_t want = crc32c(k.w, sizeof(k.w)) ^ base;

		undo[i] = 0;
		for (unsigned int bit = 0; bit < 32; bit++)
			undo[i] ^= want >> bit & 1 ? from[bit] : 0;
	}
}

static struct flow_key
crafted(const uint32_t undo[64], uint32_t i)
{
	uint32_t low = 0;

	for (unsigned int bit = 0; bit < 32; bit++)
		low ^= i >> bit & 1 ? undo[bit] : 0;
	return key_of(low, i);
}

/* Enter them all, and say how many lines a lookup of them reads, times a thousand. */
static uint64_t
lines_per_lookup(struct tcp_bed *bed, const uint32_t *undo)
{
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;
	uint64_t lines = 0;

	assert_int_equal(flow_table_init(&t, CRAFTED), 0);
	for (uint32_t i = 0; i < CRAFTED; i++) {
		struct flow_key k = undo != NULL ? crafted(undo, i) : key_of(i * 2654435761u, i);

		assert_int_equal(flow_table_insert(&t, tcp_flow_hash(bed->stack, &k), i), 0);
	}
	flow_table_distances(&t, counts);
	for (uint32_t d = 0; d < FLOW_PROBE_MAX; d++)
		lines += (uint64_t)counts[d] * (d + 1);
	assert_int_equal(t.refused, 0);
	flow_table_fini(&t);
	return lines * 1000 / CRAFTED;
}

static void
a51_keys_that_collide_under_crc32c_do_not_lengthen_probes(void **state)
{
	struct tcp_bed *bed = *state;
	uint64_t random, attacked;
	uint32_t undo[64];

	craft(undo);
	for (uint32_t i = 0; i < 1000; i++) {
		struct flow_key zero = key_of(0, 0), k = crafted(undo, i * 997);

		assert_int_equal(crc32c(k.w, sizeof(k.w)), crc32c(zero.w, sizeof(zero.w)));
	}
	random = lines_per_lookup(bed, NULL);
	attacked = lines_per_lookup(bed, undo);
	/* G-18: 1.2 times at most. */
	assert_in_range(attacked, 1000, random * 12 / 10);
}

/* --- A-35 ----------------------------------------------------------------------------------- */

/* Every port but the open one is tried, with a SYN and with what is none; returns the answers. */
static unsigned int
scan(struct tcp_bed *bed)
{
	static const uint16_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_RST, TCP_FIN | TCP_PSH, 0 };
	unsigned int answers = 0;

	for (unsigned int port = 1; port < 4096; port++) {
		struct bed_peer p;

		if (port == BED_PORT)
			continue;
		bed_peer_init(&p, bed);
		p.key.lport = (uint16_t)port;
		bed_peer_send(&p, flags[port % ARRAY_SIZE(flags)], 0);
		answers += tcp_bed_discard(bed);
	}
	return answers;
}

static void
a35_a_port_scan_is_answered_within_the_budget(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int allocs = bed->pkts.allocs;

	tcp_bed_listen(bed, 0);
	bed->tun.tcp_rst_ratelimit = 1000;
	for (unsigned int second = 0; second < 3; second++) {
		/* A RST is never answered, so the budget is what is used up. */
		assert_int_equal(scan(bed), 1000);
		tcp_bed_advance(bed, 1000);
	}
	assert_int_equal(bed->pkts.allocs, allocs);
	assert_int_equal(tcp_conn_count(bed->stack), 0);
}

static void
a35_a_blackhole_tells_a_scan_nothing_and_clients_everything(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	bed->tun.tcp_blackhole = 2;
	assert_int_equal(scan(bed), 0);
	assert_int_equal(bed->ctr.OutRsts, 0);
	assert_true(bed->ctr.outcome[OUT_BLACKHOLED] > 2000);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_send(&p, TCP_ACK | TCP_PSH, 100), OUT_DELIVERED);
}

/* --- A-53 to A-58 --------------------------------------------------------------------------- */

static void
a53_a_syn_is_answered_with_one_segment_no_longer_than_itself(void **state)
{
	static const uint8_t offers[] = { 0, TCP_OPT_SACK_OK, TCP_OPT_TS, TCP_OPT_WSCALE,
		TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE };
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(offers); i++) {
		struct bed_peer p;
		struct tcp_seg syn;

		bed_peer_init(&p, bed);
		p.offer = offers[i];
		syn = bed_peer_seg(&p, TCP_SYN, 0);
		assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_COOKIE_SENT);
		assert_true(tcp_bed_take(bed));
		assert_true(tcp_options_len(&bed->sent.opts) <= tcp_options_len(&syn.opts));
		assert_int_equal(bed->sent.len, 0);
		/* And never again. */
		tcp_bed_advance(bed, 100000);
		assert_int_equal(tcp_bed_discard(bed), 0);
	}
}

static void
a54_before_the_handshake_no_payload_is_sent_and_at_most_one_reset(void **state)
{
	static const uint16_t flags[] = { TCP_ACK, TCP_PSH | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, TCP_SYN };
	struct tcp_bed *bed = *state;

	tcp_bed_listen(bed, 0);
	for (unsigned int port = BED_PORT; port < BED_PORT + 2; port++)
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
			struct bed_peer p;

			bed_peer_init(&p, bed);
			p.key.lport = (uint16_t)port;
			bed_peer_send(&p, flags[i], 500);
			if (tcp_bed_take(bed)) {
				assert_int_equal(bed->sent.len, 0);
				assert_false(flags[i] & TCP_RST);
				if (flags[i] != TCP_SYN || port != BED_PORT)
					assert_true(bed->sent.flags & TCP_RST);
			}
			assert_int_equal(tcp_bed_discard(bed), 0);
		}
}

/* Forged segments in the names of others, at open and closed ports: RSTs, challenge ACKs and what
 * else comes back is never more than went in, and RSTs keep to their budget. */
static void
a55_nothing_is_multiplied(void **state)
{
	static const uint16_t flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_RST, TCP_PSH | TCP_ACK };
	struct tcp_bed *bed = *state;
	struct bed_peer victim, p;
	unsigned int back = 0;

	bed->tun.tcp_rst_ratelimit = 50;
	bed->tun.tcp_syncookies = 2;
	bed_peer_init(&victim, bed);
	bed_peer_reach(&victim, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 3000; i++) {
		struct tcp_seg seg;

		bed_peer_init(&p, bed);
		p.key.lport = i % 2 ? BED_PORT : 9;
		/* A third hits a connection: old, new and in-window numbers. */
		if (i % 3 == 0)
			p.key = victim.key;
		p.seq = victim.seq + i * 7919u;
		p.ack = victim.ack + i % 5 * 1000000u;
		seg = bed_peer_seg(&p, flags[i % ARRAY_SIZE(flags)], i % 7 ? 0 : 10);
		bed_peer_send_seg(&p, &seg);
		for (unsigned int n = tcp_bed_discard(bed); n > 0; n--)
			back++;
		assert_true(back <= i + 1);
	}
	assert_in_range(bed->ctr.OutRsts, 1, 50);
	assert_in_range(bed->ctr.TCPChallengeACK, 0, bed->tun.tcp_challenge_ack_limit);
	assert_true(back < 2000);
	assert_int_equal(bed_peer_state(&victim), TCPS_ESTABLISHED);
}

static void
a55_resets_are_budgeted(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_rst_ratelimit = 100;
	for (unsigned int i = 0; i < 5000; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.key.lport = 9;
		bed_peer_send(&p, TCP_SYN, 0);
		tcp_bed_discard(bed);
	}
	assert_in_range(bed->ctr.OutRsts, 1, 100);
	assert_int_equal(bed->ctr.TcpRstRateLimited, 5000 - bed->ctr.OutRsts);
}

/* Multipath TCP, MD5, an experiment, a length that is not its kind's. */
static void
a57_options_nobody_asked_for_change_nothing(void **state)
{
	static const uint8_t odd[][8] = {
		{ 30, 4, 0, 1, 1, 1, 1, 1 },
		{ 19, 6, 1, 2, 3, 4, 1, 1 },
		{ 254, 8, 1, 2, 3, 4, 5, 6 },
		{ 3, 4, 7, 7, 1, 1, 1, 1 },
		{ 2, 3, 5, 1, 1, 1, 1, 1 },
		{ 77, 0, 1, 1, 1, 1, 1, 1 },
		{ 77, 200, 1, 1, 1, 1, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (unsigned int syn = 0; syn < 2; syn++) {
			struct tcp_opts o;

			tcp_parse_options(odd[i], sizeof(odd[i]), syn != 0, &o);
			assert_int_equal(o.present, 0);
		}
}

static void
a58_an_elephant_does_not_keep_a_mouse_waiting(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer elephant, mouse;
	static uint8_t buf[400000];
	bool heard = false;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&elephant, bed);
	bed_peer_reach(&elephant, TCPS_ESTABLISHED);
	bed_peer_init(&mouse, bed);
	bed_peer_reach(&mouse, TCPS_ESTABLISHED);
	bed_peer_conn(&elephant)->cwnd = 1u << 30;
	bed_peer_conn(&elephant)->snd_wnd = 1u << 30;
	tcp_setopt(bed->stack, &bed->env, elephant.h, TCP_SO_SNDBUF, 4 << 20);
	assert_int_equal(tcp_send(bed->stack, &bed->env, elephant.h, buf, sizeof(buf), 0),
		sizeof(buf));
	tcp_send(bed->stack, &bed->env, mouse.h, "squeak", 6, 0);
	/* Who fills the transmit queue goes to the end of the list: the next flush has others. */
	for (unsigned int i = 0; i < 2; i++) {
		tcp_bed_flush(bed);
		while (tcp_bed_take(bed))
			heard |= flow_key_equal(&bed->sent.key, &mouse.key);
	}
	assert_true(heard);
}

/* --- A-59, A-60 ----------------------------------------------------------------------------- */

static void
a59_a_million_timers_of_one_tick_are_taken_64_at_a_time(void **state)
{
	struct wheel w;
	uint32_t ids[64];
	unsigned int fired = 0, n;

	(void)state;
	assert_int_equal(wheel_init(&w, 1000000, 0), 0);
	for (uint32_t i = 0; i < 1000000; i++)
		wheel_arm(&w, i, 5000);
	assert_int_equal(wheel_advance(&w, 4999, ids, 64), 0);
	/* Moving down from the level they were armed in takes as much work again. */
	for (unsigned int calls = 0; calls < 2 * 1000000 / 64; calls++) {
		n = wheel_advance(&w, 5000, ids, 64);
		assert_in_range(n, 0, 64);
		fired += n;
	}
	assert_int_equal(fired, 1000000);
	assert_int_equal(wheel_advance(&w, 5000, ids, 64), 0);
	wheel_fini(&w);
}

static void
a59_a_poll_fires_at_most_512_and_the_next_goes_on(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[1500];
	unsigned int polls = 0;

	bed->par.conns_max = 1500;
	tcp_bed_start(bed);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		bed_peer_conn(&p[i])->timers = 0;
		tcp_set_app_timer(bed->stack, &bed->env, p[i].h, 100000);
	}
	bed->env.now_us += 100000000;
	bed->env.now_ms += 100000;
	while (tcp_poll_at(bed->stack) <= bed->env.now_us && polls < 100) {
		uint64_t before = bed->ctr.TimersFired;
		struct tcp_event ev;

		tcp_poll(bed->stack, &bed->env);
		assert_in_range(bed->ctr.TimersFired - before, 0, 512);
		while (tcp_next_event(bed->stack, &ev))
			;
		tcp_flush(bed->stack, &bed->env);
		tcp_bed_discard(bed);
		polls++;
	}
	assert_in_range(polls, 3, 20);
	assert_true(bed->ctr.TimersFired >= 1500);
}

static void
count_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	++*(unsigned int *)ctx;
}

static void
a60_a_flood_of_log_lines_is_cut_and_counted(void **state)
{
	unsigned int lines = 0;
	struct log_sink sink;

	(void)state;
	log_init(&sink, count_line, &lines, 10, 20);
	/* A line each microsecond for a second. */
	for (uint64_t us = 0; us < 1000000; us++)
		log_write(&sink, us, LOG_LEVEL_ERROR, "attack %d", 1);
	assert_in_range(lines, 20, 30);
	assert_int_equal(sink.suppressed + lines, 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a51_keys_that_collide_under_crc32c_do_not_lengthen_probes),
		BED_TEST(a35_a_port_scan_is_answered_within_the_budget),
		BED_TEST(a35_a_blackhole_tells_a_scan_nothing_and_clients_everything),
		BED_TEST(a53_a_syn_is_answered_with_one_segment_no_longer_than_itself),
		BED_TEST(a54_before_the_handshake_no_payload_is_sent_and_at_most_one_reset),
		BED_TEST(a55_nothing_is_multiplied),
		BED_TEST(a55_resets_are_budgeted),
		cmocka_unit_test(a57_options_nobody_asked_for_change_nothing),
		BED_TEST(a58_an_elephant_does_not_keep_a_mouse_waiting),
		cmocka_unit_test(a59_a_million_timers_of_one_tick_are_taken_64_at_a_time),
		BED_TEST_PREPARED(a59_a_poll_fires_at_most_512_and_the_next_goes_on),
		cmocka_unit_test(a60_a_flood_of_log_lines_is_cut_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
