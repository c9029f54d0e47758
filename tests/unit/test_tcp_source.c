/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the limits by source prefix. */
#include "unit/tcp_unit.h"

#include <stdio.h>

/* A peer with that address, one of ours in the same family. */
static void
peer_at(struct bed_peer *p, struct tcp_bed *bed, const char *addr)
{
	struct ip_addr a;

	bed_peer_init(p, bed);
	assert_int_equal(ip_addr_parse(&a, addr, strlen(addr)), 0);
	p->key = flow_key_make(&a, p->key.rport, !ip_addr_is_v4(&a), BED_PORT);
}

static enum outcome
syn_from(struct tcp_bed *bed, const char *addr)
{
	struct bed_peer p;
	enum outcome out;

	peer_at(&p, bed, addr);
	out = bed_peer_syn(&p);
	tcp_bed_discard(bed);
	return out;
}

static void
syns_over_the_rate_of_their_prefix_are_dropped(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_source_syn_rate = 4;
	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SYN_QUEUED);
	/* The whole /24 is one source, the next is another. */
	assert_int_equal(syn_from(bed, "192.0.2.200"), OUT_SOURCE_RATE);
	assert_int_equal(syn_from(bed, "192.0.3.1"), OUT_SYN_QUEUED);
	tcp_bed_advance(bed, 249);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SOURCE_RATE);
	tcp_bed_advance(bed, 1);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SYN_QUEUED);
	assert_int_equal(bed->ctr.SourceRateDrops, 2);
	assert_int_equal(bed->ctr.ListenDrops, 2);
}

/* A cookie costs the box an answer: it is not sent to who asks too often. */
static void
cookies_are_under_the_rate_too(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	bed->tun.tcp_source_syn_rate = 1;
	tcp_bed_listen(bed, 0);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SYN_COOKIE_SENT);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SOURCE_RATE);
	assert_int_equal(bed->ctr.SyncookiesSent, 1);
}

static void
prefixes_are_as_long_as_tcp_source_prefix4_and_tcp_source_prefix6_say(void **state)
{
	static const struct {
		const char *first, *second;
		uint32_t bits;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.255", 24, true },
		{ "192.0.2.1", "192.0.3.1", 24, false },
		{ "192.0.2.1", "192.0.2.2", 32, false },
		{ "192.0.2.1", "192.0.2.1", 32, true },
		{ "192.0.2.1", "127.0.2.1", 1, false },
		{ "192.0.2.1", "223.0.2.1", 1, true },
		{ "2001:db8:0:7::1", "2001:db8:0:7:8000::", 64, true },
		{ "2001:db8:0:7::1", "2001:db8:0:8::1", 64, false },
		{ "2001:db8:0:7::1", "2001:db8:0:8::1", 48, true },
		{ "2001:db8:0:7::1", "2001:db8:0:7:8000::", 65, false },
		{ "2001:db8::1", "2001:db8::2", 128, false },
	};
	struct tcp_bed *bed = *state;

	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool v4 = strchr(rows[i].first, ':') == NULL;

		*(v4 ? &bed->tun.tcp_source_prefix4 : &bed->tun.tcp_source_prefix6) =
			rows[i].bits;
		bed->tun.tcp_source_syn_rate = 1;
		assert_int_equal(syn_from(bed, rows[i].first), OUT_SYN_QUEUED);
		if ((syn_from(bed, rows[i].second) == OUT_SOURCE_RATE) != rows[i].same)
			fail_msg("row %zu", i);
		tcp_bed_advance(bed, 2000);
	}
}

static void
connections_of_a_prefix_are_counted_from_syn_to_end(void **state)
{
	static const enum tcp_state states[] = { TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK };
	struct tcp_bed *bed = *state;
	struct bed_peer p[ARRAY_SIZE(states)], last, active;

	bed->tun.tcp_source_conns = ARRAY_SIZE(states);
	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], states[i]);
		tcp_bed_advance(bed, 1);
		assert_int_equal(bed->ctr.SourceConns, i + 1);
	}
	/* What waits in TIME-WAIT and what we opened is not counted. */
	bed_peer_init(&active, bed);
	active.active = true;
	active.key.rport = 9;
	bed_peer_reach(&active, TCPS_ESTABLISHED);
	assert_int_equal(bed->ctr.SourceConns, ARRAY_SIZE(states));
	bed_peer_init(&last, bed);
	assert_int_equal(bed_peer_syn(&last), OUT_SOURCE_CONNS);
	assert_int_equal(bed->ctr.SourceConnsDrops, 1);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SYN_QUEUED);
	bed_peer_send(&p[3], TCP_FIN | TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p[3]), TCPS_TIME_WAIT);
	assert_int_equal(bed_peer_syn(&last), OUT_SYN_QUEUED);
	tcp_bed_discard(bed);
}

