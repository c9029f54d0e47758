/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP and IP headers in front of a payload: the one place that writes them. */
#include "tcp/tcp_parts.h"

#include "wire/ip6.h"

/* IP header lengths, TCP header length with options. */
struct lengths {
	uint16_t ip;
	uint16_t tcp;
	uint16_t payload;
};

static void
write_ip(const struct tcp_stack *stack, uint8_t *ip, const struct flow_key *key,
	const struct lengths *len, uint8_t ecn)
{
	const struct ip_addr *src = &stack->par.local->addr[key->laddr_idx];
	const struct env *env = stack->env;

	if (key->family == FLOW_FAMILY_V4) {
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

/* The pseudo header's sum where the port does the rest, else the whole checksum. */
static void
write_csum(const struct tcp_stack *stack, uint8_t *tcp, const struct flow_key *key,
	const struct lengths *len)
{
	uint32_t bytes = (uint32_t)len->tcp + len->payload;
	bool offload = (stack->env->tx_caps & ENV_TX_TCP_CSUM) != 0;
	const struct ip_addr *src = &stack->par.local->addr[key->laddr_idx];
	uint64_t sum = key->family == FLOW_FAMILY_V4 ?
		pseudo_csum_mapped(src, &key->raddr, IP_PROTO_TCP, bytes) :
		pseudo_csum(src, &key->raddr, IP_PROTO_TCP, bytes);
	uint16_t csum = offload ? csum_fold(sum) : csum_finish(csum_partial(tcp, bytes, sum));

	memcpy(tcp + TCP_CSUM_OFFSET, &csum, sizeof(csum));
}

static void
set_offload(const struct tcp_stack *stack, struct pkt *p, const struct flow_key *key,
	const struct lengths *len)
{
	uint64_t flags = key->family == FLOW_FAMILY_V4 ? PKT_TX_IPV4 : PKT_TX_IPV6;

	p->ol_flags = 0;
	p->tx_offload = 0;
	if ((stack->env->tx_caps & (ENV_TX_TCP_CSUM | ENV_TX_IP_CSUM)) == 0)
		return;
	if ((stack->env->tx_caps & ENV_TX_IP_CSUM) && key->family == FLOW_FAMILY_V4)
		flags |= PKT_TX_IP_CSUM;
	if (stack->env->tx_caps & ENV_TX_TCP_CSUM)
		flags |= PKT_TX_TCP_CSUM;
	p->ol_flags = flags;
	/* l2_len is the net layer's to add: it knows about VLAN tags. */
	p->tx_offload = (uint64_t)len->ip << 7 | (uint64_t)len->tcp << 16;
}

/* The two layouts that nearly every segment has are written without a plan. */
static void
write_options(uint8_t *buf, const struct tcp_emit *e)
{
	if (e->opts == NULL)
		return;
	if (e->ts_only)
		tcp_encode_ts(buf, e->opts->tsval, e->opts->tsecr);
	else if (e->opts->present == TCP_OPTS_SYN)
		tcp_encode_syn_options(buf, e->opts);
	else
		tcp_encode_options(buf, e->opts);
}

static uint16_t
options_len(const struct tcp_emit *e)
{
	if (e->opts == NULL)
		return 0;
	if (e->ts_only)
		return TCP_OPTS_TS_LEN;
	if (e->opts->present == TCP_OPTS_SYN)
		return TCP_OPTS_SYN_LEN;
	return (uint16_t)tcp_options_len(e->opts);
}

/* p's frame is len->ip + len->tcp + len->payload bytes, headers still to be written. */
static void
write_headers(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e,
	const struct lengths *len)
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
	write_options(tcp + TCP_HDR_LEN, e);
	write_csum(stack, tcp, e->key, len);
	write_ip(stack, ip, e->key, len, e->ecn);
	set_offload(stack, p, e->key, len);
	stack->env->ctr->OutRsts += (e->flags & TCP_RST) != 0;
	pkt_txq_put(stack->env->tx, p);
}

static struct lengths
lengths_of(const struct tcp_emit *e, uint16_t payload)
{
	return (struct lengths){
		.ip = e->key->family == FLOW_FAMILY_V4 ? IP4_HDR_LEN : IP6_HDR_LEN,
		.tcp = (uint16_t)(TCP_HDR_LEN + options_len(e)),
		.payload = payload,
	};
}

void
tcp_emit(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e)
{
	struct lengths len = lengths_of(e, p->data_len);

	ASSERT(pkt_headroom(p) >= len.ip + len.tcp);
	pkt_push(p, (uint16_t)(len.ip + len.tcp));
	p->app.flags &= (uint16_t)~(PKT_F_REPLY_L2 | PKT_F_REASK);
	write_headers(stack, p, e, &len);
}

/* A buffer of exact size may be too short for more options than the peer sent. */
static void
emit_elsewhere(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e)
{
	struct pkt *q = pkt_alloc(stack->env->pool);

	pkt_free(stack->env->pool, p);
	if (q != NULL)
		tcp_emit(stack, q, e);
}

void
tcp_emit_reply(struct tcp_stack *stack, struct pkt *p, const struct tcp_seg *seg,
	const struct tcp_emit *e)
{
	struct lengths len = lengths_of(e, 0);
	uint32_t bytes = (uint32_t)len.ip + len.tcp;

	if ((uint32_t)p->data_off + seg->l3_off + bytes > p->buf_len) {
		emit_elsewhere(stack, p, e);
		return;
	}
	p->data_off = (uint16_t)(p->data_off + seg->l3_off);
	pkt_set_len(p, (uint16_t)bytes);
	p->app.flags = PKT_F_REPLY_L2;
	write_headers(stack, p, e, &len);
}

#define MODEL_LEN (IP4_HDR_LEN + TCP_HDR_LEN + TCP_OPTS_SYN_LEN)
#define MODEL_OFFLOAD (PKT_TX_IP_CSUM | PKT_TX_TCP_CSUM)

void
tcp_emit_model_take(
	const struct tcp_stack *stack, const struct tcp_emit *e, struct tcp_emit_model *model)
{
	const struct pkt_txq *tx = stack->env->tx;
	const struct pkt *p;

	model->ip = NULL;
	if (tx->count == 0 || e->opts->present != TCP_OPTS_SYN ||
		e->key->family != FLOW_FAMILY_V4)
		return;
	p = tx->pkts[tx->count - 1];
	if (p->data_len != MODEL_LEN || (p->ol_flags & MODEL_OFFLOAD) != MODEL_OFFLOAD)
		return;
	model->ip = pkt_data(p);
	model->ol_flags = p->ol_flags;
	model->tx_offload = p->tx_offload;
	model->laddr_idx = e->key->laddr_idx;
	model->flags = e->flags;
}

bool
tcp_emit_alike(struct tcp_stack *stack, struct pkt *p, const struct tcp_seg *seg,
	const struct tcp_emit *e, const struct tcp_emit_model *model)
{
	const struct flow_key *key = e->key;
	uint8_t *ip;
	uint16_t csum;

	if (model->ip == NULL || e->opts->present != TCP_OPTS_SYN || e->flags != model->flags ||
		key->family != FLOW_FAMILY_V4 || key->laddr_idx != model->laddr_idx ||
		(uint32_t)p->data_off + seg->l3_off + MODEL_LEN > p->buf_len)
		return false;
	p->data_off = (uint16_t)(p->data_off + seg->l3_off);
	pkt_set_len(p, MODEL_LEN);
	p->app.flags = PKT_F_REPLY_L2;
	p->ol_flags = model->ol_flags;
	p->tx_offload = model->tx_offload;
	ip = pkt_data(p);
	memcpy(ip, model->ip, MODEL_LEN);
	memcpy(ip + 16, key->raddr.b + 12, 4);
	store_be64(ip + 20, (uint64_t)key->lport << 48 | (uint64_t)key->rport << 32 | e->seq);
	store_be32(ip + 28, e->ack);
	csum = csum_fold(pseudo_csum_mapped(&stack->par.local->addr[key->laddr_idx], &key->raddr,
		IP_PROTO_TCP, MODEL_LEN - IP4_HDR_LEN));
	memcpy(ip + IP4_HDR_LEN + TCP_CSUM_OFFSET, &csum, sizeof(csum));
	store_be64(ip + 48, (uint64_t)e->opts->tsval << 32 | e->opts->tsecr);
	pkt_txq_put(stack->env->tx, p);
	return true;
}
