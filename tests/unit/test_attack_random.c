/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer may not foretell: sequence numbers, ports, timestamps, cookies; G-17, fixed seeds. */
#include <string.h>

#include "unit/tcp_unit.h"

#define SAMPLES 1000000u
#define SYNS 131072u

/* Chi-square with 255 degrees of freedom lies above once in 1000 times, and below as good as never:
 * what is so even is a counter. */
#define CHI_LOW 150.0
#define CHI_HIGH 330.5

/* How often each value of a byte was seen. */
struct tally {
	uint32_t count[256];
	uint32_t n;
};

static void
tally_add(struct tally *t, uint8_t value)
{
	t->count[value]++;
	t->n++;
}

static double
chi_square(const struct tally *t)
{
	double want = t->n / 256.0, sum = 0;

	for (unsigned int i = 0; i < 256; i++)
		sum += (t->count[i] - want) * (t->count[i] - want) / want;
	return sum;
}

/* Numbers of neighbours: each byte of a number and of the step from the last one. */
struct series {
	struct tally byte[4], step[4];
	uint32_t last;
	unsigned int agree[32];	/* bits that are as in the last number */
};

static void
series_add(struct series *s, uint32_t x)
{
	for (unsigned int i = 0; i < 4; i++) {
		tally_add(&s->byte[i], (uint8_t)(x >> 8 * i));
		tally_add(&s->step[i], (uint8_t)((x - s->last) >> 8 * i));
	}
	for (unsigned int i = 0; i < 32; i++)
		s->agree[i] += !((x ^ s->last) >> i & 1);
	s->last = x;
}

/* bytes: how many of them, from the low end, are random. */
static void
assert_random(const struct series *s, unsigned int bytes)
{
	double n = s->byte[0].n;

	for (unsigned int i = 0; i < bytes; i++) {
		assert_true(chi_square(&s->byte[i]) > CHI_LOW);
		assert_true(chi_square(&s->byte[i]) < CHI_HIGH);
		assert_true(chi_square(&s->step[i]) > CHI_LOW);
		assert_true(chi_square(&s->step[i]) < CHI_HIGH);
	}
	/* 3.3 standard deviations. */
	for (unsigned int i = 0; i < 8 * bytes; i++) {
		double off = s->agree[i] - n / 2;

		assert_true(4 * off * off < 3.3 * 3.3 * n);
	}
}

/* Neighbour i: ports first, then addresses, as a scanner would walk. */
static struct flow_key
neighbour(uint32_t i)
{
	struct ip_addr addr = ip_addr_from_v4(0x14000000u + i / 1024);

	return flow_key_make(&addr, (uint16_t)(40000 + i % 1024), 0, BED_PORT);
}

static void
a23_sequence_numbers_of_neighbours_are_unrelated(void **state)
{
	static struct series s;
	struct tcp_bed *bed = *state;

	bed->stack->env = &bed->env;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct flow_key key = neighbour(i);

		series_add(&s, tcp_isn(bed->stack, &key));
	}
	assert_random(&s, 4);
}

/* The same flow again starts above, by the clock: RFC 9293 MUST-8. */
static void
a23_sequence_numbers_of_one_flow_rise_with_the_clock(void **state)
{
	struct flow_key key = neighbour(7);
	struct tcp_bed *bed = *state;
	uint32_t last;

	bed->stack->env = &bed->env;
	last = tcp_isn(bed->stack, &key);
	for (unsigned int i = 0; i < 1000; i++) {
		uint32_t isn;

		bed->env.now_us += 1000;
		isn = tcp_isn(bed->stack, &key);
		assert_int_equal(isn - last, 250);
		last = isn;
	}
}

/* What the SYN-ACKs to SYNs of neighbours say: sequence numbers, and clocks. */
static void
read_synacks(struct tcp_bed *bed, struct series *seq, struct series *ts)
{
	struct tcp_seg segs[TCP_BURST_MAX];
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS;
	for (uint32_t i = 0; i < SYNS; i += TCP_BURST_MAX) {
		for (uint32_t j = 0; j < TCP_BURST_MAX; j++) {
			p.key = neighbour(i + j);
			segs[j] = bed_peer_seg(&p, TCP_SYN, 0);
		}
		assert_int_equal(tcp_bed_input(bed, segs, TCP_BURST_MAX), OUT_SYN_COOKIE_SENT);
		while (tcp_bed_take(bed)) {
			series_add(seq, bed->sent.seq);
			series_add(ts, bed->sent.opts.tsval >> 6);
		}
	}
}

