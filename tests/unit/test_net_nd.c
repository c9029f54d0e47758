/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery: who is answered and asked, what is refused, and whose addresses are ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"
#include "net/nd.h"

#define OUR_GROUP "ff02::1:ff00:1"
#define PEER_GROUP "ff02::1:ff00:2"
#define ALL_NODES "ff02::1"
#define GROUP_MAC(last) ((const uint8_t[6]){ 0x33, 0x33, 0xff, 0, 0, last })
#define ALL_MAC ((const uint8_t[6]){ 0x33, 0x33, 0, 0, 0, 1 })
#define LINK_LOCAL "fe80::2"

#define SOLICIT 135
#define ADVERT 136
#define R 0x80
#define S 0x40
#define O 0x20

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

/* A message about target from src to dst; lladdr NULL: no option. */
static void
make(struct frame *f, uint8_t type, const uint8_t *dst_mac, const uint8_t *src_mac, const char *src,
	const char *dst)
{
	frame_eth(f, dst_mac, src_mac, 0x86dd);
	frame_ip6(f, src, dst, 58);
	f->b[f->l3 + 7] = 255;
	frame_icmp(f, type, 0, 0, 0);
}

static void
finish(struct frame *f, uint8_t flags, const char *target, const uint8_t *lladdr)
{
	struct ip_addr a = net_bed_addr(target);

	f->b[f->l4 + 4] = flags;
	frame_data(f, a.b, 16);
	if (lladdr != NULL) {
		uint8_t option[8] = { f->b[f->l4] == SOLICIT ? 1 : 2, 1 };

		memcpy(option + 2, lladdr, 6);
		frame_data(f, option, sizeof(option));
	}
	frame_finish(f);
}

static unsigned int
hear_solicit(const char *src, const char *dst, const char *target, const uint8_t *mac)
{
	bool to_group = dst[0] == 'f' && dst[1] == 'f';
	struct frame f;

	make(&f, SOLICIT, to_group ? GROUP_MAC(1) : OUR_MAC, PEER_MAC, src, dst);
	finish(&f, 0, target, mac);
	return net_bed_input(&bed, &f);
}

static unsigned int
hear_advert(const char *dst, uint8_t flags, const char *target, const uint8_t *mac)
{
	bool to_group = dst[0] == 'f' && dst[1] == 'f';
	struct frame f;

	make(&f, ADVERT, to_group ? ALL_MAC : OUR_MAC, EVIL_MAC, target, dst);
	finish(&f, flags, target, mac);
	return net_bed_input(&bed, &f);
}

/* The oldest frame we sent is exactly this. */
static void
check_sent(uint8_t type, const uint8_t *dst_mac, const char *src, const char *dst, uint8_t flags,
	const char *target)
{
	struct frame got, want;

	assert_true(net_bed_sent(&bed, &got));
	make(&want, type, dst_mac, OUR_MAC, src, dst);
	finish(&want, flags, target, strcmp(src, "::") == 0 ? NULL : OUR_MAC);
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

static void
question_for_our_address_is_answered(void **state)
{
	(void)state;
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_ND_CONSUMED);
	check_sent(ADVERT, PEER_MAC, OUR_IP6, PEER_IP6, S | O, OUR_IP6);
	check_state(PEER_IP6, NEIGH_STALE, PEER_MAC);
	/* By unicast, without an address option, from a link-local address. */
	assert_int_equal(hear_solicit(LINK_LOCAL, OUR_IP6, OUR_IP6, NULL), OUT_ND_CONSUMED);
	check_sent(ADVERT, PEER_MAC, OUR_IP6, LINK_LOCAL, S | O, OUR_IP6);
	assert_null(entry(LINK_LOCAL));
	/* From who has no address yet: everybody hears that it is taken. */
	assert_int_equal(hear_solicit("::", OUR_GROUP, OUR_IP6, NULL), OUT_ND_CONSUMED);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, O, OUR_IP6);
	assert_int_equal(bed.ctr.Icmp6InNeighborSolicits, 3);
	assert_int_equal(bed.ctr.Icmp6OutNeighborAdvertisements, 3);
	assert_int_equal(bed.tx.count, 0);
}

static void
question_for_somebody_else_is_left_alone(void **state)
{
	(void)state;
	/* 2001:db8:1::1 shares our group. */
	assert_int_equal(
		hear_solicit(PEER_IP6, OUR_GROUP, "2001:db8:1::1", PEER_MAC), OUT_ND_NOT_US);
	assert_int_equal(hear_solicit(PEER_IP6, PEER_GROUP, "2001:db8::3", PEER_MAC),
		OUT_IP6_MULTICAST);
	assert_int_equal(bed.tx.count, 0);
	assert_null(entry(PEER_IP6));
}

