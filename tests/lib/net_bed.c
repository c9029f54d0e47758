/* SPDX-License-Identifier: BSD-3-Clause */
/* The test bed of the net layer. */
#include <string.h>

#include "lib/net_bed.h"

#include "base/assert.h"
#include "net/neigh.h"
#include "pkt/pool.h"

struct ip_addr
net_bed_addr(const char *text)
{
	struct ip_addr a = { { 0 } };
	int err = ip_addr_parse(&a, text, strlen(text));

	ASSERT(err == 0);
	return a;
}

void
net_bed_prepare(struct net_bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	test_pkts_init(&bed->pkts, 4096, 2048);
	tunables_default(&bed->tun);
	bed->local.count = 3;
	bed->local.addr[0] = net_bed_addr(OUR_IP);
	bed->local.addr[1] = net_bed_addr(OUR_IP6);
	bed->local.addr[2] = net_bed_addr(OUR_IP_2);
	bed->local.prefix_len[0] = 24;
	bed->local.prefix_len[1] = 64;
	bed->local.prefix_len[2] = 24;
	memcpy(bed->par.mac.b, OUR_MAC, 6);
	bed->par.mtu = 1500;
	bed->par.primary = true;
	bed->par.gateway4 = net_bed_addr(GATEWAY_IP);
	bed->par.local = &bed->local;
	bed->par.neigh_max = 64;
	bed->par.neigh_key = (struct siphash_key){ { 1, 2 } };
	bed->par.reass_key = (struct siphash_key){ { 3, 4 } };
	bed->par.start_us = 1000000;
	bed->env.now_us = bed->par.start_us + 10000000;
	bed->env.tun = &bed->tun;
	bed->env.ctr = &bed->ctr;
	bed->env.pool = &bed->pkts.pool;
}

void
net_bed_start(struct net_bed *bed)
{
	int err = net_init(&bed->net, &bed->par);

	ASSERT(err == 0);
	bed->net.announce_at_us = UINT64_MAX;
	bed->net.nd_at_us = UINT64_MAX;
}

void
net_bed_init(struct net_bed *bed)
{
	net_bed_prepare(bed);
	net_bed_start(bed);
}

unsigned int
net_bed_discard(struct net_bed *bed)
{
	unsigned int n = bed->tx.count;

	while (bed->tx.count > 0)
		pkt_free(bed->env.pool, bed->tx.pkts[--bed->tx.count]);
	return n;
}

void
net_bed_fini(struct net_bed *bed)
{
	net_bed_discard(bed);
	net_fini(&bed->net, &bed->env);
	ASSERT(bed->pkts.pool.held == 0);
	test_pkts_check_none(&bed->pkts);
}

uint64_t
net_bed_outcomes(const struct net_bed *bed)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < OUTCOME_MAX; i++)
		sum += bed->ctr.outcome[i];
	return sum;
}

static void
check_seg(const struct net_bed *bed, const struct pkt *p)
{
	const struct tcp_seg *seg = &bed->seg;
	const uint8_t *b = pkt_data(p);

	ASSERT(seg->l3_off == 14);
	ASSERT(seg->l4_off >= 34);
	ASSERT(seg->payload_off >= seg->l4_off + 20);
	ASSERT(seg->payload_off + seg->len == p->data_len);
	ASSERT(seg->key.laddr_idx < bed->local.count);
	ASSERT(seg->key.zero == 0);
	ASSERT(seg->key.family == b[seg->l3_off] >> 4);
}

unsigned int
net_bed_input_flags(
	struct net_bed *bed, const void *frame, size_t len, uint64_t ol_flags, struct pkt **out)
{
	struct counters before = bed->ctr;
	uint64_t outcomes = net_bed_outcomes(bed);
	struct pkt *p = test_pkts_wrap(&bed->pkts, bed->env.pool, frame, len);
	enum net_verdict verdict;

	p->ol_flags = ol_flags;
	p->vlan_tci = bed->par.vlan;
	p->packet_type = UINT32_MAX;
	verdict = net_input(&bed->net, &bed->env, p, &bed->seg, &bed->tx);
	if (verdict == NET_TCP_WHOLE) {
		p = bed->net.whole;
		verdict = NET_TCP;
	}
	/* TCP would count it. */
	if (verdict == NET_REPORT)
		bed->ctr.outcome[OUT_ICMP_ERROR_USED]++;
	if (verdict == NET_TCP) {
		ASSERT(net_bed_outcomes(bed) == outcomes);
		ASSERT(p->pkt_len == p->data_len);
		check_seg(bed, p);
		if (out != NULL)
			*out = p;
		else
			pkt_free(bed->env.pool, p);
		return OUTCOME_MAX;
	}
	ASSERT(net_bed_outcomes(bed) == outcomes + 1);
	for (unsigned int i = 0; i < OUTCOME_MAX; i++)
		if (bed->ctr.outcome[i] != before.outcome[i])
			return i;
	return OUTCOME_MAX;
}

unsigned int
net_bed_input(struct net_bed *bed, const struct frame *f)
{
	return net_bed_input_flags(bed, f->b, f->len, 0, NULL);
}

void
net_bed_output(struct net_bed *bed, const char *dst, size_t len)
{
	struct ip_addr a = net_bed_addr(dst);
	struct pkt *p = pkt_alloc(bed->env.pool);
	struct frame f;

	ASSERT(p != NULL);
	frame_eth(&f, NO_MAC, NO_MAC, 0);
	if (ip_addr_is_v4(&a))
		frame_ip4(&f, OUR_IP, dst, 6);
	else
		frame_ip6(&f, OUR_IP6, dst, 6);
	frame_data(&f, NULL, len);
	frame_finish(&f);
	memcpy(pkt_data(p), f.b + f.l3, f.len - f.l3);
	pkt_set_len(p, (uint16_t)(f.len - f.l3));
	net_output(&bed->net, &bed->env, p, &bed->tx);
}

bool
net_bed_sent(struct net_bed *bed, struct frame *f)
{
	struct pkt *p;

	if (bed->tx.count == 0)
		return false;
	p = bed->tx.pkts[0];
	memmove(bed->tx.pkts, bed->tx.pkts + 1, --bed->tx.count * sizeof(struct pkt *));
	memset(f, 0, offsetof(struct frame, b));
	ASSERT(p->data_len <= FRAME_MAX);
	memcpy(f->b, pkt_data(p), p->data_len);
	f->len = p->data_len;
	pkt_free(bed->env.pool, p);
	return true;
}

void
net_bed_advance(struct net_bed *bed, uint64_t us)
{
	uint64_t end = bed->env.now_us + us;

	while (net_poll_at(&bed->net) <= end) {
		bed->env.now_us = max_u64(net_poll_at(&bed->net), bed->env.now_us);
		net_poll(&bed->net, &bed->env, &bed->tx);
	}
	bed->env.now_us = end;
}