static void
every_way_to_end_frees_the_place(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_source_conns = 1;
	tcp_bed_listen(bed, 0);
	tcp_bed_advance(bed, 1);
	for (unsigned int way = 0; way < 6; way++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, way < 2 ? TCPS_SYN_RECEIVED : TCPS_ESTABLISHED);
		assert_int_equal(bed->ctr.SourceConns, 1);
		assert_int_equal(syn_from(bed, "10.0.0.77"), OUT_SOURCE_CONNS);
		switch (way) {
		case 0: /* reset in the SYN queue */
			bed_peer_send(&p, TCP_RST, 0);
			break;
		case 1: /* never finished */
			tcp_bed_advance(bed, 70000);
			break;
		case 2:
			bed_peer_send(&p, TCP_RST, 0);
			break;
		case 3:
			tcp_abort(bed->stack, &bed->env, p.h);
			break;
		case 4: /* closed on both sides */
			bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
			tcp_close(bed->stack, &bed->env, p.h);
			tcp_bed_flush(bed);
			p.ack++;
			bed_peer_send(&p, TCP_ACK, 0);
			break;
		default: /* the peer has gone */
			tcp_close(bed->stack, &bed->env, p.h);
			tcp_bed_advance(bed, 1200000);
			break;
		}
		tcp_bed_discard(bed);
		assert_int_equal(bed->ctr.SourceConns, 0);
		tcp_bed_events(bed, p.h, NULL);
	}
}

/* Any number of SYNs pass, since a cookie leaves nothing behind: the ACK is looked at. */
static void
a_valid_cookie_over_the_limit_gets_a_reset(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	bed->tun.tcp_syncookies = 2;
	bed->tun.tcp_source_conns = 2;
	tcp_bed_listen(bed, 0);
	tcp_bed_advance(bed, 1);
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		assert_int_equal(bed_peer_syn(&p[i]), OUT_SYN_COOKIE_SENT);
	}
	assert_int_equal(bed_peer_ack_syn(&p[0]), OUT_COOKIE_ACCEPTED);
	assert_int_equal(bed_peer_ack_syn(&p[1]), OUT_COOKIE_ACCEPTED);
	tcp_bed_discard(bed);
	assert_int_equal(bed_peer_ack_syn(&p[2]), OUT_SOURCE_CONNS);
	assert_sent(&p[2], "R 1+0");
	assert_int_equal(bed->ctr.SourceConns, 2);
}

/* Switched on with connections there: all of them count, whatever slot they have. */
static void
what_was_open_before_the_limit_is_counted_when_it_is_set(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[3000];
	struct bed_peer last;

	bed->par.conns_max = 3000;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
	}
	assert_int_equal(bed->ctr.SourceConns, 0);
	bed->tun.tcp_source_conns = 3001;
	/* Some slots with each poll; meanwhile connections come and go on both sides of it. */
	tcp_poll(bed->stack, &bed->env);
	assert_in_range(bed->ctr.SourceConns, 1, 1024);
	assert_int_equal(tcp_poll_at(bed->stack), 0);
	tcp_abort(bed->stack, &bed->env, p[0].h);
	tcp_abort(bed->stack, &bed->env, p[2999].h);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	tcp_bed_events(bed, p[0].h, NULL);
	tcp_bed_events(bed, p[2999].h, NULL);
	bed_peer_init(&last, bed);
	assert_int_equal(bed_peer_syn(&last), OUT_SYN_QUEUED);
	assert_int_equal(bed_peer_ack_syn(&last), OUT_HANDSHAKE_DONE);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < 10 && tcp_poll_at(bed->stack) == 0; i++) {
		struct tcp_event ev;

		while (tcp_next_event(bed->stack, &ev))
			;
		tcp_poll(bed->stack, &bed->env);
		tcp_check_invariants(bed->stack, &bed->env);
	}
	assert_int_equal(bed->ctr.SourceConns, 2999);
	/* Another prefix: counted anew. Off: not at all. */
	bed->tun.tcp_source_prefix4 = 16;
	tcp_bed_advance(bed, 1);
	tcp_bed_advance(bed, 10);
	assert_int_equal(bed->ctr.SourceConns, 2999);
	bed->tun.tcp_source_conns = 0;
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed->ctr.SourceConns, 0);
}

