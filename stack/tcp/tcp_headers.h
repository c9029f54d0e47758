/* SPDX-License-Identifier: BSD-3-Clause */
/* How TCP and IP headers are written; inline, for the one caller that does nothing else. */
#ifndef TCP_TCP_HEADERS_H
#define TCP_TCP_HEADERS_H

#include "tcp/tcp_parts.h"
#include "wire/ip6.h"

/** IP header length, TCP header length with options. */
struct tcp_lengths {
	uint16_t ip;
	uint16_t tcp;
	uint16_t payload;
};

static SLUICE_ALWAYS_INLINE void
tcp_write_ip(const struct tcp_stack *stack, uint8_t *ip, const struct flow_key *key,
	const struct tcp_lengths *len, uint8_t ecn)
{
	const struct ip_addr *src = &stack->par.local->addr[key->laddr_idx];
	const struct env *env = stack->env;

	if (len->ip == IP4_HDR_LEN) {
		/* DF and ID 0: an atomic datagram needs no identification (RFC 6864 s4.1). */
		const struct ip4_hdr h = {
			.src = ip_addr_v4(src),
			.dst = ip_addr_v4(&key->raddr),
			.total_len = (uint16_t)(len->ip + len->tcp + len->payload),
			.ttl = (uint8_t)env->tun->ip_default_ttl,
			.proto = IP_PROTO_TCP,
			.tos = ecn,
			.df = true,
		};

		ip4_encode(ip, &h, (env->tx_caps & ENV_TX_IP_CSUM) != 0);
	} else {
		const struct ip6_hdr h = {
			.src = *src,
			.dst = key->raddr,
			.payload_len = (uint16_t)(len->tcp + len->payload),
			.next_header = IP_PROTO_TCP,
			.tclass = ecn,
			.hop_limit = (uint8_t)env->tun->ip_default_ttl,
		};

		ip6_encode(ip, &h);
	}
}

/** The pseudo header's sum where the port does the rest, else the whole checksum. */
static SLUICE_ALWAYS_INLINE void
tcp_write_csum(const struct tcp_stack *stack, uint8_t *tcp, const struct flow_key *key,
	const struct tcp_lengths *len)
{
	uint32_t bytes = (uint32_t)len->tcp + len->payload;
	bool offload = (stack->env->tx_caps & ENV_TX_TCP_CSUM) != 0;
	const struct ip_addr *src = &stack->par.local->addr[key->laddr_idx];
	uint64_t sum = len->ip == IP4_HDR_LEN ?
		pseudo_csum_mapped(src, &key->raddr, IP_PROTO_TCP, bytes) :
		pseudo_csum(src, &key->raddr, IP_PROTO_TCP, bytes);
	uint16_t csum = offload ? csum_fold(sum) : csum_finish(csum_partial(tcp, bytes, sum));

	memcpy(tcp + TCP_CSUM_OFFSET, &csum, sizeof(csum));
}

/** What the port is to do, in p. */
static SLUICE_ALWAYS_INLINE void
tcp_set_offload(const struct tcp_stack *stack, struct pkt *p, const struct tcp_lengths *len)
{
	static const uint64_t flags[2][4] = {
		{
			[ENV_TX_IP_CSUM] = PKT_TX_IPV4 | PKT_TX_IP_CSUM,
			[ENV_TX_TCP_CSUM] = PKT_TX_IPV4 | PKT_TX_TCP_CSUM,
			[ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM] =
				PKT_TX_IPV4 | PKT_TX_IP_CSUM | PKT_TX_TCP_CSUM,
		},
		{
			[ENV_TX_IP_CSUM] = PKT_TX_IPV6,
			[ENV_TX_TCP_CSUM] = PKT_TX_IPV6 | PKT_TX_TCP_CSUM,
			[ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM] = PKT_TX_IPV6 | PKT_TX_TCP_CSUM,
		},
	};
	uint32_t caps = stack->env->tx_caps & (ENV_TX_TCP_CSUM | ENV_TX_IP_CSUM);

	p->ol_flags = flags[len->ip != IP4_HDR_LEN][caps];
	/* l2_len is the net layer's to add: it knows about VLAN tags. */
	p->tx_offload = caps != 0 ? (uint64_t)len->ip << 7 | (uint64_t)len->tcp << 16 : 0;
}

/** The two layouts that nearly every segment has are written without a plan. */
static SLUICE_ALWAYS_INLINE void
tcp_write_options(uint8_t *buf, const struct tcp_emit *e)
{
	if (e->ts_only)
		tcp_encode_ts(buf, e->tsval, e->tsecr);
	else if (e->opts == NULL)
		return;
	else if (e->opts->present == TCP_OPTS_SYN)
		tcp_encode_syn_options(buf, e->opts);
	else
		tcp_encode_options(buf, e->opts);
}

/** p's frame is len->ip + len->tcp + len->payload bytes, headers still to be written. */
static SLUICE_ALWAYS_INLINE void
tcp_write_headers(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e,
	const struct tcp_lengths *len)
{
	uint8_t *ip = pkt_data(p);
	uint8_t *tcp = ip + len->ip;
	const struct tcp_hdr h = {
		.seq = e->seq,
		.ack = e->ack,
		.sport = e->key->lport,
		.dport = e->key->rport,
		.flags = e->flags,
		.wnd = e->wnd,
		.hdr_len = (uint8_t)len->tcp,
	};

	tcp_encode_header(tcp, &h);
	tcp_write_options(tcp + TCP_HDR_LEN, e);
	tcp_write_csum(stack, tcp, e->key, len);
	tcp_write_ip(stack, ip, e->key, len, e->ecn);
	tcp_set_offload(stack, p, len);
	stack->env->ctr->OutRsts += (e->flags & TCP_RST) != 0;
	pkt_txq_put(stack->env->tx, p);
}

/** tcp_emit() with headers of these lengths. */
static SLUICE_ALWAYS_INLINE void
tcp_emit_with(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e, uint16_t ip_len,
	uint16_t tcp_len)
{
	const struct tcp_lengths len = { .ip = ip_len, .tcp = tcp_len, .payload = p->data_len };

	ASSERT(pkt_headroom(p) >= len.ip + len.tcp);
	pkt_push(p, (uint16_t)(len.ip + len.tcp));
	p->app.flags &= (uint16_t)~(PKT_F_REPLY_L2 | PKT_F_REASK);
	tcp_write_headers(stack, p, e, &len);
}

/**
 * tcp_emit() over IPv4, without options or with timestamps alone. Written where it is called, one
 * piece for each, so that every length is a constant.
 */
static SLUICE_ALWAYS_INLINE void
tcp_emit_usual(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e)
{
	if (e->ts_only)
		tcp_emit_with(stack, p, e, IP4_HDR_LEN, TCP_HDR_LEN + TCP_OPTS_TS_LEN);
	else
		tcp_emit_with(stack, p, e, IP4_HDR_LEN, TCP_HDR_LEN);
}

#endif
