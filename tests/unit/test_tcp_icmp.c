/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors: which are believed, and what they may end. */
#include "unit/tcp_unit.h"

#include "tcp/tcp_int.h"

static enum outcome
hear(struct bed_peer *p, enum icmp_report_kind kind, int err, uint32_t seq)
{
	struct tcp_bed *bed = p->bed;
	const struct icmp_report report = {
		.key = p->key,
		.seq = seq,
		.err = err,
		.kind = (uint8_t)kind,
	};
	uint64_t used = bed->ctr.outcome[OUT_ICMP_ERROR_USED];
	uint64_t stray = bed->ctr.outcome[OUT_ICMP_ERROR_STRAY];

	tcp_icmp_input(bed->stack, &bed->env, &report);
	tcp_bed_flush(bed);
	assert_int_equal(bed->ctr.outcome[OUT_ICMP_ERROR_USED] +
			bed->ctr.outcome[OUT_ICMP_ERROR_STRAY], used + stray + 1);
	return bed->ctr.outcome[OUT_ICMP_ERROR_USED] > used ? OUT_ICMP_ERROR_USED :
							      OUT_ICMP_ERROR_STRAY;
}

static void
send_bytes(struct bed_peer *p, size_t len)
{
	static const uint8_t data[20000];
	struct tcp_bed *bed = p->bed;

	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, len, 0), (ptrdiff_t)len);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
}

/* The error with which the owner's connection ended; 0: it lives. */
static int
ended_with(struct bed_peer *p)
{
	int err = 0;

	tcp_bed_events(p->bed, p->h, &err);
	return err;
}

static void
r9293_shld26_icmp_hard_ends_an_opening(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_SENT);
	assert_int_equal(hear(&p, ICMP_REPORT_HARD, ECONNREFUSED, p.iss + 1), OUT_ICMP_ERROR_STRAY);
	assert_int_equal(hear(&p, ICMP_REPORT_HARD, ECONNREFUSED, p.iss), OUT_ICMP_ERROR_USED);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(ended_with(&p), -ECONNREFUSED);
}

/* RFC 9293 MUST-56, and A-26: nothing aborts what is open, or opening with a soft error. */
static void
r9293_must56_icmp_soft_aborts_nothing(void **state)
{
	static const enum tcp_state states[] = { TCPS_SYN_SENT, TCPS_ESTABLISHED, TCPS_CLOSE_WAIT };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, states[i]);
		if (states[i] != TCPS_SYN_SENT)
			send_bytes(&p, 100);
		assert_int_equal(hear(&p, ICMP_REPORT_SOFT, EHOSTUNREACH,
					 bed_peer_conn(&p)->snd_una), OUT_ICMP_ERROR_USED);
		if (states[i] != TCPS_SYN_SENT)
			assert_int_equal(hear(&p, ICMP_REPORT_HARD, ECONNREFUSED,
						 bed_peer_conn(&p)->snd_una), OUT_ICMP_ERROR_USED);
		assert_int_equal(bed_peer_state(&p), states[i]);
		tcp_bed_discard(bed);
	}
}

static void
r9293_shld25_icmp_soft_is_the_reason_given_at_the_end(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_retries2 = 2;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	send_bytes(&p, 100);
	tcp_bed_advance(bed, 1500);
	assert_int_equal(hear(&p, ICMP_REPORT_SOFT, ENETUNREACH, bed_peer_conn(&p)->snd_una),
		OUT_ICMP_ERROR_USED);
	tcp_bed_advance(bed, 60000);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(ended_with(&p), -ENETUNREACH);
	tcp_bed_discard(bed);
}

static void
trouble_that_went_by_is_not_blamed_later(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_retries2 = 2;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	send_bytes(&p, 100);
	hear(&p, ICMP_REPORT_SOFT, ENETUNREACH, bed_peer_conn(&p)->snd_una);
	bed_peer_send_at(&p, 0, 100, TCP_ACK, 0);
	bed_peer_saw(&p, 100);
	send_bytes(&p, 100);
	tcp_bed_advance(bed, 60000);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(ended_with(&p), -ETIMEDOUT);
	tcp_bed_discard(bed);
}

/* only the bytes in flight can be quoted. */
static void
a26_quoted_number_must_be_in_flight(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, other;
	uint32_t una;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	una = bed_peer_conn(&p)->snd_una;
	assert_int_equal(hear(&p, ICMP_REPORT_SOFT, EHOSTUNREACH, una), OUT_ICMP_ERROR_STRAY);
	send_bytes(&p, 100);
	assert_int_equal(hear(&p, ICMP_REPORT_SOFT, EHOSTUNREACH, una - 1), OUT_ICMP_ERROR_STRAY);
	assert_int_equal(hear(&p, ICMP_REPORT_SOFT, EHOSTUNREACH, una + 100), OUT_ICMP_ERROR_STRAY);
	assert_int_equal(bed->ctr.OutOfWindowIcmps, 3);
	assert_int_equal(hear(&p, ICMP_REPORT_SOFT, EHOSTUNREACH, una + 99), OUT_ICMP_ERROR_USED);
	/* Nobody's, a half-open one's, one's that is over. */
	bed_peer_init(&other, bed);
	assert_int_equal(hear(&other, ICMP_REPORT_HARD, ECONNREFUSED, 1), OUT_ICMP_ERROR_STRAY);
	bed_peer_syn(&other);
	assert_int_equal(hear(&other, ICMP_REPORT_HARD, ECONNREFUSED, other.iss),
		OUT_ICMP_ERROR_STRAY);
	assert_int_equal(bed_peer_state(&other), TCPS_SYN_RECEIVED);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(r9293_shld26_icmp_hard_ends_an_opening),
		BED_TEST(r9293_must56_icmp_soft_aborts_nothing),
		BED_TEST(r9293_shld25_icmp_soft_is_the_reason_given_at_the_end),
		BED_TEST(trouble_that_went_by_is_not_blamed_later),
		BED_TEST(a26_quoted_number_must_be_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
