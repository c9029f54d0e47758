/* SPDX-License-Identifier: BSD-3-Clause */
/* Received ICMP of both versions. */
#include "net/icmp_input.h"

#include "conf/counters.h"
#include "conf/tunables.h"
#include "net/icmp_output.h"
#include "net/ip_output.h"
#include "net/nd.h"
#include "pkt/pool.h"
#include "wire/icmp.h"
#include "wire/pseudo.h"

/*
 * Threat model. Echo is answered at icmp_msgs_per_sec at most, one packet for one, no longer than
 * the request, and only to a source that ip_input let pass: no broadcast, multicast or martian, so
 * there is nothing to amplify and nobody to reflect at. An error message may come from anybody on
 * the path and beyond it: here it only has to quote something we could have sent; TCP judges.
 */

/* Why this echo request gets no answer; OUT_ICMP_ECHO: it gets one of ip_len bytes. */
static enum outcome
judge_echo(struct net *net, struct env *env, size_t ip_len, const struct pkt_txq *tx)
{
	env->ctr->IcmpInEchos++;
	if (env->tun->icmp_echo_ignore_all != 0)
		return OUT_ICMP_IGNORED;
	/* We send no fragments, and put together what is longer than our MTU. */
	if (ip_len > net->par.mtu)
		return OUT_ICMP_TOO_LONG;
	if (pkt_txq_room(tx) == 0) {
		env->ctr->InDiscards++;
		return OUT_NO_BUFFER;
	}
	return icmp_take_credit(net, env) ? OUT_ICMP_ECHO : OUT_ICMP_RATE;
}

/*
 * Turn p round: what is behind its first l4_off bytes gets a new IP header of ip_len bytes, to be
 * written at the returned place, in front. Options and extension headers are left out.
 */
static uint8_t *
begin_reply(struct env *env, struct pkt *p, size_t l4_off, size_t ip_len)
{
	env->ctr->IcmpOutMsgs++;
	env->ctr->IcmpOutEchoReps++;
	pkt_pull(p, (uint16_t)(l4_off - ip_len));
	p->ol_flags = 0;
	return pkt_data(p);
}

/* The sender's MAC address, with two bytes of the ethertype behind. */
static uint64_t
sender_of(const struct pkt *p)
{
	return load_le64(pkt_data(p) + 6);
}

static void
echo4(struct net *net, struct env *env, struct pkt *p, const struct ip4_hdr *hdr,
	struct pkt_txq *tx)
{
	uint64_t to = sender_of(p);
	size_t l4_off = ETH_HDR_LEN + (size_t)hdr->hdr_len;
	/* An atomic datagram: DF and ID 0 (RFC 6864 s4.1). */
	struct ip4_hdr reply = {
		.src = hdr->dst,
		.dst = hdr->src,
		.total_len = (uint16_t)(IP4_HDR_LEN + hdr->total_len - hdr->hdr_len),
		.ttl = (uint8_t)env->tun->ip_default_ttl,
		.proto = IP_PROTO_ICMP4,
		.tos = (uint8_t)(hdr->tos & ~IP_ECN_MASK),
		.df = true,
	};

	icmp4_echo_to_reply(pkt_data(p) + l4_off);
	ip4_encode(begin_reply(env, p, l4_off, IP4_HDR_LEN), &reply, false);
	env->ctr->OutRequests++;
	net_send_to(net, p, to, NET_L2_IP4, tx);
}

static void
echo6(struct net *net, struct env *env, struct pkt *p, const struct ip6_hdr *hdr, uint16_t l4_off,
	struct pkt_txq *tx)
{
	uint64_t to = sender_of(p);
	struct ip6_hdr reply = {
		.src = hdr->dst,
		.dst = hdr->src,
		.payload_len = (uint16_t)(p->data_len - l4_off),
		.tclass = (uint8_t)(hdr->tclass & ~IP_ECN_MASK),
		.next_header = IP_PROTO_ICMP6,
		.hop_limit = (uint8_t)env->tun->ip_default_ttl,
	};

	icmp6_echo_to_reply(pkt_data(p) + l4_off);
	ip6_encode(begin_reply(env, p, l4_off, IP6_HDR_LEN), &reply);
	env->ctr->Ip6OutRequests++;
	net_send_to(net, p, to, NET_L2_IP6, tx);
}

/* The outcome of a message that cannot even be read. */
static enum outcome
unreadable(struct env *env, enum icmp_error error)
{
	env->ctr->IcmpInErrors++;
	if (error == ICMP_BAD_CSUM)
		env->ctr->IcmpInCsumErrors++;
	return OUT_ICMP_BAD;
}

/* Turn what an error quotes into a report; OUTCOME_MAX: done. */
static unsigned int
report(struct net *net, struct env *env, const struct icmp_msg *msg, const struct icmp_quote *quote)
{
	int idx = local_addrs_find(net->par.local, &quote->src);

	if (idx < 0 || ip_addr_is_v4(&quote->src) != ip_addr_is_v4(&quote->dst)) {
		env->ctr->IcmpInErrors++;
		return OUT_ICMP_ERROR_STRAY;
	}
	if (!icmp_report_make(msg, quote, &net->report))
		return OUT_ICMP_IGNORED;
	net->report.key = flow_key_make(&quote->dst, quote->dport, (uint8_t)idx, quote->sport);
	return OUTCOME_MAX;
}