static int
listen_with(struct tcp_bed *bed, uint16_t port, uint32_t rate, uint32_t conns)
{
	const struct tcp_listen_params par = {
		.laddr_idx = -1,
		.port = port,
		.syncookies = -1,
		.source_syn_rate = rate,
		.source_conns = conns,
	};
	tcp_handle h;

	return tcp_listen(bed->stack, &bed->env, &par, &h);
}

static void
a_listener_may_have_limits_of_its_own(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_listener_info rows[3];
	struct bed_peer p;

	bed->tun.tcp_source_conns = 3;
	tcp_bed_listen(bed, 0);
	listen_with(bed, 81, 0, 1);
	listen_with(bed, 82, 2, 0);
	tcp_bed_advance(bed, 1);
	for (unsigned int i = 0; i < 4; i++)
		for (uint16_t port = 80; port <= 82; port++) {
			static const unsigned int places[3] = { 3, 1, 2 };
			enum outcome over = port == 82 ? OUT_SOURCE_RATE : OUT_SOURCE_CONNS;

			/* Each port has its own count. */
			bed_peer_init(&p, bed);
			p.key.lport = port;
			assert_int_equal(bed_peer_syn(&p),
				i < places[port - 80] ? OUT_SYN_QUEUED : over);
			tcp_bed_discard(bed);
		}
	assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, rows, 3), 3);
	assert_int_equal(rows[0].syn_drops_source, 1);
	assert_int_equal(rows[1].syn_drops_source, 3);
	assert_int_equal(rows[2].syn_drops_source, 2);
}

/* Flows of one source come to all workers: each holds its share, at least one. */
static void
a_worker_holds_its_share(void **state)
{
	static const struct {
		uint32_t limit, share;
	} rows[] = { { 8, 2 }, { 9, 3 }, { 2, 1 }, { 1, 1 } };
	struct tcp_bed *bed = *state;

	bed->par.workers = 4;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p[4];

		bed->tun.tcp_source_conns = rows[i].limit;
		tcp_bed_advance(bed, 1);
		for (unsigned int n = 0; n <= rows[i].share; n++) {
			bed_peer_init(&p[n], bed);
			assert_int_equal(bed_peer_syn(&p[n]),
				n < rows[i].share ? OUT_SYN_QUEUED : OUT_SOURCE_CONNS);
		}
		for (unsigned int n = 0; n < rows[i].share; n++)
			bed_peer_send(&p[n], TCP_RST, 0);
		tcp_bed_discard(bed);
	}
}

/*
 * More sources at once than there are buckets: those that come once are let pass, and who comes too
 * often is still found.
 */
static void
a_source_without_a_bucket_is_let_pass_and_counted(void **state)
{
	struct tcp_bed *bed = *state;
	char text[32];

	bed->tun.tcp_source_syn_rate = 4;
	/* One line of buckets. */
	bed->stack->source.rates.mask = 0;
	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SYN_QUEUED);
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "198.18.%u.1", i);
		assert_int_equal(syn_from(bed, text), OUT_SYN_QUEUED);
	}
	assert_in_range(bed->ctr.SourceRateUntracked, 1, 33);
	assert_int_equal(bed->ctr.SourceRateDrops, 0);
	assert_int_equal(syn_from(bed, "192.0.2.1"), OUT_SOURCE_RATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(syns_over_the_rate_of_their_prefix_are_dropped),
		BED_TEST(cookies_are_under_the_rate_too),
		BED_TEST(prefixes_are_as_long_as_tcp_source_prefix4_and_tcp_source_prefix6_say),
		BED_TEST(connections_of_a_prefix_are_counted_from_syn_to_end),
		BED_TEST(every_way_to_end_frees_the_place),
		BED_TEST(a_valid_cookie_over_the_limit_gets_a_reset),
		BED_TEST_PREPARED(what_was_open_before_the_limit_is_counted_when_it_is_set),
		BED_TEST(a_listener_may_have_limits_of_its_own),
		BED_TEST_PREPARED(a_worker_holds_its_share),
		BED_TEST(a_source_without_a_bucket_is_let_pass_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
