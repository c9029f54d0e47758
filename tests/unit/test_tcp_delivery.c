/* SPDX-License-Identifier: BSD-3-Clause */
/* The delivery rate that listings show: measured over round trips, kept as Linux keeps it. */
#include "unit/tcp_unit.h"

#define MSS 1460u

static void
open_one(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p->h, NULL);
}

static uint64_t
rate_of(const struct bed_peer *p)
{
	struct tcp_details d;

	assert_int_equal(tcp_get_details(p->bed->stack, &p->bed->env, p->h, &d), 0);
	return d.row.delivery_rate;
}

static void
write_segments(struct bed_peer *p, unsigned int n)
{
	static const uint8_t data[64 * MSS];
	struct tcp_bed *bed = p->bed;

	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, n * MSS, 0), n * MSS);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
}

/* The peer has got so many bytes, all in all. */
static void
ack(struct bed_peer *p, uint32_t bytes)
{
	bed_peer_send_at(p, 0, (int32_t)bytes, TCP_ACK, 0);
}

/* Ten segments go at once, and all of them are acknowledged 20 ms later: 730,000 bytes/s. */
static void
a_window_and_its_ack_make_a_rate(void **state)
{
	struct bed_peer p;

	open_one(&p, *state);
	assert_int_equal(rate_of(&p), 0);
	write_segments(&p, 10);
	assert_int_equal(rate_of(&p), 0);
	tcp_bed_advance(p.bed, 20);
	ack(&p, 10 * MSS);
	assert_int_equal(rate_of(&p), 730000);
}

/* The pipe is never empty: from one ACK to that of all that was in flight then. */
static void
a_full_pipe_is_measured_from_ack_to_ack(void **state)
{
	struct bed_peer p;

	open_one(&p, *state);
	write_segments(&p, 8);
	for (unsigned int i = 1; i <= 20; i++) {
		tcp_bed_advance(p.bed, 10);
		ack(&p, 2 * i * MSS);
		write_segments(&p, 2);
	}
	/* Two segments in 10 ms. */
	assert_int_equal(rate_of(&p), 200 * MSS);
}

/* A slow answer of an owner with no more to send says nothing about the path; a fast one does. */
static void
what_the_owner_held_back_is_kept_only_if_faster(void **state)
{
	struct bed_peer p;

	open_one(&p, *state);
	write_segments(&p, 4);
	tcp_bed_advance(p.bed, 20);
	ack(&p, 4 * MSS);
	write_segments(&p, 2);
	tcp_bed_advance(p.bed, 20);
	ack(&p, 6 * MSS);
	assert_int_equal(rate_of(&p), 200 * MSS);
	write_segments(&p, 10);
	tcp_bed_advance(p.bed, 20);
	ack(&p, 16 * MSS);
	assert_int_equal(rate_of(&p), 500 * MSS);
}

/* Requests of a segment each are no measure, and pay for none. */
static void
single_segments_leave_it_alone(void **state)
{
	struct bed_peer p;

	open_one(&p, *state);
	for (unsigned int i = 1; i <= 5; i++) {
		write_segments(&p, 1);
		tcp_bed_advance(p.bed, 5);
		ack(&p, i * MSS);
	}
	assert_int_equal(rate_of(&p), 0);
	assert_false(tcp_cold(p.bed->stack, bed_peer_conn(&p))->is_timed);
}

/* Who gets the slot next begins without one. */
static void
a_rate_ends_with_its_connection(void **state)
{
	struct bed_peer p, q;

	open_one(&p, *state);
	write_segments(&p, 10);
	tcp_bed_advance(p.bed, 20);
	ack(&p, 10 * MSS);
	assert_int_not_equal(rate_of(&p), 0);
	tcp_abort(p.bed->stack, &p.bed->env, p.h);
	tcp_bed_discard(p.bed);
	tcp_bed_events(p.bed, p.h, NULL);
	open_one(&q, *state);
	assert_int_equal((uint32_t)q.h, (uint32_t)p.h);
	assert_int_equal(rate_of(&q), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_window_and_its_ack_make_a_rate),
		BED_TEST(a_full_pipe_is_measured_from_ack_to_ack),
		BED_TEST(what_the_owner_held_back_is_kept_only_if_faster),
		BED_TEST(single_segments_leave_it_alone),
		BED_TEST(a_rate_ends_with_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
