/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the net layer: parameters, polling, and what every worker must see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "lib/net_bed.h"
#include "net/arp.h"
#include "pkt/pool.h"

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

static void
wrong_parameters_are_refused(void **state)
{
	struct net_params good = bed.par;
	struct net net;

	(void)state;
#define REFUSED(member, value)                                                                     \
	do {                                                                                       \
		struct net_params par = good;                                                      \
		par.member = value;                                                                \
		assert_int_equal(net_init(&net, &par), -EINVAL);                                   \
	} while (0)
	REFUSED(local, NULL);
	REFUSED(mtu, 575);
	REFUSED(mtu, 9217);
	REFUSED(vlan, 4095);
	REFUSED(mac.b[0], 1);
	REFUSED(neigh_max, NEIGH_MIN - 1);
	memset(&good.mac, 0, sizeof(good.mac));
	REFUSED(mtu, 1500);
	good.mac = bed.par.mac;
	bed.local.prefix_len[0] = 33;
	REFUSED(mtu, 1500);
	bed.local.prefix_len[0] = 24;
	bed.local.prefix_len[1] = 129;
	REFUSED(mtu, 1500);
	bed.local.prefix_len[1] = 64;
	bed.local.count = LOCAL_ADDRS_MAX + 1;
	REFUSED(mtu, 1500);
	bed.local.count = 3;
}

static void
many_addresses_are_announced_in_slices(void **state)
{
	struct net other;

	(void)state;
	bed.local.count = LOCAL_ADDRS_MAX;
	for (unsigned int i = 0; i < LOCAL_ADDRS_MAX; i++) {
		bed.local.addr[i] = ip_addr_from_v4(0x0a000001 + i);
		bed.local.prefix_len[i] = 24;
	}
	assert_int_equal(net_init(&other, &bed.par), 0);
	assert_int_equal(net_poll_at(&other), 0);
	net_poll(&other, &bed.env, &bed.tx);
	assert_in_range(bed.tx.count, 1, LOCAL_ADDRS_MAX - 1);
	while (net_poll_at(&other) <= bed.env.now_us)
		net_poll(&other, &bed.env, &bed.tx);
	assert_int_equal(bed.tx.count, LOCAL_ADDRS_MAX);
	assert_int_equal(net_poll_at(&other), bed.env.now_us + ARP_ANNOUNCE_INTERVAL_US);
	net_fini(&other, &bed.env);
	bed.local.count = 3;
}

static void
poll_without_room_sends_nothing_and_comes_back(void **state)
{
	(void)state;
	net_bed_output(&bed, PEER_IP, 10);
	net_bed_discard(&bed);
	bed.net.announce_at_us = 0;
	bed.net.announce_rounds = 1;
	bed.env.now_us += NEIGH_RETRY_US;
	bed.tx.count = PKT_TXQ_CAP;
	net_poll(&bed.net, &bed.env, &bed.tx);
	assert_int_equal(bed.tx.count, PKT_TXQ_CAP);
	assert_true(net_poll_at(&bed.net) <= bed.env.now_us);
	bed.tx.count = 0;
	net_poll(&bed.net, &bed.env, &bed.tx);
	/* Two announcements and the second question. */
	assert_int_equal(net_bed_discard(&bed), 3);
}

static void
worker_that_is_not_primary_announces_nothing(void **state)
{
	struct net other;

	(void)state;
	bed.par.primary = false;
	assert_int_equal(net_init(&other, &bed.par), 0);
	assert_true(net_poll_at(&other) == UINT64_MAX);
	net_fini(&other, &bed.env);
}

static void
configured_neighbour_replaces_a_learnt_one(void **state)
{
	struct ip_addr peer = net_bed_addr(PEER_IP);
	struct mac_addr mac = { { 2, 2, 2, 2, 2, 2 } };

	(void)state;
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &peer, &mac), 0);
	assert_int_equal(neigh_find(&bed.net.neigh, &peer)->state, NEIGH_PERMANENT);
	assert_int_equal(bed.net.neigh.waiting, 0);
	assert_true(net_poll_at(&bed.net) == UINT64_MAX);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(wrong_parameters_are_refused),
		T(many_addresses_are_announced_in_slices),
		T(poll_without_room_sends_nothing_and_comes_back),
		T(worker_that_is_not_primary_announces_nothing),
		T(configured_neighbour_replaces_a_learnt_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
