/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP and IP headers in front of a payload: the one place that writes them. */
#include "tcp/tcp_headers.h"

static uint16_t
options_len(const struct tcp_emit *e)
{
	if (e->ts_only)
		return TCP_OPTS_TS_LEN;
	if (e->opts == NULL)
		return 0;
	if (e->opts->present == TCP_OPTS_SYN)
		return TCP_OPTS_SYN_LEN;
	return (uint16_t)tcp_options_len(e->opts);
}

static struct tcp_lengths
lengths_of(const struct tcp_emit *e, uint16_t payload)
{
	return (struct tcp_lengths){
		.ip = e->key->family == FLOW_FAMILY_V4 ? IP4_HDR_LEN : IP6_HDR_LEN,
		.tcp = (uint16_t)(TCP_HDR_LEN + options_len(e)),
		.payload = payload,
	};
}

void
tcp_emit(struct tcp_stack *stack, struct pkt *p, const struct tcp_emit *e)
{
	struct tcp_lengths len = lengths_of(e, 0);

	tcp_emit_with(stack, p, e, len.ip, len.tcp);
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
	struct tcp_lengths len = lengths_of(e, 0);
	uint32_t bytes = (uint32_t)len.ip + len.tcp;

	if ((uint32_t)p->data_off + seg->l3_off + bytes > p->buf_len) {
		emit_elsewhere(stack, p, e);
		return;
	}
	p->data_off = (uint16_t)(p->data_off + seg->l3_off);
	pkt_set_len(p, (uint16_t)bytes);
	p->app.flags = PKT_F_REPLY_L2;
	tcp_write_headers(stack, p, e, &len);
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