static void
only_the_primary_worker_answers_but_all_learn(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.primary = false;
	net_bed_start(&bed);
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_ND_CONSUMED);
	assert_int_equal(hear_advert(ALL_NODES, O, OUR_IP6, EVIL_MAC), OUT_ND_CONFLICT);
	assert_int_equal(bed.tx.count, 0);
	check_state(PEER_IP6, NEIGH_STALE, PEER_MAC);
}

static void
packets_wait_for_the_answer_and_leave_in_order(void **state)
{
	struct frame f;

	(void)state;
	net_bed_output(&bed, PEER_IP6, 100);
	net_bed_output(&bed, PEER_IP6, 101);
	check_sent(SOLICIT, GROUP_MAC(2), OUR_IP6, PEER_GROUP, 0, PEER_IP6);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(hear_advert(OUR_IP6, S | O, PEER_IP6, PEER_MAC), OUT_ND_CONSUMED);
	check_state(PEER_IP6, NEIGH_REACHABLE, PEER_MAC);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(net_bed_sent(&bed, &f));
		assert_int_equal(f.len, 14 + 40 + 100 + i);
		assert_memory_equal(f.b, PEER_MAC, 6);
		assert_memory_equal(f.b + 12, "\x86\xdd", 2);
	}
}

static void
silent_neighbour_is_asked_thrice_and_given_up(void **state)
{
	(void)state;
	net_bed_output(&bed, PEER_IP6, 10);
	net_bed_advance(&bed, 3 * NEIGH_RETRY_US - 1);
	assert_int_equal(bed.ctr.Icmp6OutNeighborSolicits, 3);
	assert_non_null(entry(PEER_IP6));
	net_bed_advance(&bed, 1);
	assert_null(entry(PEER_IP6));
	assert_int_equal(bed.ctr.NeighQueueDrops, 1);
}

static void
known_neighbour_is_probed_by_unicast(void **state)
{
	struct frame f;

	(void)state;
	net_bed_output(&bed, PEER_IP6, 10);
	hear_advert(OUR_IP6, S, PEER_IP6, PEER_MAC);
	net_bed_discard(&bed);
	net_bed_advance(&bed, NEIGH_REACHABLE_US);
	net_bed_output(&bed, PEER_IP6, 10);
	check_sent(SOLICIT, PEER_MAC, OUR_IP6, PEER_IP6, 0, PEER_IP6);
	assert_true(net_bed_sent(&bed, &f));
	/* The answer to a unicast question may leave the address out. */
	assert_int_equal(hear_advert(OUR_IP6, S, PEER_IP6, NULL), OUT_ND_CONSUMED);
	check_state(PEER_IP6, NEIGH_REACHABLE, PEER_MAC);
}

static void
link_local_router_is_the_way_out(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.gateway6 = net_bed_addr(LINK_LOCAL);
	net_bed_start(&bed);
	net_bed_output(&bed, FAR_IP6, 10);
	check_sent(SOLICIT, GROUP_MAC(2), OUR_IP6, PEER_GROUP, 0, LINK_LOCAL);
	assert_int_equal(hear_advert(OUR_IP6, R | S | O, LINK_LOCAL, GATEWAY_MAC), OUT_ND_CONSUMED);
	assert_int_equal(net_bed_discard(&bed), 1);
}

/* Row A-29: an advertisement overrides nothing, whatever it says. */
static void
a29_override_changes_nobody_but_puts_him_to_the_test(void **state)
{
	(void)state;
	assert_int_equal(hear_advert(OUR_IP6, S | O, PEER_IP6, EVIL_MAC), OUT_ND_NOT_US);
	assert_null(entry(PEER_IP6));
	net_bed_output(&bed, PEER_IP6, 10);
	assert_int_equal(hear_advert(ALL_NODES, O, PEER_IP6, EVIL_MAC), OUT_ND_NOT_US);
	assert_int_equal(entry(PEER_IP6)->state, NEIGH_INCOMPLETE);
	assert_int_equal(hear_advert(OUR_IP6, S | O, PEER_IP6, NULL), OUT_ND_NOT_US);
	assert_int_equal(hear_advert(OUR_IP6, S, PEER_IP6, PEER_MAC), OUT_ND_CONSUMED);
	net_bed_discard(&bed);
	for (unsigned int i = 0; i < 1000; i++)
		hear_advert(OUR_IP6, S | O, PEER_IP6, EVIL_MAC);
	check_state(PEER_IP6, NEIGH_REACHABLE, PEER_MAC);
	assert_int_equal(bed.tx.count, 0);
	net_bed_advance(&bed, NEIGH_SETTLED_US);
	for (unsigned int i = 0; i < 1000; i++)
		hear_advert(OUR_IP6, S | O, PEER_IP6, EVIL_MAC);
	check_state(PEER_IP6, NEIGH_PROBE, PEER_MAC);
	check_sent(SOLICIT, PEER_MAC, OUR_IP6, PEER_IP6, 0, PEER_IP6);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(hear_advert(OUR_IP6, S, PEER_IP6, PEER_MAC), OUT_ND_CONSUMED);
	check_state(PEER_IP6, NEIGH_REACHABLE, PEER_MAC);
}

