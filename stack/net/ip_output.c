/* SPDX-License-Identifier: BSD-3-Clause */
/* From an IP packet to a frame on its way to the next hop. */
#include "net/ip_output.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "net/learn.h"
#include "pkt/pool.h"

int
net_onlink_find(const struct net *net, const struct ip_addr *addr)
{
	unsigned int v6 = ip_addr_is_v4(addr) ? 0 : 1;
	uint64_t lo = load_le64(addr->b);
	uint64_t hi = load_le64(addr->b + 8);

	for (unsigned int i = 0; i < net->onlink_count[v6]; i++) {
		const struct net_onlink *row = &net->onlink[v6][i];
		uint64_t differs = (lo ^ row->net[0]) & row->mask[0];

		differs |= (hi ^ row->net[1]) & row->mask[1];
		if (differs == 0)
			return (int)row->laddr_idx;
	}
	return -1;
}

const struct ip_addr *
net_next_hop(const struct net *net, const struct ip_addr *dst)
{
	const struct ip_addr *gateway;

	if (net_onlink_find(net, dst) >= 0)
		return dst;
	gateway = ip_addr_is_v4(dst) ? &net->par.gateway4 : &net->par.gateway6;
	return ip_addr_is_unspecified(gateway) ? NULL : gateway;
}

/* The neighbour has no MAC that may be used as it is: ask, and wait or send meanwhile. */
static SLUICE_NOINLINE void
output_unsettled(struct net *net, struct env *env, struct pkt *p, const struct ip_addr *hop,
	struct pkt_txq *tx)
{
	struct neigh *e = neigh_find(&net->neigh, hop);

	if (e == NULL)
		e = neigh_add(&net->neigh, env, hop, NEIGH_INCOMPLETE, NULL);
	ASSERT(e != NULL);
	if (e->state == NEIGH_STALE || e->state == NEIGH_REACHABLE)
		neigh_set_probe(&net->neigh, env, e, NEIGH_TRIES);
	if (e->tries == NEIGH_TRIES)
		learn_ask(net, env, e, tx);
	if (e->state == NEIGH_INCOMPLETE)
		neigh_wait(&net->neigh, env, e, p);
	else
		net_send_to(net, p, e->mac_word, ip_addr_is_v4(hop) ? NET_L2_IP4 : NET_L2_IP6, tx);
}

/*
 * TCP has had no answer for long: whoever is behind the next hop is asked, in use meanwhile, and
 * forgotten if silent (RFC 9293 s3.8.3, R1). Once a second at most, whatever the connections say.
 */
static SLUICE_NOINLINE void
doubt(struct net *net, struct env *env, const struct pkt *p)
{
	const uint8_t *ip = pkt_data(p);
	struct ip_addr dst;
	const struct ip_addr *hop;
	struct neigh *e;

	if (ip[0] >> 4 == 4)
		dst = ip_addr_from_v4(load_be32(ip + 16));
	else
		memcpy(dst.b, ip + 24, sizeof(dst.b));
	hop = net_next_hop(net, &dst);
	e = hop == NULL ? NULL : neigh_find(&net->neigh, hop);
	if (e == NULL || e->state != NEIGH_REACHABLE || neigh_is_settled(e, env->now_us))
		return;
	neigh_set_probe(&net->neigh, env, e, NEIGH_TRIES);
	env->ctr->NeighReasked++;
}

static void
output_no_route(struct env *env, struct pkt *p, bool is_v4)
{
	if (is_v4)
		env->ctr->OutNoRoutes++;
	else
		env->ctr->Ip6OutNoRoutes++;
	pkt_free_chain(env->pool, p);
}

/*
 * The neighbour that an IPv4 packet goes to first, if its MAC may be used as it is; NULL: the
 * general way finds out, which it does always where SLUICE_FORCE_SLOW_PATH is set. IPv4 addresses
 * differ in their last eight bytes alone (wire/addr.h).
 */
static inline const struct neigh *
settled4(const struct net *net, const uint8_t *ip, uint64_t now_us)
{
	struct ip_addr dst = ip_addr_from_v4(load_be32(ip + 16));
	uint64_t addr = load_le64(dst.b + 8);
	uint64_t hop = load_le64(net->par.gateway4.b + 8);
	const struct neigh *e;

#if defined(SLUICE_FORCE_SLOW_PATH)
	return NULL;
#endif
	for (unsigned int i = 0; i < net->onlink_count[0]; i++) {
		const struct net_onlink *row = &net->onlink[0][i];

		if (((addr ^ row->net[1]) & row->mask[1]) == 0)
			hop = addr;
	}
	/* Without a gateway it is zero, which no neighbour is called. */
	e = net->neigh.hot[(hop >> 56) % NEIGH_HOT];
	if (load_le64(e->addr.b) != 0 || load_le64(e->addr.b + 8) != hop)
		return NULL;
	return now_us < e->valid_until_us ? e : NULL;
}

/* Wherever it goes, if there is a way. */
static SLUICE_NOINLINE void
output_any(struct net *net, struct env *env, struct pkt *p, enum net_l2 kind, struct pkt_txq *tx)
{
	const uint8_t *ip = pkt_data(p);
	const struct ip_addr *hop;
	struct ip_addr dst;
	struct neigh *e;

	if (kind == NET_L2_IP4)
		dst = ip_addr_from_v4(load_be32(ip + 16));
	else
		memcpy(dst.b, ip + 24, sizeof(dst.b));
	hop = net_next_hop(net, &dst);
	e = hop == NULL ? NULL : neigh_find(&net->neigh, hop);
	if (e != NULL && env->now_us < e->valid_until_us)
		net_send_to(net, p, e->mac_word, kind, tx);
	else if (hop != NULL)
		output_unsettled(net, env, p, hop, tx);
	else
		output_no_route(env, p, kind == NET_L2_IP4);
}

void
net_output(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx)
{
	const uint8_t *ip = pkt_data(p);
	bool is_v4 = ip[0] >> 4 == 4;
	enum net_l2 kind = is_v4 ? NET_L2_IP4 : NET_L2_IP6;
	const struct neigh *e;

	if (is_v4)
		env->ctr->OutRequests++;
	else
		env->ctr->Ip6OutRequests++;
	if ((p->app.flags & PKT_F_REPLY_L2) != 0) {
		/* The sender in the header in front, and the type behind, which is overwritten. */
		net_send_to(net, p, load_le64(ip - 8), kind, tx);
		return;
	}
	if (SLUICE_UNLIKELY((p->app.flags & PKT_F_REASK) != 0))
		doubt(net, env, p);
	e = is_v4 ? settled4(net, ip, env->now_us) : NULL;
	if (SLUICE_LIKELY(e != NULL))
		net_send_to(net, p, e->mac_word, NET_L2_IP4, tx);
	else
		output_any(net, env, p, kind, tx);
}
