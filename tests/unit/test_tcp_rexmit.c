/* SPDX-License-Identifier: BSD-3-Clause */
/* Retransmission by time, zero-window probes, and giving up. */
#include "unit/tcp_unit.h"

static void
send_bytes(struct bed_peer *p, size_t len)
{
	static const uint8_t data[20000];
	struct tcp_bed *bed = p->bed;

	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, len, 0), (ptrdiff_t)len);
	tcp_bed_flush(bed);
}

/* A connection whose RTO is 1 s: no round trip was measured yet. */
static void
open_unmeasured(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_cold(bed->stack, bed_peer_conn(p))->srtt_us = 0;
	tcp_cold(bed->stack, bed_peer_conn(p))->rto_ms = TCP_RTO_INIT_MS;
}

static void
data_is_sent_again_at_the_timeout_and_each_time_after_twice_as_long(void **state)
{
	static const uint32_t rows_s[] = { 1, 2, 4, 8, 16, 32, 64, 120, 120 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	send_bytes(&p, 100);
	assert_sent(&p, "PA 1+100 ack 1");
	for (size_t i = 0; i < ARRAY_SIZE(rows_s); i++) {
		tcp_bed_advance(bed, rows_s[i] * 1000 - 1);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "PA 1+100 ack 1");
		assert_sent(&p, "");
	}
	assert_int_equal(bed->ctr.RetransSegs, ARRAY_SIZE(rows_s));
	bed_peer_send_at(&p, 0, 100, TCP_ACK, 0);
	bed_peer_saw(&p, 100);
	tcp_bed_advance(bed, 600000);
	assert_sent(&p, "");
}

static void
the_timer_runs_from_the_last_progress(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	send_bytes(&p, 1460);
	tcp_bed_advance(bed, 300);
	send_bytes(&p, 1460);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 300);
	tcp_cold(bed->stack, bed_peer_conn(&p))->srtt_us = 500000;
	bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
	tcp_bed_advance(bed, tcp_cold(bed->stack, bed_peer_conn(&p))->rto_ms - 1);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "PA 1461+1460 ack 1");
}

/* RFC 5681 s3.1: one segment, and half of what was in flight is the new threshold. */
static void
a_timeout_starts_over_with_one_segment(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	open_unmeasured(&p, bed);
	c = bed_peer_conn(&p);
	send_bytes(&p, 10 * 1460);
	assert_int_equal(tcp_bed_discard(bed), 10);
	tcp_bed_advance(bed, 1000);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "");
	assert_int_equal(c->cwnd, 1460);
	assert_int_equal(tcp_cold(bed->stack, c)->ssthresh, 7 * 1460);
	/* Again: the threshold fell once for this flight. */
	tcp_bed_advance(bed, 2000);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_int_equal(tcp_cold(bed->stack, c)->ssthresh, 7 * 1460);
	bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
	/* In a row, as they went at first. */
	assert_sent(&p, "A 1461+1460 ack 1");
	assert_sent(&p, "PA 2921+1460 ack 1");
	assert_sent(&p, "");
}

