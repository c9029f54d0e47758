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

/* As in Linux's tcpi_retrans: the probe of a lost tail repairs nothing yet. */
static void
a_tail_probe_is_no_retransmission_in_flight(void **state)
{
	static const uint8_t data[5000];
	struct tcp_bed *bed = *state;
	struct tcp_details d;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_SACK_OK;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_cold(bed->stack, bed_peer_conn(&p))->srtt_us = 20000;
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0), 5000);
	tcp_bed_flush(bed);
	tcp_bed_advance(bed, 50);
	assert_int_equal(bed->ctr.TCPLossProbes, 1);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.retrans_segs, 0);
	/* The timeout sends the oldest again, which does. */
	tcp_bed_advance(bed, 4000);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	assert_int_equal(d.retrans_segs, 1);
	tcp_bed_discard(bed);
}

static struct tcp_notes
notes_of(struct bed_peer *p)
{
	struct tcp_details d;

	tcp_bed_flush(p->bed);
	tcp_bed_discard(p->bed);
	assert_int_equal(tcp_get_details(p->bed->stack, &p->bed->env, p->h, &d), 0);
	return d.row.notes;
}

/* All that was sent so far, or a part of it, after some time. */
static void
ack_after(struct bed_peer *p, uint32_t ms, uint32_t len)
{
	tcp_bed_flush(p->bed);
	tcp_bed_advance(p->bed, ms);
	bed_peer_saw(p, len);
	bed_peer_send(p, TCP_ACK, 0);
}

static void
write_bytes(struct bed_peer *p, size_t len, ptrdiff_t taken)
{
	static const uint8_t data[65536];

	assert_int_equal(tcp_send(p->bed->stack, &p->bed->env, p->h, data, len, 0), taken);
}

static void
time_is_told_apart_by_what_sending_waits_for(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_notes n;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.wnd = 2920;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	/* Three segments, and a window for two. */
	write_bytes(&p, 4380, 4380);
	p.wnd = 65535;
	ack_after(&p, 100, 2920);
	n = notes_of(&p);
	assert_int_equal(n.busy_us, 100000);
	assert_int_equal(n.rwnd_limited_us, 100000);
	/* The rest goes. */
	ack_after(&p, 50, 1460);
	n = notes_of(&p);
	assert_int_equal(n.busy_us, 150000);
	assert_int_equal(n.rwnd_limited_us, 100000);
	/* Idle time is none of these. All in flight and a writer refused: the buffer is short. */
	tcp_bed_advance(bed, 1000);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_SNDBUF, 4096);
	write_bytes(&p, 5000, 4096);
	ack_after(&p, 30, 4096);
	n = notes_of(&p);
	assert_int_equal(n.busy_us, 180000);
	assert_int_equal(n.rwnd_limited_us, 100000);
	assert_int_equal(n.sndbuf_limited_us, 30000);
	tcp_bed_advance(bed, 1000);
	assert_int_equal(notes_of(&p).busy_us, 180000);
}

static void
the_rate_of_delivery_is_the_paths_or_marked_as_the_owners(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_notes n;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(notes_of(&p).rate_us, 0);
	/* All of it fits into the window: the path may be able to do more. */
	write_bytes(&p, 8760, 8760);
	ack_after(&p, 100, 8760);
	n = notes_of(&p);
	assert_int_equal(n.rate_segs, 6);
	assert_int_equal(n.rate_us, 100000);
	assert_false(n.is_rate_full);
	/* Less than that tells nothing new. */
	write_bytes(&p, 1460, 1460);
	ack_after(&p, 100, 1460);
	assert_int_equal(notes_of(&p).rate_segs, 6);
	/* More than the window: what goes with the first ACK is sent as the path allows. */
	write_bytes(&p, 43800, 43800);
	for (unsigned int i = 0; i < 4; i++)
		ack_after(&p, 100, 8760);
	n = notes_of(&p);
	assert_true(n.is_rate_full);
	assert_int_equal(n.rate_segs, 18);
	assert_int_equal(n.rate_us, 300000);
}

static void
see_all(struct bed_peer *p)
{
	tcp_bed_flush(p->bed);
	while (bed_peer_sent(p)[0] != '\0')
		continue;
}

static void
a_receiver_measures_by_the_echo_of_full_segments(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	write_bytes(&p, 100, 100);
	see_all(&p);
	bed_peer_saw(&p, 100);
	tcp_bed_advance(bed, 50);
	/* A short one tells nothing, its peer may have waited. */
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 10);
	assert_int_equal(notes_of(&p).rcv_rtt_us8 >> 3, 0);
	write_bytes(&p, 100, 100);
	see_all(&p);
	tcp_bed_advance(bed, 50);
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 1448);
	assert_int_equal(notes_of(&p).rcv_rtt_us8 >> 3, 50000);
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
		BED_TEST(a_tail_probe_is_no_retransmission_in_flight),
		BED_TEST(time_is_told_apart_by_what_sending_waits_for),
		BED_TEST(the_rate_of_delivery_is_the_paths_or_marked_as_the_owners),
		BED_TEST(a_receiver_measures_by_the_echo_of_full_segments),
		BED_TEST(a_handle_that_is_gone_has_no_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
