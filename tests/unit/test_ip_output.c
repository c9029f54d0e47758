/* SPDX-License-Identifier: BSD-3-Clause */
/* The way out: next hop, Ethernet header, replies in place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "lib/net_bed.h"
#include "net/ip_output.h"
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
know(const char *ip, const uint8_t *mac)
{
	struct ip_addr a = net_bed_addr(ip);
	struct mac_addr m;

	memcpy(m.b, mac, sizeof(m.b));
	assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &a, &m), 0);
}

static void
restart_with_vlan(uint16_t vlan)
{
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.vlan = vlan;
	net_bed_start(&bed);
}

static void
next_hop_is_the_neighbour_the_gateway_or_none(void **state)
{
	static const struct {
		const char *dst, *hop;
	} rows[] = {
		{ "10.0.0.2", "10.0.0.2" },
		{ "10.0.0.255", "10.0.0.255" },
		{ "10.0.1.0", GATEWAY_IP },
		{ "9.255.255.255", GATEWAY_IP },
		{ "192.168.7.200", "192.168.7.200" },
		{ "192.168.6.255", GATEWAY_IP },
		{ "2001:db8::ffff:1", "2001:db8::ffff:1" },
		{ "2001:db8:0:1::1", NULL },
		{ "::", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr dst = net_bed_addr(rows[i].dst);
		const struct ip_addr *hop = net_next_hop(&bed.net, &dst);
		struct ip_addr want;

		if (rows[i].hop == NULL) {
			assert_null(hop);
			continue;
		}
		want = net_bed_addr(rows[i].hop);
		assert_non_null(hop);
		assert_true(ip_addr_equal(hop, &want));
	}
}

static void
prefix_of_every_length_decides_by_its_last_bit(void **state)
{
	(void)state;
	for (unsigned int len = 1; len <= 32; len++) {
		struct ip_addr in = net_bed_addr(OUR_IP), out = in;

		net_bed_fini(&bed);
		net_bed_prepare(&bed);
		bed.local.count = 1;
		bed.local.prefix_len[0] = (uint8_t)len;
		net_bed_start(&bed);
		if (len < 32)
			in.b[15] ^= 1;
		out.b[12 + (len - 1) / 8] ^= (uint8_t)(0x80u >> (len - 1) % 8);
		assert_int_equal(net_onlink_find(&bed.net, &in), 0);
		assert_int_equal(net_onlink_find(&bed.net, &out), -1);
	}
}

static void
default_prefix_of_ipv6_takes_no_ipv4(void **state)
{
	struct ip_addr far = net_bed_addr(FAR_IP), far6 = net_bed_addr(FAR_IP6);

	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.local.prefix_len[1] = 0;
	net_bed_start(&bed);
	assert_int_equal(net_onlink_find(&bed.net, &far), -1);
	assert_int_equal(net_onlink_find(&bed.net, &far6), 1);
}

static void
header_is_put_in_front(void **state)
{
	struct frame f, want;

	(void)state;
	know(PEER_IP, PEER_MAC);
	know(PEER_IP6, GATEWAY_MAC);
	net_bed_output(&bed, PEER_IP, 50);
	assert_true(net_bed_sent(&bed, &f));
	frame_eth(&want, PEER_MAC, OUR_MAC, 0x0800);
	assert_int_equal(f.len, 14 + 20 + 50);
	assert_memory_equal(f.b, want.b, 14);
	assert_int_equal(f.b[14], 0x45);
	net_bed_output(&bed, PEER_IP6, 50);
	assert_true(net_bed_sent(&bed, &f));
	frame_eth(&want, GATEWAY_MAC, OUR_MAC, 0x86dd);
	assert_int_equal(f.len, 14 + 40 + 50);
	assert_memory_equal(f.b, want.b, 14);
	assert_int_equal(bed.ctr.OutRequests, 1);
	assert_int_equal(bed.ctr.Ip6OutRequests, 1);
}

static void
header_carries_the_tag_of_our_vlan(void **state)
{
	struct frame f, want;

	(void)state;
	restart_with_vlan(5);
	know(PEER_IP, PEER_MAC);
	net_bed_output(&bed, PEER_IP, 50);
	assert_true(net_bed_sent(&bed, &f));
	frame_eth(&want, PEER_MAC, OUR_MAC, 0x0800);
	frame_vlan(&want, 0x8100, 5);
	assert_int_equal(f.len, 18 + 20 + 50);
	assert_memory_equal(f.b, want.b, 18);
	assert_int_equal(f.b[18], 0x45);
}

static void
offload_learns_the_length_of_the_header_and_nothing_else(void **state)
{
	static const uint16_t vlans[] = { 0, 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vlans); i++) {
		struct pkt *p;

		restart_with_vlan(vlans[i]);
		know(PEER_IP, PEER_MAC);
		net_bed_output(&bed, PEER_IP, 50);
		net_bed_discard(&bed);
		p = pkt_alloc(bed.env.pool);
		p->tx_offload = UINT64_MAX;
		net_send_to(&bed.net, p, 0, NET_L2_IP4, &bed.tx);
		assert_true(p->tx_offload == (UINT64_MAX & ~0x7fULL) + (vlans[i] == 0 ? 14 : 18));
	}
}

static void
packet_without_a_way_is_dropped_and_counted(void **state)
{
	(void)state;
	net_bed_output(&bed, FAR_IP6, 10);
	assert_int_equal(bed.ctr.Ip6OutNoRoutes, 1);
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	memset(&bed.par.gateway4, 0, sizeof(bed.par.gateway4));
	net_bed_start(&bed);
	net_bed_output(&bed, FAR_IP, 10);
	assert_int_equal(bed.ctr.OutNoRoutes, 1);
	assert_int_equal(bed.tx.count, 0);
}

static void
packet_waits_at_the_gateway_for_all_behind_it(void **state)
{
	(void)state;
	net_bed_output(&bed, FAR_IP, 10);
	net_bed_output(&bed, "203.0.113.1", 10);
	assert_int_equal(bed.ctr.ArpOutRequests, 1);
	assert_int_equal(bed.net.neigh.waiting, 2);
}

static void
half_of_the_cache_can_be_configured(void **state)
{
	struct ip_addr a = net_bed_addr("10.0.0.100");
	struct mac_addr mac = { { 2 } };

	(void)state;
	for (unsigned int i = 0; i < bed.par.neigh_max / 2; i++, a.b[15]++)
		assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &a, &mac), 0);
	assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &a, &mac), -ENOSPC);
	/* One that is there can still be changed, and another still be learnt. */
	a.b[15]--;
	assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &a, &mac), 0);
	net_bed_output(&bed, PEER_IP, 10);
	assert_int_equal(bed.net.neigh.waiting, 1);
}

