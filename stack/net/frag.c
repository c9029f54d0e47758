/* SPDX-License-Identifier: BSD-3-Clause */
/* What is to be said of a fragment before the table takes it, and of a datagram once whole. */
#include "net/frag.h"

#include "conf/counters.h"
#include "net/icmp_output.h"
#include "pkt/pool.h"
#include "wire/icmp.h"
#include "wire/tcp.h"

/*
 * A whole datagram looks as if it had come in one piece: Ethernet header and IP header of its first
 * fragment, without options and extension headers that every fragment carried and that have been
 * looked at. It is never longer than a buffer, which is what our MSS and MTU promise.
 */

/*
 * Does the first fragment end within the header of the upper layer? Filters on the way judge by
 * ports and flags: what hides them is made to get past (RFC 1858 s3, RFC 7112 s5).
 */
static bool
is_tiny(uint8_t proto, const uint8_t *p, size_t len)
{
	if (proto != IP_PROTO_TCP)
		return len < ICMP_HDR_LEN;
	return len < TCP_HDR_LEN || len < (size_t)(p[12] >> 4) * 4;
}

/* The strongest mark of any fragment (RFC 3168 s5.3). */
static uint8_t
ecn_of(const struct reass_row *row, uint8_t ecn)
{
	return (row->ecn >> IP_ECN_CE & 1) != 0 ? (uint8_t)IP_ECN_CE : ecn;
}

/* It passed as a frame of our VLAN, and will again. */
static void
set_vlan(const struct net *net, struct pkt *p)
{
	if (net->par.vlan == 0)
		return;
	p->ol_flags |= PKT_RX_VLAN_STRIPPED;
	p->vlan_tci = net->par.vlan;
}

/* The table keeps a copy, so that p is done with. */
static unsigned int
add(struct net *net, struct env *env, struct pkt *p, const struct reass_fragment *f,
	struct reass_row *row, struct pkt **whole)
{
	unsigned int out = reass_add(&net->reass, env, f, row, whole);

	if (out == OUTCOME_MAX)
		set_vlan(net, *whole);
	pkt_free(env->pool, p);
	return out;
}

unsigned int
frag4_input(struct net *net, struct env *env, struct pkt *p, struct ip4_hdr *hdr,
	unsigned int laddr_idx, struct pkt **whole)
{
	struct ip_addr src = ip_addr_from_v4(hdr->src);
	uint8_t *b = pkt_data(p);
	struct reass_fragment f = {
		.frame = b,
		.data = b + ETH_HDR_LEN + hdr->hdr_len,
		.offset = hdr->frag_off,
		.len = (uint16_t)(hdr->total_len - hdr->hdr_len),
		.ip_hdr_len = IP4_HDR_LEN,
		.next_header = hdr->proto,
		.ecn = hdr->tos & IP_ECN_MASK,
		.more = hdr->mf,
	};
	struct reass_row row;
	unsigned int out;

	env->ctr->ReasmReqds++;
	if (hdr->frag_off == 0 && is_tiny(hdr->proto, f.data, f.len)) {
		pkt_free(env->pool, p);
		return OUT_FRAG_TINY;
	}
	reass_key_make(f.key, &src, laddr_idx, hdr->id, hdr->proto);
	out = add(net, env, p, &f, &row, whole);
	if (out != OUTCOME_MAX)
		return out;
	env->ctr->ReasmOKs++;
	b = pkt_data(*whole) + ETH_HDR_LEN;
	hdr->tos = (uint8_t)((b[1] & ~IP_ECN_MASK) | ecn_of(&row, b[1] & IP_ECN_MASK));
	hdr->ttl = b[8];
	hdr->hdr_len = IP4_HDR_LEN;
	hdr->total_len = (uint16_t)(IP4_HDR_LEN + row.total);
	hdr->frag_off = 0;
	hdr->mf = false;
	ip4_encode(b, hdr, false);
	return OUTCOME_MAX;
}

/* The datagram's own header chain: what follows the fragment header. */
static unsigned int
walk_whole(const struct pkt *p, const struct ip6_hdr *hdr, struct ip6_upper *upper)
{
	const uint8_t *ip = pkt_data(p) + ETH_HDR_LEN;
	enum ip6_error error = ip6_walk(
		ip, IP6_HDR_LEN + (size_t)hdr->payload_len, hdr->next_header, upper);

	if (error == IP6_BAD_FRAGMENT || (error == IP6_OK && upper->is_fragment))
		return OUT_IP6_FRAGMENT;
	if (error != IP6_OK || ETH_HDR_LEN + upper->offset > UINT8_MAX)
		return OUT_IP6_BAD_EXT;
	return OUTCOME_MAX;
}