static void
connections_are_given_up_after_their_number_of_tries(void **state)
{
	/* retries: the tunable; sends: data sent again before the end. */
	static const struct {
		uint32_t retries;
		unsigned int sends;
	} rows[] = { { 0, 0 }, { 1, 1 }, { 3, 3 }, { 15, 15 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t wait_ms = 1000;
		struct bed_peer p;
		int err = 0;

		bed->tun.tcp_retries2 = rows[i].retries;
		open_unmeasured(&p, bed);
		send_bytes(&p, 1);
		tcp_bed_discard(bed);
		for (unsigned int j = 0; j < rows[i].sends; j++) {
			tcp_bed_advance(bed, wait_ms);
			assert_sent(&p, "PA 1+1 ack 1");
			wait_ms = min_u32(2 * wait_ms, 120000);
		}
		tcp_bed_advance(bed, wait_ms - 1);
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
		tcp_bed_advance(bed, 1);
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
		assert_sent(&p, "");
		assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
		assert_int_equal(err, -ETIMEDOUT);
		assert_int_equal(bed->ctr.TCPAbortOnTimeout, i + 1);
	}
}

static void
an_orphans_fin_is_repeated_eight_times_or_as_tcp_orphan_retries_says(void **state)
{
	static const struct {
		uint32_t tunable;
		unsigned int sends;
	} rows[] = { { 0, 8 }, { 1, 1 }, { 3, 3 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed->tun.tcp_orphan_retries = rows[i].tunable;
		open_unmeasured(&p, bed);
		assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
		tcp_bed_flush(bed);
		assert_sent(&p, "FA 1+0 ack 1");
		tcp_bed_advance(bed, 3600000);
		for (unsigned int j = 0; j < rows[i].sends; j++)
			assert_sent(&p, "FA 1+0 ack 1");
		assert_sent(&p, "");
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
		assert_int_equal(bed->ctr.Orphans, 0);
	}
}

static void
a_user_timeout_replaces_the_count(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	assert_int_equal(
		tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, 5000), 0);
	send_bytes(&p, 1);
	/* From the first repetition, after 1 s; not when another comes, after 3 and 7 s. */
	tcp_bed_advance(bed, 1000 + 4999);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	tcp_bed_discard(bed);
}

/* As Linux: shorter than a timeout, it still lets one lost packet be repaired. */
static void
a_user_timeout_allows_one_repetition(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	assert_int_equal(
		tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, 300), 0);
	send_bytes(&p, 1);
	tcp_bed_advance(bed, 1000);
	assert_sent(&p, "PA 1+1 ack 1");
	tcp_bed_advance(bed, 299);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	tcp_bed_discard(bed);
}

/* The time without progress starts again with each progress. */
static void
progress_starts_the_user_timeout_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	assert_int_equal(
		tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, 5000), 0);
	send_bytes(&p, 2);
	tcp_bed_advance(bed, 1000 + 4999);
	tcp_bed_discard(bed);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	/* The timeout was doubled twice, and nothing has measured the path since. */
	tcp_bed_advance(bed, 4000 + 4999);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	tcp_bed_discard(bed);
}

/* --- the closed window ----------------------------------------------------------------------- */

/* Data waits for a window that the peer closed. */
static void
wait_for_window(struct bed_peer *p, struct tcp_bed *bed)
{
	open_unmeasured(p, bed);
	p->wnd = 0;
	bed_peer_send_at(p, 0, 0, TCP_ACK, 0);
	send_bytes(p, 100);
	assert_sent(p, "");
}

static void
a_closed_window_is_probed_and_its_opening_believed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	wait_for_window(&p, bed);
	tcp_bed_advance(bed, 999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 0+0 ack 1");
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	tcp_bed_advance(bed, 1999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 0+0 ack 1");
	assert_int_equal(bed->ctr.TCPWinProbe, 2);
	p.wnd = 1000;
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "PA 1+100 ack 1");
	/* It is timed as any data, from the start. */
	tcp_bed_advance(bed, 999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "PA 1+100 ack 1");
}

/* RFC 9293 s3.8.6.1: as long as it answers. */
static void
a_peer_that_answers_probes_may_keep_its_window_closed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int probes = 0;

	bed->tun.tcp_retries2 = 3;
	wait_for_window(&p, bed);
	for (unsigned int i = 0; i < 2000; i++) {
		tcp_bed_advance(bed, 1000);
		for (; tcp_bed_discard(bed) > 0; probes++)
			bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	}
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_in_range(probes, 16, 30);
}

/* ... unless the owner has set a time: data untransmitted counts as no progress, too. */
static void
a_user_timeout_ends_a_window_that_stays_closed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	wait_for_window(&p, bed);
	assert_int_equal(
		tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, 6000), 0);
	/* From the first probe, after 1 s. */
	for (unsigned int i = 0; i < 1000 + 5999; i++) {
		tcp_bed_advance(bed, 1);
		if (tcp_bed_discard(bed) > 0)
			bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	}
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(tcp_bed_discard(bed), 0);
}

