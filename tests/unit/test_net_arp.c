/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP: who is answered, who is believed, when we ask and when we give up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"
#include "net/arp.h"

#define REQUEST 1
#define REPLY 2

static struct net_bed bed;

static int
setup(void **state)
{
	(void)state;
	net_bed_init(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	return 0;
}

/* An ARP frame from sha/spa about tpa, to us or (a request) to everybody. */
static unsigned int
hear(uint16_t op, const uint8_t *sha, const char *spa, const char *tpa)
{
	struct frame f;

	frame_eth(&f, op == REQUEST ? BROADCAST_MAC : OUR_MAC, sha, 0x0806);
	frame_arp(&f, op, sha, spa, op == REQUEST ? NO_MAC : OUR_MAC, tpa);
	return net_bed_input(&bed, &f);
}

/* The oldest frame we sent is that ARP message to that Ethernet address, and nothing else. */
static void
check_sent_arp(const uint8_t *to, uint16_t op, const char *spa, const uint8_t *tha, const char *tpa)
{
	struct frame got;
	struct frame want;

	assert_true(net_bed_sent(&bed, &got));
	frame_eth(&want, to, OUR_MAC, 0x0806);
	frame_arp(&want, op, OUR_MAC, spa, tha, tpa);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.b, want.b, want.len);
}

static const struct neigh *
entry(const char *text)
{
	struct ip_addr a = net_bed_addr(text);

	return neigh_find(&bed.net.neigh, &a);
}

static void
check_state(const char *text, enum neigh_state state, const uint8_t *mac)
{
	assert_non_null(entry(text));
	assert_int_equal(entry(text)->state, state);
	assert_memory_equal(entry(text)->mac.b, mac, 6);
}

/* Resolve the peer in the regular way. */
static void
resolve(const char *ip, const uint8_t *mac)
{
	net_bed_output(&bed, ip, 10);
	assert_int_equal(hear(REPLY, mac, ip, OUR_IP), OUT_ARP_CONSUMED);
	net_bed_discard(&bed);
	check_state(ip, NEIGH_REACHABLE, mac);
}

static void
request_for_our_address_is_answered(void **state)
{
	(void)state;
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	check_sent_arp(PEER_MAC, REPLY, OUR_IP, PEER_MAC, PEER_IP);
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP_2), OUT_ARP_CONSUMED);
	check_sent_arp(PEER_MAC, REPLY, OUR_IP_2, PEER_MAC, PEER_IP);
	assert_int_equal(bed.ctr.ArpInRequests, 2);
	assert_int_equal(bed.ctr.ArpOutReplies, 2);
	assert_int_equal(bed.tx.count, 0);
}

static void
padding_of_a_request_is_not_sent_back(void **state)
{
	struct frame f;

	(void)state;
	frame_eth(&f, BROADCAST_MAC, PEER_MAC, 0x0806);
	frame_arp(&f, REQUEST, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);
	frame_data(&f, NULL, 18);
	net_bed_input(&bed, &f);
	check_sent_arp(PEER_MAC, REPLY, OUR_IP, PEER_MAC, PEER_IP);
}

static void
probe_for_our_address_is_answered_and_teaches_nothing(void **state)
{
	(void)state;
	assert_int_equal(hear(REQUEST, PEER_MAC, "0.0.0.0", OUR_IP), OUT_ARP_CONSUMED);
	check_sent_arp(PEER_MAC, REPLY, OUR_IP, PEER_MAC, "0.0.0.0");
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
}

static void
request_for_somebody_else_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, "10.0.0.3"), OUT_ARP_NOT_US);
	assert_int_equal(bed.tx.count, 0);
	assert_null(entry(PEER_IP));
}

static void
only_the_primary_worker_answers_but_all_learn(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.primary = false;
	net_bed_start(&bed);
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	assert_int_equal(bed.tx.count, 0);
	check_state(PEER_IP, NEIGH_STALE, PEER_MAC);
	assert_int_equal(hear(REQUEST, EVIL_MAC, OUR_IP, OUR_IP), OUT_ARP_CONFLICT);
	assert_int_equal(bed.tx.count, 0);
}

static void
answer_without_room_is_dropped_and_counted(void **state)
{
	(void)state;
	bed.tx.count = PKT_TXQ_CAP;
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP), OUT_NO_BUFFER);
	bed.tx.count = 0;
}