/* What becomes of a message that is not an echo request. payload: behind the first 8 bytes. */
static unsigned int
judge4(struct net *net, struct env *env, const struct icmp_msg *msg, const uint8_t *payload,
	size_t len)
{
	struct icmp_quote quote;

	if (msg->type == ICMP4_ECHO_REPLY)
		env->ctr->IcmpInEchoReps++;
	if (msg->type == ICMP4_UNREACHABLE)
		env->ctr->IcmpInDestUnreachs++;
	if (msg->type == ICMP4_TIME_EXCEEDED)
		env->ctr->IcmpInTimeExcds++;
	if (msg->type == ICMP4_PARAM_PROBLEM)
		env->ctr->IcmpInParmProbs++;
	if (msg->type == ICMP4_SOURCE_QUENCH)
		env->ctr->IcmpInSrcQuenchs++;
	if (msg->type == ICMP4_REDIRECT)
		env->ctr->IcmpInRedirects++;
	if (msg->type == ICMP4_UNREACHABLE || msg->type == ICMP4_TIME_EXCEEDED ||
		msg->type == ICMP4_PARAM_PROBLEM) {
		enum icmp_error error = icmp4_parse_quote(payload, len, &quote);

		return error == ICMP_OK ? report(net, env, msg, &quote) : unreadable(env, error);
	}
	return OUT_ICMP_IGNORED;
}

static unsigned int
judge6(struct net *net, struct env *env, const struct icmp_msg *msg, const uint8_t *payload,
	size_t len)
{
	struct icmp_quote quote;

	if (msg->type == ICMP6_ECHO_REPLY)
		env->ctr->IcmpInEchoReps++;
	if (msg->type == ICMP6_UNREACHABLE)
		env->ctr->IcmpInDestUnreachs++;
	if (msg->type == ICMP6_TOO_BIG)
		env->ctr->Icmp6InPktTooBigs++;
	if (msg->type == ICMP6_TIME_EXCEEDED)
		env->ctr->IcmpInTimeExcds++;
	if (msg->type == ICMP6_PARAM_PROBLEM)
		env->ctr->IcmpInParmProbs++;
	if (msg->type == ICMP6_REDIRECT)
		env->ctr->IcmpInRedirects++;
	if (msg->type >= ICMP6_UNREACHABLE && msg->type <= ICMP6_PARAM_PROBLEM) {
		enum icmp_error error = icmp6_parse_quote(payload, len, &quote);

		return error == ICMP_OK ? report(net, env, msg, &quote) : unreadable(env, error);
	}
	return OUT_ICMP_IGNORED;
}

/* Count what became of p, and give it back unless an echo reply goes out in it. */
static enum net_verdict
finish(struct env *env, struct pkt *p, unsigned int out)
{
	if (out != OUTCOME_MAX)
		env->ctr->outcome[out]++;
	if (out != OUT_ICMP_ECHO)
		pkt_free(env->pool, p);
	return out == OUTCOME_MAX ? NET_REPORT : NET_DONE;
}

enum net_verdict
icmp4_input(struct net *net, struct env *env, struct pkt *p, const struct ip4_hdr *hdr,
	struct pkt_txq *tx)
{
	const uint8_t *icmp = pkt_data(p) + ETH_HDR_LEN + hdr->hdr_len;
	size_t len = (size_t)(hdr->total_len - hdr->hdr_len);
	struct icmp_msg msg;
	enum icmp_error error = icmp4_parse(icmp, len, false, &msg);
	unsigned int out;

	env->ctr->IcmpInMsgs++;
	if (error != ICMP_OK)
		out = unreadable(env, error);
	else if (msg.type == ICMP4_ECHO_REQUEST && msg.code == 0)
		out = judge_echo(net, env, IP4_HDR_LEN + len, tx);
	else
		out = judge4(net, env, &msg, icmp + ICMP_HDR_LEN, len - ICMP_HDR_LEN);
	if (out == OUT_ICMP_ECHO)
		echo4(net, env, p, hdr, tx);
	return finish(env, p, out);
}

enum net_verdict
icmp6_input(struct net *net, struct env *env, struct pkt *p, const struct ip6_hdr *hdr,
	uint16_t l4_off, struct pkt_txq *tx)
{
	const uint8_t *icmp = pkt_data(p) + l4_off;
	size_t len = (size_t)(p->data_len - l4_off);
	uint64_t pseudo = pseudo_csum(&hdr->src, &hdr->dst, IP_PROTO_ICMP6, (uint32_t)len);
	struct icmp_msg msg;
	enum icmp_error error = icmp6_parse(icmp, len, pseudo, false, &msg);
	unsigned int out;

	env->ctr->IcmpInMsgs++;
	if (error == ICMP_OK && (msg.type == ICMP6_NEIGHBOUR_SOLICIT ||
				msg.type == ICMP6_NEIGHBOUR_ADVERT)) {
		nd_input(net, env, p, hdr, l4_off, tx);
		return NET_DONE;
	}
	if (error != ICMP_OK)
		out = unreadable(env, error);
	else if (msg.type == ICMP6_ECHO_REQUEST && msg.code == 0)
		out = judge_echo(net, env, IP6_HDR_LEN + len, tx);
	else
		out = judge6(net, env, &msg, icmp + ICMP_HDR_LEN, len - ICMP_HDR_LEN);
	if (out == OUT_ICMP_ECHO)
		echo6(net, env, p, hdr, l4_off, tx);
	return finish(env, p, out);
}
