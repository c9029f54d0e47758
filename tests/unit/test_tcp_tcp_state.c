/* SPDX-License-Identifier: BSD-3-Clause */
/* The edges between the states of a connection (RFC 9293 figure 5), and what they count. */
#include "unit/tcp_unit.h"

/* In a frame of its own, since the assertion comes back by longjmp. */
static void
assert_refused(struct tcp_bed *bed, struct tcp_conn *c, enum tcp_state to)
{
	expect_assert_failure(tcp_set_state(bed->stack, c, to));
}

static void
only_the_edges_of_rfc9293_are_taken(void **state)
{
	/* LISTEN and TIME-WAIT are no states of a connection here. */
	static const struct {
		enum tcp_state from, to;
	} rows[] = {
		{ TCPS_CLOSED, TCPS_SYN_SENT },
		{ TCPS_CLOSED, TCPS_SYN_RECEIVED },
		{ TCPS_CLOSED, TCPS_ESTABLISHED },
		{ TCPS_SYN_SENT, TCPS_SYN_RECEIVED },
		{ TCPS_SYN_SENT, TCPS_ESTABLISHED },
		{ TCPS_SYN_SENT, TCPS_CLOSED },
		{ TCPS_SYN_RECEIVED, TCPS_ESTABLISHED },
		{ TCPS_SYN_RECEIVED, TCPS_FIN_WAIT_1 },
		{ TCPS_SYN_RECEIVED, TCPS_CLOSED },
		{ TCPS_ESTABLISHED, TCPS_FIN_WAIT_1 },
		{ TCPS_ESTABLISHED, TCPS_CLOSE_WAIT },
		{ TCPS_ESTABLISHED, TCPS_CLOSED },
		{ TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2 },
		{ TCPS_FIN_WAIT_1, TCPS_CLOSING },
		{ TCPS_FIN_WAIT_1, TCPS_CLOSED },
		{ TCPS_FIN_WAIT_2, TCPS_CLOSED },
		{ TCPS_CLOSE_WAIT, TCPS_LAST_ACK },
		{ TCPS_CLOSE_WAIT, TCPS_CLOSED },
		{ TCPS_CLOSING, TCPS_CLOSED },
		{ TCPS_LAST_ACK, TCPS_CLOSED },
	};
	struct tcp_bed *bed = *state;
	struct tcp_conn c = { .state = TCPS_CLOSED };

	bed->stack->env = &bed->env;
	for (unsigned int from = 0; from < TCP_STATE_COUNT; from++)
		for (unsigned int to = 0; to < TCP_STATE_COUNT; to++) {
			bool want = false;

			for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
				want |= rows[i].from == from && rows[i].to == to;
			c.state = (uint8_t)from;
			if (!want) {
				assert_refused(bed, &c, (enum tcp_state)to);
				continue;
			}
			tcp_set_state(bed->stack, &c, (enum tcp_state)to);
			assert_int_equal(c.state, to);
		}
}

static void
states_are_counted_and_currestab_is_established_and_close_wait(void **state)
{
	static const struct {
		enum tcp_state at;
		uint64_t estab;
	} rows[] = {
		{ TCPS_SYN_SENT, 0 },
		{ TCPS_SYN_RECEIVED, 0 },
		{ TCPS_ESTABLISHED, 1 },
		{ TCPS_FIN_WAIT_1, 0 },
		{ TCPS_FIN_WAIT_2, 0 },
		{ TCPS_CLOSE_WAIT, 1 },
		{ TCPS_CLOSING, 0 },
		{ TCPS_LAST_ACK, 0 },
		{ TCPS_TIME_WAIT, 0 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = bed->ctr.CurrEstab;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		assert_int_equal(bed->ctr.CurrEstab - before, rows[i].estab);
		assert_int_equal(bed->ctr.state_count[rows[i].at], 1);
		bed->tun.tcp_rfc1337 = 0;
		bed_peer_send(&p, TCP_RST | (rows[i].at == TCPS_SYN_SENT ? TCP_ACK : 0), 0);
		assert_int_equal(bed->ctr.state_count[rows[i].at], 0);
		assert_int_equal(bed->ctr.CurrEstab, before);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(only_the_edges_of_rfc9293_are_taken),
		BED_TEST(states_are_counted_and_currestab_is_established_and_close_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