static void
a_peer_that_answers_no_probe_is_given_up(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_retries2 = 3;
	wait_for_window(&p, bed);
	tcp_bed_advance(bed, 1000 + 2000 + 4000 + 7999);
	assert_int_equal(tcp_bed_discard(bed), 3);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

/* A closed window may not hold an orphan for ever (tcp_orphan_retries ends it). */
static void
an_orphan_is_given_up_even_if_its_probes_are_answered(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	wait_for_window(&p, bed);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
	for (unsigned int i = 0; i < 1000 && bed_peer_state(&p) != TCPS_CLOSED; i++) {
		tcp_bed_advance(bed, 1000);
		while (tcp_bed_discard(bed) > 0 && bed_peer_state(&p) != TCPS_CLOSED)
			bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	}
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

/* RFC 9293 s3.8.6.2.1: less than half the largest window waits for the override timeout. */
static void
a_window_too_small_to_be_worth_it_is_used_after_the_timeout(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	p.wnd = 50;
	bed_peer_send_at(&p, 1, 0, TCP_ACK, 0);
	send_bytes(&p, 2000);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "PA 1+50 ack 1");
	assert_sent(&p, "");
}

static void
without_packets_data_is_sent_again_a_little_later(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_unmeasured(&p, bed);
	send_bytes(&p, 100);
	/* The port still holds the first one: a copy is needed, and there is no packet for it. */
	bed->pkts.fail_nth = 1;
	tcp_bed_advance(bed, 1000);
	assert_int_equal(bed->tx.count, 1);
	assert_int_equal(bed->ctr.TCPRetransFail, 1);
	tcp_bed_advance(bed, 10);
	assert_int_equal(bed->tx.count, 2);
	assert_sent(&p, "PA 1+100 ack 1");
	assert_sent(&p, "PA 1+100 ack 1");
	assert_memory_equal(bed->sent.data, (uint8_t[100]){ 0 }, 100);
}

/* Whether the packet that went out last tells IP to look for the way. */
static bool
tells_ip(const struct tcp_bed *bed)
{
	return (bed->tx.pkts[bed->tx.count - 1]->app.flags & PKT_F_REASK) != 0;
}

static void
ip_is_told_from_tcp_retries1_on_and_no_more_after_an_answer(void **state)
{
	static const uint32_t retries[] = { 3, 1, 0 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(retries); i++) {
		uint32_t wait_ms = 1000;
		struct bed_peer p;

		bed->tun.tcp_retries1 = retries[i];
		open_unmeasured(&p, bed);
		send_bytes(&p, 100);
		assert_false(tells_ip(bed));
		tcp_bed_discard(bed);
		for (uint32_t n = 1; n <= 5; n++, wait_ms *= 2) {
			tcp_bed_advance(bed, wait_ms);
			assert_int_equal(tells_ip(bed), n >= retries[i]);
			assert_int_equal(tcp_bed_discard(bed), 1);
		}
		bed_peer_saw(&p, 100);
		bed_peer_send(&p, TCP_ACK, 0);
		send_bytes(&p, 100);
		assert_false(tells_ip(bed));
		tcp_bed_discard(bed);
		bed_peer_saw(&p, 100);
		bed_peer_send(&p, TCP_ACK, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(data_is_sent_again_at_the_timeout_and_each_time_after_twice_as_long),
		BED_TEST(the_timer_runs_from_the_last_progress),
		BED_TEST(a_timeout_starts_over_with_one_segment),
		BED_TEST(connections_are_given_up_after_their_number_of_tries),
		BED_TEST(an_orphans_fin_is_repeated_eight_times_or_as_tcp_orphan_retries_says),
		BED_TEST(a_user_timeout_replaces_the_count),
		BED_TEST(a_user_timeout_allows_one_repetition),
		BED_TEST(progress_starts_the_user_timeout_again),
		BED_TEST(a_closed_window_is_probed_and_its_opening_believed),
		BED_TEST(a_peer_that_answers_probes_may_keep_its_window_closed),
		BED_TEST(a_user_timeout_ends_a_window_that_stays_closed),
		BED_TEST(a_peer_that_answers_no_probe_is_given_up),
		BED_TEST(an_orphan_is_given_up_even_if_its_probes_are_answered),
		BED_TEST(a_window_too_small_to_be_worth_it_is_used_after_the_timeout),
		BED_TEST(without_packets_data_is_sent_again_a_little_later),
		BED_TEST(ip_is_told_from_tcp_retries1_on_and_no_more_after_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