static void
a24_the_clock_shown_differs_for_each_flow_and_cookies_do_not_tell_it(void **state)
{
	static struct series off, seq, ts;
	struct tcp_bed *bed = *state;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct flow_key key = neighbour(i);

		series_add(&off, (uint32_t)(tcp_flow_hash(bed->stack, &key) >> 32));
	}
	assert_random(&off, 4);
	/* A connection has that, and nothing of the appliance's age. */
	for (unsigned int i = 0; i < 8; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.offer = TCP_OPT_TS;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_equal(p.tsecr - bed->env.now_ms,
			tcp_flow_hash(bed->stack, &p.key) >> 32);
	}
	/* Cookies: 28 bits of MAC, a key number and a class; the clock without its low 6 bits. */
	bed->tun.tcp_syncookies = 2;
	read_synacks(bed, &seq, &ts);
	assert_int_equal(seq.byte[0].n, SYNS);
	assert_random(&seq, 3);
	assert_random(&ts, 3);
}

/* Of what ends in the transmit queue: DF, and no identification that could be counted. */
static void
assert_atomic(struct tcp_bed *bed)
{
	assert_true(bed->tx.count > 0);
	for (unsigned int i = 0; i < bed->tx.count; i++) {
		const uint8_t *ip = pkt_data(bed->tx.pkts[i]);

		assert_int_equal(load_be16(ip + 4), 0);
		assert_int_equal(load_be16(ip + 6), 0x4000);
	}
	tcp_bed_discard(bed);
}

static void
a28_no_packet_has_an_identification_to_be_watched(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	for (unsigned int cookies = 1; cookies <= 2; cookies++) {
		bed->tun.tcp_syncookies = cookies;
		if (bed->listener == 0)
			tcp_bed_listen(bed, 0);
		bed_peer_init(&p, bed);
		bed_peer_send(&p, TCP_SYN, 0);
		assert_atomic(bed);
	}
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, "data", 4, 0);
	tcp_bed_flush(bed);
	assert_atomic(bed);
	tcp_bed_advance(bed, 1000);
	assert_atomic(bed);
	bed_peer_send_at(&p, 10, 0, TCP_RST, 0);
	assert_atomic(bed);
	tcp_abort(bed->stack, &bed->env, p.h);
	assert_atomic(bed);
	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_TIME_WAIT);
	bed_peer_send_at(&q, -1, 0, TCP_FIN | TCP_ACK, 0);
	assert_atomic(bed);
	bed_peer_init(&q, bed);
	q.key.lport = 9;
	bed_peer_send(&q, TCP_SYN, 0);
	assert_atomic(bed);
	q.active = true;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &q.key, &q.h), 0);
	assert_atomic(bed);
}

/* nor does a report that packets are too big make us send some that may be cut up. */
static void
a27_a_report_of_a_small_path_does_not_clear_df(void **state)
{
	static const uint8_t data[2920];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct icmp_report r;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	for (uint32_t mtu = 0; mtu < 1500; mtu += 4) {
		r = (struct icmp_report){
			.key = p.key,
			.seq = bed_peer_conn(&p)->snd_una,
			.err = EMSGSIZE,
			.mtu = (uint16_t)mtu,
			.quoted_len = 1500,
			.kind = ICMP_REPORT_TOO_BIG,
		};
		tcp_icmp_input(bed->stack, &bed->env, &r);
		tcp_bed_flush(bed);
		if (bed->tx.count > 0)
			assert_atomic(bed);
		assert_in_range(bed_peer_conn(&p)->mss, 552 - 40, 1460);
	}
	assert_int_equal(bed_peer_conn(&p)->mss, 552 - 40);
}

static void
a31_ports_of_active_opens_are_even_and_tell_nothing_of_other_peers(void **state)
{
	struct tcp_bed *bed = *state;
	static struct tally port, step;
	uint32_t last = 0;

	bed->stack->env = &bed->env;
	/* 2^15 ports, so that they fall into 256 boxes evenly. */
	bed->tun.ip_local_port_range[0] = 32768;
	bed->tun.ip_local_port_range[1] = 65535;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct flow_key key = neighbour(i);
		uint64_t hash;

		key.lport = 0;
		assert_int_equal(tcp_port_choose(bed->stack, &key, &hash), 0);
		tally_add(&port, (uint8_t)(key.lport >> 7));
		tally_add(&step, (uint8_t)((key.lport - last) >> 7));
		last = key.lport;
	}
	assert_true(chi_square(&port) > CHI_LOW && chi_square(&port) < CHI_HIGH);
	assert_true(chi_square(&step) > CHI_LOW && chi_square(&step) < CHI_HIGH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(a23_sequence_numbers_of_neighbours_are_unrelated),
		ATTACK_TEST(a23_sequence_numbers_of_one_flow_rise_with_the_clock),
		ATTACK_TEST(a24_the_clock_shown_differs_for_each_flow_and_cookies_do_not_tell_it),
		ATTACK_TEST(a27_a_report_of_a_small_path_does_not_clear_df),
		ATTACK_TEST(a28_no_packet_has_an_identification_to_be_watched),
		ATTACK_TEST(a31_ports_of_active_opens_are_even_and_tell_nothing_of_other_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
