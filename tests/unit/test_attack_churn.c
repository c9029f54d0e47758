/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections opened and closed without end, in virtual time: TIME-WAITs by the million, ports. */
#include "unit/tcp_unit.h"

#define BURST 32u
#define WAITS_SHORT 100000u
#define WAITS_LONG 1000000u
#define RANGE_FIRST 32768u
#define RANGE_LAST 60999u
#define PORTS (RANGE_LAST - RANGE_FIRST + 1)

/* The bed's clock, without the walk over the whole engine that tcp_bed_advance makes. */
static void
pass_ms(struct tcp_bed *bed, uint64_t ms)
{
	struct tcp_event ev;

	bed->env.now_us += ms * 1000;
	bed->env.now_ms = (uint32_t)(bed->env.now_us / 1000);
	do {
		tcp_poll(bed->stack, &bed->env);
		while (tcp_next_event(bed->stack, &ev))
			;
		tcp_flush(bed->stack, &bed->env);
	} while (tcp_poll_at(bed->stack) <= bed->env.now_us);
}

/* --- clients that come once ----------------------------------------------------------------- */

/* The i-th client's segment in one burst with those of its neighbours. */
static void
send_all(struct tcp_bed *bed, struct bed_peer *peers, uint16_t flags)
{
	static const uint8_t blank[BED_DATA_MAX];
	struct tcp_seg segs[BURST];
	struct pkt *pkts[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		segs[i] = bed_peer_seg(&peers[i], flags, 0);
		pkts[i] = test_pkts_wrap(&bed->pkts, bed->env.pool, blank, segs[i].payload_off);
		peers[i].seq += tcp_seg_len(&segs[i]);
	}
	tcp_input_burst(bed->stack, &bed->env, segs, pkts, BURST);
	tcp_flush(bed->stack, &bed->env);
}

/* What came back to each, one segment: its SYN or FIN is in what they acknowledge next. */
static void
hear_all(struct tcp_bed *bed, struct bed_peer *peers, uint16_t flags)
{
	for (unsigned int i = 0; i < BURST; i++) {
		struct bed_peer *p;

		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.flags, flags);
		p = &peers[bed->sent.key.rport - peers[0].key.rport];
		assert_true(flow_key_equal(&p->key, &bed->sent.key));
		p->ack = bed->sent.seq + 1;
	}
	assert_false(tcp_bed_take(bed));
}

/* BURST clients connect; the service closes first, so that the TIME-WAITs are ours. */
static void
serve_and_close(struct tcp_bed *bed, uint32_t number, uint32_t seq)
{
	struct ip_addr addr = ip_addr_from_v4(0x14000000u + number);
	struct bed_peer peers[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		bed_peer_init(&peers[i], bed);
		peers[i].key = flow_key_make(&addr, (uint16_t)(1024 + i), 0, BED_PORT);
		peers[i].seq += seq;
	}
	send_all(bed, peers, TCP_SYN);
	hear_all(bed, peers, TCP_SYN | TCP_ACK);
	send_all(bed, peers, TCP_ACK);
	for (unsigned int i = 0; i < BURST; i++) {
		tcp_handle h;

		assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), 0);
		assert_int_equal(tcp_close(bed->stack, &bed->env, h), 0);
	}
	tcp_flush(bed->stack, &bed->env);
	hear_all(bed, peers, TCP_FIN | TCP_ACK);
	send_all(bed, peers, TCP_FIN | TCP_ACK);
	assert_int_equal(tcp_bed_discard(bed), BURST);
	pass_ms(bed, 1);
}

static void
a08_time_waits_beyond_a_million_are_closed_at_once_and_counted(void **state)
{
	uint32_t waits = getenv("SLUICE_LONG") != NULL ? WAITS_LONG : WAITS_SHORT;
	struct tcp_bed *bed = *state;
	uint32_t number = 0;

	bed->par.timewait_max = waits;
	bed->tun.tcp_max_tw_buckets = waits;
	bed->tun.tcp_syncookies = 2;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (; number < waits / BURST; number++)
		serve_and_close(bed, number, 0);
	assert_int_equal(bed->stack->tw_live, waits);
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 0);
	for (; number < waits / BURST + 1000; number++)
		serve_and_close(bed, number, 0);
	assert_int_equal(bed->stack->tw_live, waits);
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 1000 * BURST);
	/* A lower limit holds at once for new ones; those that wait go when their time comes. */
	bed->tun.tcp_max_tw_buckets = 1000;
	serve_and_close(bed, number++, 0);
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 1001 * BURST);
	assert_int_equal(bed->ctr.TimeWaits, waits);
	pass_ms(bed, 60000);
	assert_int_equal(bed->stack->tw_live, 0);
	assert_int_equal(bed->ctr.TimeWaits, 0);
	assert_int_equal(bed->ctr.TW, waits);
	assert_int_equal(bed->ctr.PassiveOpens, number * BURST);
	assert_int_equal(bed->stack->conns_used, 0);
	/* None of it holds a packet. */
	assert_int_equal(bed->pkts.outstanding, 0);
}

/* One client that comes back over and over with the same ports; each time it takes its TIME-WAIT
 * over. The places that this leaves empty in the ring must not add up. */
