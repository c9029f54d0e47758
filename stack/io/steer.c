/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow to worker: just enough parsing to find the flow, then hashes of the whole burst together. */
#include "io/steer.h"

#include "base/assert.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* What the hash covers: three words, as siphash24_3w_burst takes them. */
struct flow_words {
	uint64_t w[3];
};

/* What a frame's headers say about its owner. */
enum target {
	TARGET_PRIMARY,
	TARGET_ALL,
	TARGET_FLOW, /* by the hash of the words */
	TARGET_FRAGMENT, /* the same, among those that own a queue */
};

static struct flow_words
make_words(const struct ip_addr *raddr, uint16_t rport, uint16_t lport)
{
	return (struct flow_words){ {
		load_le64(raddr->b),
		load_le64(raddr->b + 8),
		(uint64_t)rport << 16 | lport,
	} };
}

/* Multiply-shift: the upper half of the hash picks one of n without a division. */
static uint32_t
pick(uint64_t hash, uint32_t n)
{
	return (uint32_t)((hash >> 32) * n >> 32);
}

static uint32_t
worker_of(const struct steer *s, uint64_t hash)
{
	return pick(hash, s->workers);
}

/* What all fragments of a datagram have in common. */
static enum target
fragment_target(const struct ip_addr *src, uint32_t id, struct flow_words *words)
{
	*words = make_words(src, (uint16_t)(id >> 16), (uint16_t)id);
	return TARGET_FRAGMENT;
}

static enum target
tcp_target(const struct ip_addr *src, const uint8_t *p, size_t len, struct flow_words *words)
{
	if (len < 4)
		return TARGET_PRIMARY;
	*words = make_words(src, load_be16(p), load_be16(p + 2));
	return TARGET_FLOW;
}

/* An ICMP error quotes a packet that we sent: its destination is the remote end. */
static enum target
quote_target(enum icmp_error parsed, const struct icmp_quote *quote, struct flow_words *words)
{
	if (parsed != ICMP_OK || quote->proto != IP_PROTO_TCP)
		return TARGET_PRIMARY;
	*words = make_words(&quote->dst, quote->dport, quote->sport);
	return TARGET_FLOW;
}

static enum target
icmp4_target(const uint8_t *p, size_t len, struct flow_words *words)
{
	struct icmp_quote quote;

	if (len < ICMP_HDR_LEN)
		return TARGET_PRIMARY;
	if (p[0] != ICMP4_UNREACHABLE && p[0] != ICMP4_TIME_EXCEEDED &&
		p[0] != ICMP4_PARAM_PROBLEM && p[0] != ICMP4_SOURCE_QUENCH)
		return TARGET_PRIMARY;
	return quote_target(
		icmp4_parse_quote(p + ICMP_HDR_LEN, len - ICMP_HDR_LEN, &quote), &quote, words);
}

static enum target
icmp6_target(const uint8_t *p, size_t len, struct flow_words *words)
{
	struct icmp_quote quote;

	if (len < ICMP_HDR_LEN)
		return TARGET_PRIMARY;
	if (p[0] == ICMP6_NEIGHBOUR_SOLICIT || p[0] == ICMP6_NEIGHBOUR_ADVERT ||
		p[0] == ICMP6_ROUTER_ADVERT)
		return TARGET_ALL;
	if (p[0] >= ICMP6_ECHO_REQUEST)
		return TARGET_PRIMARY;
	return quote_target(
		icmp6_parse_quote(p + ICMP_HDR_LEN, len - ICMP_HDR_LEN, &quote), &quote, words);
}

static enum target
ip4_target(const uint8_t *p, size_t len, struct flow_words *words)
{
	struct ip_addr src;
	struct ip4_hdr h;

	if (ip4_parse(p, len, true, &h) != IP4_OK)
		return TARGET_PRIMARY;
	src = ip_addr_from_v4(h.src);
	if (ip4_is_fragment(&h))
		return fragment_target(&src, h.id, words);
	p += h.hdr_len;
	len = (size_t)(h.total_len - h.hdr_len);
	if (h.proto == IP_PROTO_TCP)
		return tcp_target(&src, p, len, words);
	return h.proto == IP_PROTO_ICMP4 ? icmp4_target(p, len, words) : TARGET_PRIMARY;
}