unsigned int
frag6_input(struct net *net, struct env *env, struct pkt *p, struct ip6_rx *rx,
	unsigned int laddr_idx, struct pkt **whole)
{
	const struct ip6_upper *upper = &rx->upper;
	struct ip6_hdr *hdr = &rx->hdr;
	const uint8_t *ip = pkt_data(p) + ETH_HDR_LEN;
	unsigned int at = upper->frag_at + (unsigned int)IP6_FRAGMENT_HDR_LEN;
	struct reass_fragment f = {
		.frame = pkt_data(p),
		.data = ip + at,
		.offset = upper->frag_off,
		.len = (uint16_t)(IP6_HDR_LEN + hdr->payload_len - at),
		.ip_hdr_len = IP6_HDR_LEN,
		.next_header = ip[upper->frag_at],
		.ecn = hdr->tclass & IP_ECN_MASK,
		.more = upper->frag_more,
	};
	struct reass_row row;
	unsigned int out;

	env->ctr->Ip6ReasmReqds++;
	if (f.offset == 0 &&
		is_tiny(upper->proto, ip + upper->offset,
			IP6_HDR_LEN + (size_t)hdr->payload_len - upper->offset)) {
		pkt_free(env->pool, p);
		return OUT_FRAG_TINY;
	}
	/* The next header of the first fragment counts, so it is not in the key. */
	reass_key_make(f.key, &hdr->src, laddr_idx, upper->frag_id, 0);
	out = add(net, env, p, &f, &row, whole);
	if (out != OUTCOME_MAX)
		return out;
	env->ctr->Ip6ReasmOKs++;
	(void)ip6_parse(pkt_data(*whole) + ETH_HDR_LEN, IP6_HDR_LEN + (size_t)UINT16_MAX, hdr);
	hdr->tclass = (uint8_t)((hdr->tclass & ~IP_ECN_MASK) |
		ecn_of(&row, hdr->tclass & IP_ECN_MASK));
	hdr->payload_len = row.total;
	hdr->next_header = row.next_header;
	ip6_encode(pkt_data(*whole) + ETH_HDR_LEN, hdr);
	out = walk_whole(*whole, hdr, &rx->upper);
	if (out != OUTCOME_MAX)
		pkt_free(env->pool, *whole);
	return out;
}

/* --- time ----------------------------------------------------------------------------------- */

/* The first fragment as it was, for its sender to recognise. */
static void
restore4(struct pkt *p, const struct reass_row *row)
{
	uint8_t *ip = pkt_data(p) + ETH_HDR_LEN;
	uint16_t frag = (uint16_t)((load_be16(ip + 6) & 0x8000) | 0x2000);
	uint16_t csum;

	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HDR_LEN + row->first_len));
	store_be16(ip + 6, frag);
	store_be16(ip + 10, 0);
	csum = csum_finish(csum_partial(ip, IP4_HDR_LEN, 0));
	memcpy(ip + 10, &csum, sizeof(csum));
	pkt_set_len(p, (uint16_t)(ETH_HDR_LEN + IP4_HDR_LEN + row->first_len));
}

/* The Ethernet header and the base header move forward, for the fragment header behind them. */
static void
restore6(struct pkt *p, const struct reass_row *row)
{
	uint8_t *b = pkt_data(p);
	uint8_t *ip;

	pkt_set_len(p, (uint16_t)(ETH_HDR_LEN + IP6_HDR_LEN + row->first_len));
	memmove(b - IP6_FRAGMENT_HDR_LEN, b, ETH_HDR_LEN + IP6_HDR_LEN);
	ip = pkt_push(p, IP6_FRAGMENT_HDR_LEN) + ETH_HDR_LEN;
	ip[IP6_NEXT_HEADER_AT] = IP_PROTO_FRAGMENT;
	store_be16(ip + 4, (uint16_t)(IP6_FRAGMENT_HDR_LEN + row->first_len));
	ip[IP6_HDR_LEN] = row->next_header;
	ip[IP6_HDR_LEN + 1] = 0;
	store_be16(ip + IP6_HDR_LEN + 2, 1);
	store_be32(ip + IP6_HDR_LEN + 4, (uint32_t)row->key[2]);
}

bool
frag_poll(struct net *net, struct env *env, struct pkt_txq *tx)
{
	/* Code 1 of both: fragment reassembly time exceeded. */
	struct icmp_msg msg = { .code = 1 };
	struct reass_row row;

	if (!reass_expired(&net->reass, env, &row))
		return false;
	if (row.pkt == NULL)
		return true;
	if (row.ip_hdr_len == IP4_HDR_LEN) {
		msg.type = ICMP4_TIME_EXCEEDED;
		restore4(row.pkt, &row);
		icmp4_error(net, env, row.pkt, &msg, tx);
	} else {
		msg.type = ICMP6_TIME_EXCEEDED;
		restore6(row.pkt, &row);
		icmp6_error(net, env, row.pkt, &msg, tx);
	}
	return true;
}
