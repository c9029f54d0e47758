/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors, each written into the packet it is about (RFC 1122 s3.2.2, RFC 4443 s2.4). */
#include "net/icmp_output.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "net/ip_output.h"
#include "pkt/pool.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"

/*
 * Threat model. An error goes to whoever the packet says it is from. So it is one packet for one,
 * within icmp_msgs_per_sec together with all else; it is never about an error (two stations would
 * go on for ever), a later fragment, or a packet to a group or from a martian, which do not get
 * here; and it quotes no more than was received. What an IPv4 flood gets back is at most 28 bytes
 * more than it sent, of IPv6 48.
 */

/* Whole messages: RFC 1812 s4.3.2.3, RFC 4443 s2.4 (c). */
#define ERROR4_MAX 576u
#define ERROR6_MAX 1280u

#define PPM 1000000u

bool
icmp_take_credit(struct net *net, struct env *env)
{
	uint64_t elapsed_us = min_u64(env->now_us - net->icmp_refill_us, PPM);
	uint64_t credit = net->icmp_credit_ppm + elapsed_us * env->tun->icmp_msgs_per_sec;
	/* 0 is none from now on, whatever was left. */
	uint64_t most = env->tun->icmp_msgs_per_sec == 0 ? 0 : (uint64_t)ICMP_BURST * PPM;

	net->icmp_refill_us = env->now_us;
	net->icmp_credit_ppm = min_u64(credit, most);
	if (net->icmp_credit_ppm < PPM) {
		env->ctr->IcmpOutRateLimitGlobal++;
		return false;
	}
	net->icmp_credit_ppm -= PPM;
	return true;
}

/* Is the packet of len bytes at ip an ICMP error, or could it be? */
static bool
is_error4(const uint8_t *ip, size_t len)
{
	size_t hdr_len = (ip[0] & 15u) * 4;
	uint8_t type;

	if (ip[9] != IP_PROTO_ICMP4)
		return false;
	if (len <= hdr_len)
		return true;
	type = ip[hdr_len];
	return type != ICMP4_ECHO_REQUEST && type != ICMP4_ECHO_REPLY;
}

/* Skips headers that may be malformed, as they are what the error is about. */
static bool
is_error6(const uint8_t *ip, size_t len)
{
	uint8_t proto = ip[IP6_NEXT_HEADER_AT];
	size_t at = IP6_HDR_LEN;

	for (unsigned int i = 0; i <= IP6_EXT_HDRS_MAX && at + 8 <= len; i++) {
		const uint8_t *ext = ip + at;

		if (proto == IP_PROTO_ICMP6)
			return ext[0] < ICMP6_ECHO_REQUEST || ext[0] == ICMP6_REDIRECT;
		if (proto == IP_PROTO_FRAGMENT)
			at += IP6_FRAGMENT_HDR_LEN;
		else if (proto == IP_PROTO_HOPOPTS || proto == IP_PROTO_ROUTING ||
			proto == IP_PROTO_DSTOPTS)
			at += 8 + (size_t)ext[1] * 8;
		else
			return false;
		proto = ext[0];
	}
	/* Cut off, or too long to follow: it could be one. */
	return proto == IP_PROTO_ICMP6 || at + 8 <= len;
}

static void
count_sent(struct env *env, bool is_v4, uint8_t type)
{
	env->ctr->IcmpOutMsgs++;
	if (type == (is_v4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE))
		env->ctr->IcmpOutDestUnreachs++;
	else if (type == (is_v4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED))
		env->ctr->IcmpOutTimeExcds++;
	else
		env->ctr->IcmpOutParmProbs++;
}

/*
 * May an error about p be sent at all? headers: what goes in front of the quoted packet, where a
 * received packet has room for it.
 */
static bool
may_send(struct net *net, struct env *env, const struct pkt *p, bool is_error, size_t headers,
	const struct pkt_txq *tx)
{
	size_t need = headers + net->l2_len;

	if (is_error || pkt_txq_room(tx) == 0)
		return false;
	if (pkt_headroom(p) + (size_t)ETH_HDR_LEN < need || pkt_is_shared(p))
		return false;
	return icmp_take_credit(net, env);
}