static void
packets_wait_for_the_answer_and_leave_in_order(void **state)
{
	struct frame f;

	(void)state;
	net_bed_output(&bed, PEER_IP, 100);
	net_bed_output(&bed, PEER_IP, 101);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(hear(REPLY, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	check_state(PEER_IP, NEIGH_REACHABLE, PEER_MAC);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(net_bed_sent(&bed, &f));
		assert_int_equal(f.len, 14 + 20 + 100 + i);
		assert_memory_equal(f.b, PEER_MAC, 6);
		assert_memory_equal(f.b + 6, OUR_MAC, 6);
	}
	assert_int_equal(bed.tx.count, 0);
}

static void
answer_without_room_for_what_waited_drops_it(void **state)
{
	(void)state;
	net_bed_output(&bed, PEER_IP, 100);
	net_bed_output(&bed, PEER_IP, 101);
	net_bed_discard(&bed);
	bed.tx.count = PKT_TXQ_CAP - 1;
	assert_int_equal(hear(REPLY, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	assert_int_equal(bed.tx.count, PKT_TXQ_CAP);
	assert_int_equal(bed.ctr.OutDiscards, 1);
	pkt_free(bed.env.pool, bed.tx.pkts[PKT_TXQ_CAP - 1]);
	bed.tx.count = 0;
}

static void
question_comes_from_the_address_of_the_same_prefix(void **state)
{
	(void)state;
	net_bed_output(&bed, "192.168.7.9", 10);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP_2, NO_MAC, "192.168.7.9");
	net_bed_output(&bed, FAR_IP, 10);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, GATEWAY_IP);
}

static void
questions_are_a_second_apart_and_three(void **state)
{
	(void)state;
	net_bed_output(&bed, PEER_IP, 10);
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(bed.ctr.ArpOutRequests, 1);
	net_bed_advance(&bed, 999999);
	assert_int_equal(bed.ctr.ArpOutRequests, 1);
	net_bed_advance(&bed, 1);
	assert_int_equal(bed.ctr.ArpOutRequests, 2);
	net_bed_advance(&bed, 1999999);
	assert_int_equal(bed.ctr.ArpOutRequests, 3);
	assert_int_equal(bed.ctr.NeighResolveFails, 0);
	net_bed_advance(&bed, 1);
	assert_int_equal(bed.ctr.ArpOutRequests, 3);
	assert_int_equal(bed.ctr.NeighResolveFails, 1);
	assert_int_equal(bed.ctr.NeighQueueDrops, 2);
	assert_null(entry(PEER_IP));
	assert_true(net_poll_at(&bed.net) == UINT64_MAX);
}

static void
question_without_a_buffer_is_asked_again_later(void **state)
{
	struct frame f;

	(void)state;
	bed.pkts.fail_nth = 2;
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(bed.ctr.PktAllocFails, 1);
	net_bed_advance(&bed, NEIGH_RETRY_US);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
	hear(REPLY, PEER_MAC, PEER_IP, OUR_IP);
	assert_true(net_bed_sent(&bed, &f));
}

static void
unasked_answer_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(hear(REPLY, EVIL_MAC, PEER_IP, OUR_IP), OUT_ARP_NOT_US);
	assert_null(entry(PEER_IP));
}

static void
announcement_of_a_stranger_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(hear(REQUEST, EVIL_MAC, PEER_IP, PEER_IP), OUT_ARP_NOT_US);
	assert_null(entry(PEER_IP));
	/* Not even when we are asking for that very address: it does not answer us. */
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(hear(REQUEST, EVIL_MAC, PEER_IP, PEER_IP), OUT_ARP_NOT_US);
	assert_int_equal(entry(PEER_IP)->state, NEIGH_INCOMPLETE);
}

static void
who_asks_us_while_we_ask_is_known(void **state)
{
	(void)state;
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	check_state(PEER_IP, NEIGH_REACHABLE, PEER_MAC);
	/* The question, the packet that waited, our answer. */
	assert_int_equal(net_bed_discard(&bed), 3);
}