/* Row A-50, and RFC 4861 s7.1: one rule broken at a time. */
static void
a50_message_that_breaks_a_rule_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	/* From beyond a router. */
	make(&f, SOLICIT, GROUP_MAC(1), PEER_MAC, PEER_IP6, OUR_GROUP);
	f.b[f.l3 + 7] = 254;
	finish(&f, 0, OUR_IP6, PEER_MAC);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ND_BAD);
	/* Code. */
	make(&f, SOLICIT, GROUP_MAC(1), PEER_MAC, PEER_IP6, OUR_GROUP);
	f.b[f.l4 + 1] = 1;
	finish(&f, 0, OUR_IP6, PEER_MAC);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ND_BAD);
	/* For a group. */
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, ALL_NODES, PEER_MAC), OUT_ND_BAD);
	/* From nobody, but with an address, or to one station. */
	assert_int_equal(hear_solicit("::", OUR_GROUP, OUR_IP6, PEER_MAC), OUT_ND_BAD);
	assert_int_equal(hear_solicit("::", ALL_NODES, OUR_IP6, NULL), OUT_ND_BAD);
	assert_int_equal(hear_solicit("::", OUR_IP6, OUR_IP6, NULL), OUT_IP6_MARTIAN);
	/* An answer to everybody. */
	assert_int_equal(hear_advert(ALL_NODES, S, PEER_IP6, EVIL_MAC), OUT_ND_BAD);
	/* As if from us. */
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, OUR_MAC), OUT_ND_BAD);
	assert_int_equal(hear_solicit(OUR_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_IP6_OWN_SOURCE);
	assert_int_equal(hear_solicit("::1", OUR_GROUP, OUR_IP6, PEER_MAC), OUT_IP6_MARTIAN);
	/* A checksum. */
	make(&f, SOLICIT, GROUP_MAC(1), PEER_MAC, PEER_IP6, OUR_GROUP);
	finish(&f, 0, OUR_IP6, PEER_MAC);
	f.b[f.l4 + 2] ^= 1;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
}

/* RFC 6980: not even a fragment that is the whole message. */
static void
fragmented_neighbour_discovery_is_dropped(void **state)
{
	struct ip_addr a = net_bed_addr(OUR_IP6);
	struct frame f;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 44);
	f.b[f.l3 + 7] = 255;
	frame_ip6_ext(&f, 58, (const uint8_t[6]){ 0 }, 6);
	frame_icmp(&f, SOLICIT, 0, 0, 0);
	frame_data(&f, a.b, 16);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ND_BAD);
}

static void
routers_and_their_redirects_are_ignored(void **state)
{
	static const uint8_t types[] = { 133, 134, 137 };
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		make(&f, types[i], OUR_MAC, EVIL_MAC, LINK_LOCAL, OUR_IP6);
		frame_data(&f, NULL, 40);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_IGNORED);
	}
	make(&f, 134, ALL_MAC, EVIL_MAC, LINK_LOCAL, ALL_NODES);
	frame_data(&f, NULL, 8);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_MULTICAST);
	/* Nor is a group an address to reach a service at. */
	frame_eth(&f, ALL_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, ALL_NODES, 58);
	frame_icmp(&f, 128, 0, 1, 1);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_MULTICAST);
	assert_int_equal(bed.tx.count, 0);
}

/* Begin anew at the first microsecond, as a worker does. */
static void
start_afresh(unsigned int dad_transmits)
{
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.tun.dad_transmits = dad_transmits;
	bed.env.now_us = bed.par.start_us;
	net_bed_start(&bed);
	bed.net.nd_at_us = 0;
}

static void
address_is_asked_for_dad_transmits_times_and_then_announced(void **state)
{
	(void)state;
	start_afresh(2);
	net_bed_advance(&bed, ND_RETRANS_US - 1);
	check_sent(SOLICIT, GROUP_MAC(1), "::", OUR_GROUP, 0, OUR_IP6);
	assert_int_equal(bed.tx.count, 0);
	/* It is answered for already, without overriding anybody. */
	hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC);
	check_sent(ADVERT, PEER_MAC, OUR_IP6, PEER_IP6, S, OUR_IP6);
	net_bed_advance(&bed, 1);
	check_sent(SOLICIT, GROUP_MAC(1), "::", OUR_GROUP, 0, OUR_IP6);
	net_bed_advance(&bed, 2 * ND_RETRANS_US);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, 0, OUR_IP6);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, O, OUR_IP6);
	assert_int_equal(bed.tx.count, 0);
	assert_true(net_poll_at(&bed.net) == UINT64_MAX);
	assert_true(net_duplicates(&bed.net) == 0);
}