/* Cut the quoted packet and put len bytes in front of it, for the headers; returns their place. */
static uint8_t *
begin_error(struct pkt *p, size_t headers, size_t max)
{
	pkt_pull(p, ETH_HDR_LEN);
	pkt_set_len(p, (uint16_t)min_size(p->data_len, max - headers));
	p->ol_flags = 0;
	p->tx_offload = 0;
	return pkt_push(p, (uint16_t)headers);
}

static void
put_csum(uint8_t *icmp, size_t len, uint64_t pseudo)
{
	uint16_t csum = csum_finish(csum_partial(icmp, len, pseudo));

	memcpy(icmp + 2, &csum, sizeof(csum));
}

void
icmp4_error(struct net *net, struct env *env, struct pkt *p, const struct icmp_msg *msg,
	struct pkt_txq *tx)
{
	const size_t headers = IP4_HDR_LEN + ICMP_HDR_LEN;
	uint64_t to = load_le64(pkt_data(p) + 6);
	const uint8_t *quoted = pkt_data(p) + ETH_HDR_LEN;
	/* An atomic datagram: DF and ID 0 (RFC 6864 s4.1). */
	struct ip4_hdr ip = {
		.src = load_be32(quoted + 16),
		.dst = load_be32(quoted + 12),
		.ttl = (uint8_t)env->tun->ip_default_ttl,
		.proto = IP_PROTO_ICMP4,
		.df = true,
	};
	uint8_t *b;

	ASSERT(p->data_len >= ETH_HDR_LEN + IP4_HDR_LEN);
	if (!may_send(net, env, p, is_error4(quoted, p->data_len - (size_t)ETH_HDR_LEN), headers,
		    tx)) {
		pkt_free(env->pool, p);
		return;
	}
	b = begin_error(p, headers, ERROR4_MAX);
	ip.total_len = p->data_len;
	ip4_encode(b, &ip, false);
	icmp_encode(b + IP4_HDR_LEN, msg);
	put_csum(b + IP4_HDR_LEN, p->data_len - (size_t)IP4_HDR_LEN, 0);
	count_sent(env, true, msg->type);
	env->ctr->OutRequests++;
	net_send_to(net, p, to, NET_L2_IP4, tx);
}

void
icmp6_error(struct net *net, struct env *env, struct pkt *p, const struct icmp_msg *msg,
	struct pkt_txq *tx)
{
	const size_t headers = IP6_HDR_LEN + ICMP_HDR_LEN;
	uint64_t to = load_le64(pkt_data(p) + 6);
	const uint8_t *quoted = pkt_data(p) + ETH_HDR_LEN;
	struct ip6_hdr ip = {
		.next_header = IP_PROTO_ICMP6,
		.hop_limit = (uint8_t)env->tun->ip_default_ttl,
	};
	uint64_t pseudo;
	uint8_t *b;

	ASSERT(p->data_len >= ETH_HDR_LEN + IP6_HDR_LEN);
	if (!may_send(net, env, p, is_error6(quoted, p->data_len - (size_t)ETH_HDR_LEN), headers,
		    tx)) {
		pkt_free(env->pool, p);
		return;
	}
	memcpy(ip.src.b, quoted + 24, sizeof(ip.src.b));
	memcpy(ip.dst.b, quoted + 8, sizeof(ip.dst.b));
	b = begin_error(p, headers, ERROR6_MAX);
	ip.payload_len = (uint16_t)(p->data_len - IP6_HDR_LEN);
	pseudo = pseudo_csum(&ip.src, &ip.dst, IP_PROTO_ICMP6, ip.payload_len);
	ip6_encode(b, &ip);
	icmp_encode(b + IP6_HDR_LEN, msg);
	put_csum(b + IP6_HDR_LEN, ip.payload_len, pseudo);
	count_sent(env, false, msg->type);
	env->ctr->Ip6OutRequests++;
	net_send_to(net, p, to, NET_L2_IP6, tx);
}