static void
hearsay_is_used_but_asked_itself(void **state)
{
	struct frame f;

	(void)state;
	hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP);
	net_bed_discard(&bed);
	check_state(PEER_IP, NEIGH_STALE, PEER_MAC);
	assert_true(net_poll_at(&bed.net) == UINT64_MAX);
	net_bed_output(&bed, PEER_IP, 10);
	check_sent_arp(PEER_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
	assert_true(net_bed_sent(&bed, &f));
	assert_memory_equal(f.b, PEER_MAC, 6);
	check_state(PEER_IP, NEIGH_PROBE, PEER_MAC);
	assert_int_equal(hear(REPLY, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	check_state(PEER_IP, NEIGH_REACHABLE, PEER_MAC);
}

static void
newer_hearsay_replaces_older(void **state)
{
	(void)state;
	hear(REQUEST, EVIL_MAC, PEER_IP, OUR_IP);
	hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP);
	check_state(PEER_IP, NEIGH_STALE, PEER_MAC);
}

static void
gateway_and_strangers_from_afar_are_not_learnt_by_hearsay(void **state)
{
	(void)state;
	hear(REQUEST, EVIL_MAC, GATEWAY_IP, OUR_IP);
	hear(REQUEST, EVIL_MAC, FAR_IP, OUR_IP);
	assert_int_equal(net_bed_discard(&bed), 2);
	assert_null(entry(GATEWAY_IP));
	assert_null(entry(FAR_IP));
}

static void
neighbour_is_probed_when_used_after_thirty_seconds(void **state)
{
	struct frame f;

	(void)state;
	resolve(PEER_IP, PEER_MAC);
	net_bed_advance(&bed, NEIGH_REACHABLE_US - 1);
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(net_bed_discard(&bed), 1);
	net_bed_advance(&bed, 1);
	assert_int_equal(bed.tx.count, 0);
	net_bed_output(&bed, PEER_IP, 10);
	check_sent_arp(PEER_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
	assert_true(net_bed_sent(&bed, &f));
	/* One question in all, however much is sent meanwhile. */
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(net_bed_discard(&bed), 1);
	hear(REPLY, PEER_MAC, PEER_IP, OUR_IP);
	check_state(PEER_IP, NEIGH_REACHABLE, PEER_MAC);
}

static void
neighbour_that_went_silent_is_forgotten_after_three_probes(void **state)
{
	(void)state;
	resolve(PEER_IP, PEER_MAC);
	net_bed_advance(&bed, NEIGH_REACHABLE_US);
	net_bed_output(&bed, PEER_IP, 10);
	net_bed_advance(&bed, 3 * NEIGH_RETRY_US - 1);
	check_state(PEER_IP, NEIGH_PROBE, PEER_MAC);
	net_bed_advance(&bed, 1);
	assert_null(entry(PEER_IP));
	assert_int_equal(bed.ctr.ArpOutRequests, 1 + 3);
	net_bed_discard(&bed);
	net_bed_output(&bed, PEER_IP, 10);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
}

static void
upper_layer_keeps_a_neighbour_fresh(void **state)
{
	struct ip_addr peer = net_bed_addr(PEER_IP);
	struct ip_addr far = net_bed_addr(FAR_IP);

	(void)state;
	resolve(PEER_IP, PEER_MAC);
	resolve(GATEWAY_IP, GATEWAY_MAC);
	net_bed_advance(&bed, NEIGH_REACHABLE_US - 1);
	net_confirm(&bed.net, &bed.env, &peer);
	net_confirm(&bed.net, &bed.env, &far);
	net_bed_advance(&bed, NEIGH_REACHABLE_US - 1);
	net_bed_output(&bed, PEER_IP, 10);
	net_bed_output(&bed, FAR_IP, 10);
	assert_int_equal(net_bed_discard(&bed), 2);
	/* And saves the one that is being probed. */
	net_bed_advance(&bed, 1);
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(net_bed_discard(&bed), 2);
	net_confirm(&bed.net, &bed.env, &peer);
	check_state(PEER_IP, NEIGH_REACHABLE, PEER_MAC);
}

static void
upper_layer_cannot_confirm_what_was_never_asked(void **state)
{
	struct ip_addr peer = net_bed_addr(PEER_IP);
	struct ip_addr nowhere = net_bed_addr(FAR_IP6);

	(void)state;
	net_confirm(&bed.net, &bed.env, &peer);
	net_confirm(&bed.net, &bed.env, &nowhere);
	assert_null(entry(PEER_IP));
	hear(REQUEST, PEER_MAC, PEER_IP, OUR_IP);
	net_confirm(&bed.net, &bed.env, &peer);
	check_state(PEER_IP, NEIGH_STALE, PEER_MAC);
}

static void
silent_station_gives_way_to_its_successor(void **state)
{
	(void)state;
	resolve(PEER_IP, PEER_MAC);
	net_bed_advance(&bed, NEIGH_SETTLED_US);
	/* Another MAC announces itself: the old one is asked, and silent. */
	assert_int_equal(hear(REQUEST, GATEWAY_MAC, PEER_IP, PEER_IP), OUT_ARP_NOT_US);
	check_sent_arp(PEER_MAC, REQUEST, OUR_IP, NO_MAC, PEER_IP);
	check_state(PEER_IP, NEIGH_PROBE, PEER_MAC);
	net_bed_advance(&bed, NEIGH_RETRY_US);
	assert_null(entry(PEER_IP));
	resolve(PEER_IP, GATEWAY_MAC);
	assert_int_equal(bed.ctr.NeighDisputes, 1);
}

static void
configured_neighbour_never_changes(void **state)
{
	struct ip_addr peer = net_bed_addr(PEER_IP);
	struct mac_addr mac;

	(void)state;
	memcpy(mac.b, PEER_MAC, 6);
	assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &peer, &mac), 0);
	net_bed_advance(&bed, 100 * NEIGH_REACHABLE_US);
	hear(REQUEST, EVIL_MAC, PEER_IP, OUR_IP);
	hear(REPLY, EVIL_MAC, PEER_IP, OUR_IP);
	check_state(PEER_IP, NEIGH_PERMANENT, PEER_MAC);
	assert_int_equal(bed.ctr.NeighDisputes, 2);
	assert_int_equal(bed.ctr.ArpOutRequests, 0);
}