static void
check_taken(void)
{
	struct frame f;

	assert_true(net_duplicates(&bed.net) == 1 << 1);
	assert_int_equal(bed.ctr.NdDuplicates, 1);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 6);
	frame_tcp(&f, 1000, 80, 1, 0, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_DUPLICATE);
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_ND_NOT_US);
	net_bed_discard(&bed);
	net_bed_advance(&bed, 60000000);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(hear_advert(ALL_NODES, O, OUR_IP6, EVIL_MAC), OUT_ND_CONFLICT);
	assert_int_equal(bed.tx.count, 0);
}

static void
address_that_somebody_has_is_not_used(void **state)
{
	(void)state;
	start_afresh(1);
	net_bed_advance(&bed, ND_RETRANS_US - 1);
	assert_int_equal(hear_advert(ALL_NODES, O, OUR_IP6, EVIL_MAC), OUT_ND_CONFLICT);
	check_taken();
	/* Two that ask at the same time: neither gets it. */
	start_afresh(1);
	bed.ctr = (struct counters){ 0 };
	assert_int_equal(hear_solicit("::", OUR_GROUP, OUR_IP6, NULL), OUT_ND_CONFLICT);
	check_taken();
}

static void
address_that_is_not_asked_for_is_ours_from_the_start(void **state)
{
	(void)state;
	start_afresh(0);
	assert_int_equal(hear_advert(ALL_NODES, O, OUR_IP6, EVIL_MAC), OUT_ND_CONFLICT);
	assert_true(net_duplicates(&bed.net) == 0);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, O, OUR_IP6);
	net_bed_discard(&bed);
}

static void
conflict_is_counted_and_answered_once_in_ten_seconds(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(hear_advert(ALL_NODES, O, OUR_IP6, EVIL_MAC), OUT_ND_CONFLICT);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, O, OUR_IP6);
	assert_int_equal(bed.tx.count, 0);
	net_bed_advance(&bed, ND_DEFEND_INTERVAL_US);
	hear_advert(ALL_NODES, 0, OUR_IP6, EVIL_MAC);
	check_sent(ADVERT, ALL_MAC, OUR_IP6, ALL_NODES, O, OUR_IP6);
	assert_int_equal(bed.ctr.NdConflicts, 101);
	assert_null(entry(OUR_IP6));
}

static void
answer_without_room_or_buffer_is_dropped_and_counted(void **state)
{
	(void)state;
	bed.tx.count = PKT_TXQ_CAP;
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_NO_BUFFER);
	bed.tx.count = 0;
	bed.pkts.fail_nth = 1;
	assert_int_equal(hear_solicit(PEER_IP6, OUR_GROUP, OUR_IP6, PEER_MAC), OUT_NO_BUFFER);
	assert_int_equal(bed.ctr.PktAllocFails, 1);
	net_bed_output(&bed, PEER_IP6, 10);
	net_bed_output(&bed, "2001:db8::9", 10);
	net_bed_discard(&bed);
	bed.tx.count = PKT_TXQ_CAP;
	assert_int_equal(hear_advert(OUR_IP6, S, "2001:db8::9", PEER_MAC), OUT_ND_CONSUMED);
	assert_int_equal(bed.ctr.Ip6OutDiscards, 1);
	bed.tx.count = 0;
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(question_for_our_address_is_answered),
		T(question_for_somebody_else_is_left_alone),
		T(only_the_primary_worker_answers_but_all_learn),
		T(packets_wait_for_the_answer_and_leave_in_order),
		T(silent_neighbour_is_asked_thrice_and_given_up),
		T(known_neighbour_is_probed_by_unicast),
		T(link_local_router_is_the_way_out),
		T(a29_override_changes_nobody_but_puts_him_to_the_test),
		T(a50_message_that_breaks_a_rule_is_dropped),
		T(fragmented_neighbour_discovery_is_dropped),
		T(routers_and_their_redirects_are_ignored),
		T(address_is_asked_for_dad_transmits_times_and_then_announced),
		T(address_that_somebody_has_is_not_used),
		T(address_that_is_not_asked_for_is_ours_from_the_start),
		T(conflict_is_counted_and_answered_once_in_ten_seconds),
		T(answer_without_room_or_buffer_is_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
