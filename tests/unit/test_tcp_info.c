/* SPDX-License-Identifier: BSD-3-Clause */
/* The details of one connection: what the owner of it and a tool may rely on. */
#include "unit/tcp_unit.h"

static void
a_fresh_connection_has_what_the_handshake_agreed_on(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_details d;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
	p.wscale = 3;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_get_details(bed->stack, &bed->env, p.h, &d), 0);
	assert_int_equal(d.row.state, TCPS_ESTABLISHED);
	assert_int_equal(d.ca_state, TCP_CA_OPEN);
	assert_true(d.has_ts && d.has_sack && d.has_wscale);
	assert_int_equal(d.snd_wscale, 3);
	assert_int_equal(d.row.mss, 1448);
	assert_int_equal(d.peer_mss, 1460);
	assert_int_equal(d.unacked_segs, 0);
	assert_int_equal(d.snd_una - d.iss, 1);
	assert_int_equal(d.rcv_nxt - d.irs, 1);
}

static void
segments_in_flight_are_counted_and_loss_is_named(void **state)
{
	static const uint8_t data[5000];
	struct tcp_bed *bed = *state;
	struct tcp_details d;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0), 5000);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.unacked_segs, 4);
	assert_int_equal(d.write_seq - d.snd_una, 5000);
	bed_peer_send(&p, TCP_ACK, 0);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.ca_state, TCP_CA_DISORDER);
	bed_peer_send(&p, TCP_ACK, 0);
	bed_peer_send(&p, TCP_ACK, 0);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.ca_state, TCP_CA_RECOVERY);
	tcp_bed_advance(bed, 4000);
	tcp_bed_discard(bed);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.ca_state, TCP_CA_LOSS);
	assert_true(d.rexmits > 0);
}

static void
a_handle_that_is_gone_has_no_details(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_details d;

	assert_int_equal(tcp_get_details(bed->stack, &bed->env, 12345, &d), -EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_fresh_connection_has_what_the_handshake_agreed_on),
		BED_TEST(segments_in_flight_are_counted_and_loss_is_named),
		BED_TEST(a_handle_that_is_gone_has_no_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