static void
conflict_is_counted_and_answered_once_in_ten_seconds(void **state)
{
	(void)state;
	assert_int_equal(hear(REQUEST, EVIL_MAC, OUR_IP, OUR_IP), OUT_ARP_CONFLICT);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, OUR_IP);
	for (unsigned int i = 0; i < 100; i++)
		hear(REPLY, EVIL_MAC, OUR_IP_2, OUR_IP);
	net_bed_advance(&bed, ARP_DEFEND_INTERVAL_US - 1);
	hear(REQUEST, EVIL_MAC, OUR_IP, PEER_IP);
	assert_int_equal(bed.tx.count, 0);
	net_bed_advance(&bed, 1);
	hear(REQUEST, EVIL_MAC, OUR_IP_2, PEER_IP);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP_2, NO_MAC, OUR_IP_2);
	assert_int_equal(bed.ctr.ArpConflicts, 103);
	assert_null(entry(OUR_IP));
}

static void
addresses_are_announced_twice_two_seconds_apart(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	net_bed_start(&bed);
	bed.net.announce_at_us = 0;
	net_bed_advance(&bed, ARP_ANNOUNCE_INTERVAL_US - 1);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, OUR_IP);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP_2, NO_MAC, OUR_IP_2);
	assert_int_equal(bed.tx.count, 0);
	net_bed_advance(&bed, 1);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP, NO_MAC, OUR_IP);
	check_sent_arp(BROADCAST_MAC, REQUEST, OUR_IP_2, NO_MAC, OUR_IP_2);
	assert_int_equal(bed.tx.count, 0);
	assert_true(net_poll_at(&bed.net) == UINT64_MAX);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(request_for_our_address_is_answered),
		T(padding_of_a_request_is_not_sent_back),
		T(probe_for_our_address_is_answered_and_teaches_nothing),
		T(request_for_somebody_else_is_left_alone),
		T(only_the_primary_worker_answers_but_all_learn),
		T(answer_without_room_is_dropped_and_counted),
		T(packets_wait_for_the_answer_and_leave_in_order),
		T(answer_without_room_for_what_waited_drops_it),
		T(question_comes_from_the_address_of_the_same_prefix),
		T(questions_are_a_second_apart_and_three),
		T(question_without_a_buffer_is_asked_again_later),
		T(unasked_answer_is_not_believed),
		T(announcement_of_a_stranger_is_not_believed),
		T(who_asks_us_while_we_ask_is_known),
		T(hearsay_is_used_but_asked_itself),
		T(newer_hearsay_replaces_older),
		T(gateway_and_strangers_from_afar_are_not_learnt_by_hearsay),
		T(neighbour_is_probed_when_used_after_thirty_seconds),
		T(neighbour_that_went_silent_is_forgotten_after_three_probes),
		T(upper_layer_keeps_a_neighbour_fresh),
		T(upper_layer_cannot_confirm_what_was_never_asked),
		T(silent_station_gives_way_to_its_successor),
		T(configured_neighbour_never_changes),
		T(conflict_is_counted_and_answered_once_in_ten_seconds),
		T(addresses_are_announced_twice_two_seconds_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
