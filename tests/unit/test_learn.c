/* SPDX-License-Identifier: BSD-3-Clause */
/* Whom to believe: states, kinds of claim, the known MAC address and another, both IPs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"
#include "net/learn.h"

static struct net_bed bed;

static const char *const peers[] = { PEER_IP, PEER_IP6 };

static struct mac_addr
mac_of(const uint8_t *b)
{
	struct mac_addr mac;

	memcpy(mac.b, b, sizeof(mac.b));
	return mac;
}

/* Bring addr into the state, known by PEER_MAC where it has a MAC address. */
static void
prepare(const struct ip_addr *addr, enum neigh_state state)
{
	struct mac_addr mac = mac_of(PEER_MAC);
	struct neigh *e;

	net_bed_init(&bed);
	if (state == NEIGH_FREE)
		return;
	if (state == NEIGH_PERMANENT) {
		net_set_neighbour(&bed.net, &bed.env, addr, &mac);
		return;
	}
	e = neigh_add(&bed.net.neigh, &bed.env, addr,
		state == NEIGH_INCOMPLETE ? state : NEIGH_STALE, &mac);
	if (state == NEIGH_PROBE || state == NEIGH_REACHABLE)
		neigh_set_reachable(&bed.net.neigh, &bed.env, e);
	net_bed_advance(&bed, 2 * NEIGH_SETTLED_US);
	if (state == NEIGH_PROBE)
		neigh_set_probe(&bed.net.neigh, &bed.env, e, 3);
	net_bed_discard(&bed);
	memset(&bed.ctr, 0, sizeof(bed.ctr));
}

/* After each claim by the known MAC address and by another: the state and whether it is EVIL's. */
static const struct {
	enum neigh_state before;
	enum learn_claim claim;
	bool other;
	enum neigh_state after;
	bool replaced, told;
} rows[] = {
	{ NEIGH_FREE, LEARN_ASKS, true, NEIGH_STALE, true, false },
	{ NEIGH_FREE, LEARN_ANSWERS, true, NEIGH_FREE, false, false },
	{ NEIGH_FREE, LEARN_OVERHEARD, true, NEIGH_FREE, false, false },
	{ NEIGH_STALE, LEARN_ASKS, false, NEIGH_STALE, false, false },
	{ NEIGH_STALE, LEARN_ASKS, true, NEIGH_STALE, true, false },
	{ NEIGH_STALE, LEARN_ANSWERS, true, NEIGH_STALE, false, false },
	{ NEIGH_STALE, LEARN_OVERHEARD, true, NEIGH_STALE, false, false },
	{ NEIGH_PROBE, LEARN_ASKS, false, NEIGH_PROBE, false, false },
	{ NEIGH_PROBE, LEARN_ANSWERS, false, NEIGH_REACHABLE, false, true },
	{ NEIGH_PROBE, LEARN_OVERHEARD, false, NEIGH_PROBE, false, false },
	{ NEIGH_PROBE, LEARN_ANSWERS, true, NEIGH_PROBE, false, false },
	{ NEIGH_REACHABLE, LEARN_ANSWERS, false, NEIGH_REACHABLE, false, false },
	{ NEIGH_REACHABLE, LEARN_ASKS, true, NEIGH_PROBE, false, false },
	{ NEIGH_REACHABLE, LEARN_ANSWERS, true, NEIGH_PROBE, false, false },
	{ NEIGH_REACHABLE, LEARN_OVERHEARD, true, NEIGH_PROBE, false, false },
	{ NEIGH_PERMANENT, LEARN_ASKS, true, NEIGH_PERMANENT, false, false },
	{ NEIGH_PERMANENT, LEARN_ANSWERS, true, NEIGH_PERMANENT, false, false },
	{ NEIGH_INCOMPLETE, LEARN_ASKS, true, NEIGH_REACHABLE, true, true },
	{ NEIGH_INCOMPLETE, LEARN_ANSWERS, true, NEIGH_REACHABLE, true, true },
	{ NEIGH_INCOMPLETE, LEARN_OVERHEARD, true, NEIGH_INCOMPLETE, false, false },
};

static void
each_state_and_claim_has_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t r = i / 2;
		struct ip_addr addr = net_bed_addr(peers[i % 2]);
		struct mac_addr mac = mac_of(rows[r].other ? EVIL_MAC : PEER_MAC);
		struct neigh *e;
		bool told;

		prepare(&addr, rows[r].before);
		told = learn(&bed.net, &bed.env, &addr, &mac, rows[r].claim, &bed.tx);
		e = neigh_find(&bed.net.neigh, &addr);
		if (told != rows[r].told || (e == NULL ? NEIGH_FREE : e->state) != rows[r].after)
			fail_msg("row %zu: told %d state %u", r, told, e == NULL ? 0 : e->state);
		if (e != NULL && e->state != NEIGH_INCOMPLETE)
			assert_memory_equal(
				e->mac.b, rows[r].replaced ? EVIL_MAC : PEER_MAC, 6);
		/* Who is put in doubt is asked at the old address. */
		if (rows[r].before == NEIGH_REACHABLE && rows[r].after == NEIGH_PROBE) {
			assert_int_equal(bed.tx.count, 1);
			assert_memory_equal(pkt_data(bed.tx.pkts[0]), PEER_MAC, 6);
			assert_int_equal(bed.ctr.NeighDisputes, 1);
		}
		net_bed_fini(&bed);
	}
}

static void
gateways_are_never_hearsay(void **state)
{
	struct ip_addr gateway4 = net_bed_addr(GATEWAY_IP), gateway6 = net_bed_addr("fe80::1");
	struct mac_addr mac = mac_of(EVIL_MAC);

	(void)state;
	net_bed_prepare(&bed);
	bed.par.gateway6 = gateway6;
	net_bed_start(&bed);
	assert_false(learn(&bed.net, &bed.env, &gateway4, &mac, LEARN_ASKS, &bed.tx));
	assert_false(learn(&bed.net, &bed.env, &gateway6, &mac, LEARN_ASKS, &bed.tx));
	assert_null(neigh_find(&bed.net.neigh, &gateway4));
	assert_null(neigh_find(&bed.net.neigh, &gateway6));
	net_bed_fini(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_and_claim_has_its_answer),
		cmocka_unit_test(gateways_are_never_hearsay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