static enum target
ip6_target(const uint8_t *p, size_t len, struct flow_words *words)
{
	struct ip6_upper up;
	struct ip6_hdr h;

	if (ip6_parse(p, len, &h) != IP6_OK)
		return TARGET_PRIMARY;
	len = (size_t)h.payload_len + IP6_HDR_LEN;
	if (ip6_walk(p, len, h.next_header, &up) != IP6_OK)
		return TARGET_PRIMARY;
	if (up.frag_more || up.frag_off != 0)
		return fragment_target(&h.src, up.frag_id, words);
	p += up.offset;
	len -= up.offset;
	if (up.proto == IP_PROTO_TCP)
		return tcp_target(&h.src, p, len, words);
	return up.proto == IP_PROTO_ICMP6 ? icmp6_target(p, len, words) : TARGET_PRIMARY;
}

/* Requests for our addresses, replies, and announcements (sender and target the same). */
static enum target
arp_target(const struct steer *s, const uint8_t *p, size_t len)
{
	struct ip_addr target;
	struct arp_pkt arp;

	if (arp_parse(p, len, &arp) != ARP_OK)
		return TARGET_PRIMARY;
	target = ip_addr_from_v4(arp.tpa);
	if (arp.spa == arp.tpa || local_addrs_find(s->local, &target) >= 0)
		return TARGET_ALL;
	return TARGET_PRIMARY;
}

static enum target
frame_target(const struct steer *s, const struct pkt *p, struct flow_words *words)
{
	const uint8_t *data = pkt_data(p);
	struct eth_hdr eth;
	size_t len = p->data_len;

	if (eth_parse(data, len, &eth) != ETH_OK)
		return TARGET_PRIMARY;
	data += eth.hdr_len;
	len -= eth.hdr_len;
	switch (eth.type) {
	case ETH_TYPE_IP4:
		return ip4_target(data, len, words);
	case ETH_TYPE_IP6:
		return ip6_target(data, len, words);
	case ETH_TYPE_ARP:
		return arp_target(s, data, len);
	default:
		return TARGET_PRIMARY;
	}
}

uint32_t
steer_flow(const struct steer *s, const struct flow_key *key)
{
	struct flow_words words = make_words(&key->raddr, key->rport, key->lport);

	return worker_of(s, siphash24_3w(&s->key, words.w));
}

bool
steer_is_mine(const void *ctx, const struct flow_key *key)
{
	const struct steer_self *self = ctx;

	return steer_flow(self->steer, key) == self->worker;
}

void
steer_burst(const struct steer *s, struct pkt *const *pkts, unsigned int n, uint32_t *owners)
{
	struct flow_words words[STEER_BURST_MAX];
	uint64_t hashes[STEER_BURST_MAX];
	uint32_t flow_at[STEER_BURST_MAX];
	unsigned int flows = 0;

	ASSERT(n <= STEER_BURST_MAX);
	for (unsigned int i = 0; i < n; i++) {
		enum target target = frame_target(s, pkts[i], &words[flows]);

		owners[i] = target == TARGET_ALL ? STEER_ALL : STEER_PRIMARY;
		if (target == TARGET_FLOW)
			flow_at[flows++] = i;
		else if (target == TARGET_FRAGMENT)
			owners[i] = pick(siphash24_3w(&s->key, words[flows].w), s->queues);
	}
	if (flows == 0)
		return;
	siphash24_3w_burst(&s->key, words[0].w, hashes, flows);
	for (unsigned int i = 0; i < flows; i++)
		owners[flow_at[i]] = worker_of(s, hashes[i]);
}
