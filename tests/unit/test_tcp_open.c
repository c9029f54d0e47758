/* SPDX-License-Identifier: BSD-3-Clause */
/* Active open, and whose a connection is. */
#include "unit/tcp_unit.h"

static void
what_cannot_be_connected_to_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	tcp_handle h;

	bed_peer_init(&p, bed);
	p.key.rport = 0;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EINVAL);
	bed_peer_init(&p, bed);
	p.key.laddr_idx = 3;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EINVAL);
	bed_peer_init(&p, bed);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), 0);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EADDRINUSE);
	tcp_bed_discard(bed);
}

static void
without_a_slot_an_open_is_refused_and_leaves_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	tcp_handle h, first;

	bed->par.conns_max = 1;
	tcp_bed_start(bed);
	bed_peer_init(&p, bed);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &first), 0);
	p.key.lport++;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -ENOBUFS);
	assert_int_equal(tcp_bed_discard(bed), 1);
	assert_int_equal(bed->ctr.ConnAllocFails, 1);
	tcp_abort(bed->stack, &bed->env, first);
	tcp_bed_events(bed, first, NULL);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), 0);
	tcp_bed_discard(bed);
}

static void
events_carry_what_the_owner_set(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_event ev;
	struct bed_peer p;
	int one, two;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p.h, NULL);
	assert_int_equal(tcp_set_owner(bed->stack, p.h, &one, &two), 0);
	bed_peer_send(&p, TCP_ACK, 1);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_ptr_equal(ev.data, &one);
	assert_ptr_equal(ev.ops, &two);
	assert_int_equal(tcp_set_owner(bed->stack, p.h, &two, NULL), 0);
	bed_peer_send(&p, TCP_ACK, 1);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_ptr_equal(ev.data, &two);
	assert_ptr_equal(ev.ops, &two);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(what_cannot_be_connected_to_is_refused),
		BED_TEST_PREPARED(without_a_slot_an_open_is_refused_and_leaves_nothing),
		BED_TEST(events_carry_what_the_owner_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