static void
a08_ports_that_come_back_do_not_use_up_the_room_for_time_waits(void **state)
{
	struct tcp_bed *bed = *state;

	bed->par.timewait_max = 2 * BURST;
	bed->tun.tcp_syncookies = 2;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (unsigned int round = 0; round < 1000; round++) {
		serve_and_close(bed, 0, 1000 * round);
		assert_int_equal(bed->stack->tw_live, BURST);
	}
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 0);
	assert_int_equal(bed->ctr.TWRecycled, 999 * BURST);
}

/* --- one address pair ----------------------------------------------------------------------- */

/* The last number and timestamp that each local port of ours has used. */
struct last {
	uint32_t seq, tsval;
	bool used;
};

/* Open to one and the same peer, and close first. */
static int
open_and_close(struct tcp_bed *bed, struct last *last)
{
	struct last *l;
	struct bed_peer p;
	int err;

	bed_peer_init(&p, bed);
	p.key.lport = 0;
	p.key.rport = 443;
	p.offer = TCP_OPT_TS;
	err = tcp_connect(bed->stack, &bed->env, &p.key, &p.h);
	if (err != 0)
		return err;
	assert_true(tcp_bed_take(bed));
	p.key = bed->sent.key;
	assert_in_range(p.key.lport, RANGE_FIRST, RANGE_LAST);
	/* RFC 6191: both only grow, or the peer took what is new for old. */
	l = &last[p.key.lport];
	if (l->used) {
		assert_true(seq32_gt(bed->sent.seq, l->seq));
		assert_true(seq32_gt(bed->sent.opts.tsval, l->tsval));
	}
	p.ack = bed->sent.seq + 1;
	p.tsecr = bed->sent.opts.tsval;
	bed_peer_send(&p, TCP_SYN | TCP_ACK, 0);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
	tcp_flush(bed->stack, &bed->env);
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.flags, TCP_FIN | TCP_ACK);
	*l = (struct last){ .seq = bed->sent.seq, .tsval = bed->sent.opts.tsval, .used = true };
	p.ack++;
	bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
	tcp_bed_discard(bed);
	return 0;
}

/* Tries a number of times, three in a millisecond; returns how many were refused. */
static unsigned int
churn(struct tcp_bed *bed, struct last *last, unsigned int times)
{
	unsigned int refused = 0;

	for (unsigned int i = 0; i < times; i++) {
		int err = open_and_close(bed, last);

		if (err != 0)
			assert_int_equal(err, -EADDRNOTAVAIL);
		refused += err != 0;
		if (i % 3 == 2)
			pass_ms(bed, 1);
	}
	return refused;
}

static void
start_to_churn(struct tcp_bed *bed, uint32_t tw_reuse, struct last *last)
{
	bed->tun.tcp_tw_reuse = tw_reuse;
	bed->par.timewait_max = 65536;
	tcp_bed_start(bed);
	memset(last, 0, (RANGE_LAST + 1) * sizeof(*last));
}

static void
with_tw_reuse_one_address_pair_never_runs_out_of_ports(void **state)
{
	static struct last last[RANGE_LAST + 1];
	struct tcp_bed *bed = *state;

	start_to_churn(bed, 1, last);
	/* 120,000 in 40 s: less than a TIME-WAIT lasts. */
	assert_int_equal(churn(bed, last, 120000), 0);
	assert_int_equal(bed->ctr.ActiveOpens, 120000);
	assert_int_equal(bed->ctr.TWRecycled + bed->ctr.TW + bed->stack->tw_live, 120000);
	assert_in_range(bed->stack->tw_live, 1, PORTS);
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 0);
	assert_int_equal(bed->ctr.LocalPortsFull, 0);
	pass_ms(bed, 60000);
	assert_int_equal(bed->stack->tw_live, 0);
}

static void
without_tw_reuse_opens_beyond_the_ports_are_refused_and_counted(void **state)
{
	static struct last last[RANGE_LAST + 1];
	struct tcp_bed *bed = *state;
	unsigned int refused, used = 0;

	start_to_churn(bed, 0, last);
	refused = churn(bed, last, PORTS + 20000);
	for (uint32_t port = RANGE_FIRST; port <= RANGE_LAST; port++)
		used += last[port].used;
	/* Every port once, none twice. */
	assert_int_equal(used, PORTS);
	assert_int_equal(bed->ctr.ActiveOpens, PORTS);
	assert_int_equal(refused, 20000);
	assert_int_equal(bed->ctr.LocalPortsFull, 20000);
	assert_int_equal(bed->stack->tw_live, PORTS);
	assert_int_equal(bed->ctr.TWRecycled, 0);
	/* When their time is over they serve again. */
	pass_ms(bed, 60000);
	assert_int_equal(churn(bed, last, 1000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* A tenth of it, unless there is time: tests/run --long. */
		BED_TEST_PREPARED(
			a08_time_waits_beyond_a_million_are_closed_at_once_and_counted),
		BED_TEST_PREPARED(a08_ports_that_come_back_do_not_use_up_the_room_for_time_waits),
		BED_TEST_PREPARED(with_tw_reuse_one_address_pair_never_runs_out_of_ports),
		BED_TEST_PREPARED(without_tw_reuse_opens_beyond_the_ports_are_refused_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