static void
impossible_neighbours_are_refused(void **state)
{
	static const struct {
		const char *ip;
		uint8_t first; /* of the MAC address 0x:00:00:00:00:00 */
	} rows[] = {
		{ PEER_IP, 0 },
		{ PEER_IP, 1 },
		{ OUR_IP, 2 },
		{ OUR_IP6, 2 },
		{ "224.0.0.1", 2 },
		{ "255.255.255.255", 2 },
		{ "0.0.0.0", 2 },
		{ "::", 2 },
		{ "ff02::1", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr a = net_bed_addr(rows[i].ip);
		struct mac_addr mac = { { rows[i].first } };

		assert_int_equal(net_set_neighbour(&bed.net, &bed.env, &a, &mac), -EINVAL);
	}
}

/* Feed a TCP frame with that VLAN and send its IP packet back; returns what went out. */
static void
reply_in_place(struct frame *out, uint16_t vlan, uint16_t ethertype)
{
	struct frame f;
	struct pkt *p;

	frame_eth(&f, OUR_MAC, EVIL_MAC, ethertype);
	if (vlan != 0)
		frame_vlan(&f, 0x8100, vlan);
	if (ethertype == 0x0800)
		frame_ip4(&f, FAR_IP, OUR_IP, 6);
	else
		frame_ip6(&f, FAR_IP6, OUR_IP6, 6);
	frame_tcp(&f, 1, 2, 3, 4, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input_flags(&bed, f.b, f.len, 0, &p), OUTCOME_MAX);
	pkt_pull(p, bed.seg.l3_off);
	p->app.flags = PKT_F_REPLY_L2;
	net_output(&bed.net, &bed.env, p, &bed.tx);
	assert_true(net_bed_sent(&bed, out));
	assert_int_equal(bed.tx.count, 0);
}

static void
reply_in_place_goes_back_to_where_it_came_from(void **state)
{
	struct frame f, want;

	(void)state;
	reply_in_place(&f, 0, 0x0800);
	frame_eth(&want, EVIL_MAC, OUR_MAC, 0x0800);
	assert_int_equal(f.len, 54);
	assert_memory_equal(f.b, want.b, 14);
	assert_int_equal(f.b[14], 0x45);
	reply_in_place(&f, 0, 0x86dd);
	frame_eth(&want, EVIL_MAC, OUR_MAC, 0x86dd);
	assert_int_equal(f.len, 74);
	assert_memory_equal(f.b, want.b, 14);
	restart_with_vlan(5);
	reply_in_place(&f, 5, 0x0800);
	frame_eth(&want, EVIL_MAC, OUR_MAC, 0x0800);
	frame_vlan(&want, 0x8100, 5);
	assert_int_equal(f.len, 58);
	assert_memory_equal(f.b, want.b, 18);
	assert_int_equal(f.b[18], 0x45);
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
}

/* An IPv4 packet to the peer, with these flags. */
static void
send_flagged(uint16_t flags)
{
	struct pkt *p = pkt_alloc(bed.env.pool);
	struct frame f;

	frame_eth(&f, NO_MAC, NO_MAC, 0);
	frame_ip4(&f, OUR_IP, PEER_IP, 6);
	memcpy(pkt_data(p), f.b + f.l3, 20);
	pkt_set_len(p, 20);
	p->app.flags = flags;
	net_output(&bed.net, &bed.env, p, &bed.tx);
}

static void
a_neighbour_whose_connections_get_no_answer_is_asked_again(void **state)
{
	struct ip_addr peer = net_bed_addr(PEER_IP);
	struct neigh *e = neigh_add(&bed.net.neigh, &bed.env, &peer, NEIGH_INCOMPLETE, NULL);

	(void)state;
	memcpy(e->mac.b, PEER_MAC, sizeof(e->mac.b));
	neigh_set_reachable(&bed.net.neigh, &bed.env, e);
	/* It has answered just now. */
	net_bed_advance(&bed, NEIGH_SETTLED_US - 1);
	send_flagged(PKT_F_REASK);
	assert_int_equal(e->state, NEIGH_REACHABLE);
	net_bed_advance(&bed, 1);
	send_flagged(0);
	assert_int_equal(bed.ctr.ArpOutRequests, 0);
	send_flagged(PKT_F_REASK);
	assert_int_equal(e->state, NEIGH_PROBE);
	assert_int_equal(bed.ctr.NeighReasked, 1);
	/* It is in use meanwhile, and asked no more often for many of them. */
	assert_int_equal(net_bed_discard(&bed), 3);
	send_flagged(PKT_F_REASK);
	net_bed_advance(&bed, 0);
	assert_int_equal(bed.ctr.ArpOutRequests, 1);
	assert_int_equal(bed.ctr.NeighReasked, 1);
	/* Silent: it is forgotten, and the next packet asks everybody. */
	net_bed_advance(&bed, NEIGH_TRIES * NEIGH_RETRY_US);
	assert_int_equal(bed.ctr.NeighResolveFails, 1);
	send_flagged(PKT_F_REASK);
	assert_int_equal(bed.net.neigh.waiting, 1);
}

static void
waiting_leaves_the_links_of_the_callers_queue_alone(void **state)
{
	struct pkt other;
	struct pkt *p = pkt_alloc(bed.env.pool);
	struct frame f;

	(void)state;
	frame_eth(&f, NO_MAC, NO_MAC, 0);
	frame_ip4(&f, OUR_IP, PEER_IP, 6);
	memcpy(pkt_data(p), f.b + f.l3, 20);
	pkt_set_len(p, 20);
	p->app.next = &other;
	pkt_hold(bed.env.pool, p);
	net_output(&bed.net, &bed.env, p, &bed.tx);
	net_bed_advance(&bed, 3000000);
	assert_int_equal(bed.ctr.NeighQueueDrops, 1);
	assert_ptr_equal(p->app.next, &other);
	assert_int_equal(p->refcnt, 1);
	pkt_free(bed.env.pool, p);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(next_hop_is_the_neighbour_the_gateway_or_none),
		T(prefix_of_every_length_decides_by_its_last_bit),
		T(default_prefix_of_ipv6_takes_no_ipv4),
		T(header_is_put_in_front),
		T(header_carries_the_tag_of_our_vlan),
		T(offload_learns_the_length_of_the_header_and_nothing_else),
		T(packet_without_a_way_is_dropped_and_counted),
		T(packet_waits_at_the_gateway_for_all_behind_it),
		T(half_of_the_cache_can_be_configured),
		T(impossible_neighbours_are_refused),
		T(reply_in_place_goes_back_to_where_it_came_from),
		T(a_neighbour_whose_connections_get_no_answer_is_asked_again),
		T(waiting_leaves_the_links_of_the_callers_queue_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
