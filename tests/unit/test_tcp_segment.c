/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of RFC 9293 s3.10.7.4 come in their order: what one stops, no later one does. */
#include "unit/tcp_unit.h"

static const enum tcp_state synchronised[] = { TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2,
	TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK };

/* Sequence before RST, RST before SYN, SYN before ACK, ACK before text. */
static void
the_first_step_that_objects_decides(void **state)
{
	static const struct {
		int32_t seq, ack;
		uint16_t flags, len;
		enum outcome want;
	} rows[] = {
		{ 1000000, 1, TCP_ACK | TCP_RST, 10, OUT_RST_IGNORED },
		{ 1000000, 1, TCP_ACK | TCP_FIN, 10, OUT_OUT_OF_WINDOW },
		{ 1, 1, TCP_ACK | TCP_RST | TCP_SYN, 0, OUT_CHALLENGE_RST },
		{ 0, 1, TCP_ACK | TCP_SYN | TCP_FIN, 10, OUT_CHALLENGE_SYN },
		{ 0, 100, TCP_ACK | TCP_FIN, 10, OUT_BAD_ACK },
		{ 0, 0, TCP_FIN, 10, OUT_NO_ACK_FLAG },
	};
	struct tcp_bed *bed = *state;

	for (size_t s = 0; s < ARRAY_SIZE(synchronised); s++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, synchronised[s]);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct tcp_conn before = *bed_peer_conn(&p);

			assert_int_equal(bed_peer_send_at(&p, rows[i].seq, rows[i].ack,
				rows[i].flags, rows[i].len), rows[i].want);
			assert_int_equal(bed_peer_state(&p), synchronised[s]);
			assert_int_equal(bed_peer_conn(&p)->rcv_nxt, before.rcv_nxt);
			assert_int_equal(bed_peer_conn(&p)->snd_una, before.snd_una);
		}
		tcp_bed_discard(bed);
	}
}

static void
one_segment_may_acknowledge_bring_data_and_end(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, "12345", 5, 0);
	tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_WR);
	tcp_bed_flush(bed);
	assert_sent(&p, "FPA 1+5 ack 1");
	assert_int_equal(
		bed_peer_send_at(&p, 0, 6, TCP_ACK | TCP_FIN | TCP_PSH, 100), OUT_DELIVERED);
	assert_sent(&p, "A 7+0 ack 102");
	assert_sent(&p, "");
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 100);
}

/* A peer that says nothing new after its FIN costs nothing, whatever the state. */
static void
pure_acks_are_accepted_in_every_state(void **state)
{
	struct tcp_bed *bed = *state;

	for (size_t s = 0; s < ARRAY_SIZE(synchronised); s++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, synchronised[s]);
		assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 0), OUT_PURE_ACK);
		assert_int_equal(bed_peer_state(&p), synchronised[s]);
		assert_sent(&p, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_first_step_that_objects_decides),
		BED_TEST(one_segment_may_acknowledge_bring_data_and_end),
		BED_TEST(pure_acks_are_accepted_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
