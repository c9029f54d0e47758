/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers that need no connection: RST and ACK in the received packet's own buffer. */
#include "tcp/tcp_parts.h"

/*
 * Threat model: anybody can make us answer with forged segments. A RST is never longer than what
 * caused it, goes back to the sender's Ethernet address, and is bounded by tcp_rst_ratelimit per
 * second and worker; beyond it segments are dropped in silence and counted (attack A-35). Who wants
 * to tell a scan nothing at all has tcp_blackhole.
 */
static bool
rst_allowed(struct tcp_stack *stack)
{
	uint32_t rate = tcp_share(stack, stack->env->tun->tcp_rst_ratelimit);
	uint64_t now = stack->env->now_us;

	if (now - stack->rst_refill_us >= 1000000) {
		stack->rst_refill_us = now;
		stack->rst_tokens = rate;
	}
	/* A limit that was lowered counts at once. */
	stack->rst_tokens = min_u32(stack->rst_tokens, rate);
	if (stack->rst_tokens == 0)
		return false;
	stack->rst_tokens--;
	return true;
}

void
tcp_drop(struct tcp_stack *stack, struct pkt *pkt, enum outcome out)
{
	tcp_outcome(stack, out);
	pkt_free(stack->env->pool, pkt);
}

/* True: the packet has become the RST and is gone. False: over the budget, or an RST itself. */
static bool
turn_into_rst(struct tcp_stack *stack, const struct tcp_seg *seg, struct pkt *pkt)
{
	bool has_ack = (seg->flags & TCP_ACK) != 0;
	const struct tcp_emit e = {
		.key = &seg->key,
		/* RFC 9293 s3.10.7.1: SEQ=SEG.ACK, or SEQ=0 ACK=SEG.SEQ+SEG.LEN. */
		.seq = has_ack ? seg->ack : 0,
		.ack = has_ack ? 0 : seg->seq + tcp_seg_len(seg),
		.flags = has_ack ? TCP_RST : TCP_RST | TCP_ACK,
	};

	if (seg->flags & TCP_RST)
		return false;
	if (!rst_allowed(stack) || !tcp_tx_has_room(stack)) {
		stack->env->ctr->TcpRstRateLimited++;
		return false;
	}
	stack->env->ctr->OutSegs++;
	tcp_emit_reply(stack, pkt, seg, &e);
	return true;
}

void
tcp_respond_rst(struct tcp_stack *stack, const struct tcp_seg *seg, struct pkt *pkt,
	enum outcome out)
{
	bool is_rst = (seg->flags & TCP_RST) != 0;

	if (turn_into_rst(stack, seg, pkt))
		tcp_outcome(stack, out);
	else
		tcp_drop(stack, pkt, is_rst ? out : OUT_RST_RATE);
}

/* The modes are those of FreeBSD's blackhole(4). */
static bool
is_blackhole(const struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *seg)
{
	uint32_t mode = stack->env->tun->tcp_blackhole;

	if (l == NULL)
		return mode >= 2 || (mode == 1 && (seg->flags & TCP_SYN));
	return l->blackhole != 0 ? l->blackhole > 0 : mode == 3;
}

void
tcp_refuse(struct tcp_stack *stack, const struct tcp_listener *l, const struct tcp_seg *seg,
	struct pkt *pkt, enum outcome out)
{
	if (!is_blackhole(stack, l, seg)) {
		tcp_respond_rst(stack, seg, pkt, out);
		return;
	}
	stack->env->ctr->TcpBlackholed++;
	tcp_drop(stack, pkt, OUT_BLACKHOLED);
}

void
tcp_reply_rst(struct tcp_stack *stack, struct tcp_rx *rx)
{
	if (turn_into_rst(stack, rx->seg, rx->pkt))
		rx->pkt = NULL;
}

/* The caller has counted the outcome. Timestamps are on it if they were agreed on, whatever the
 * segment has (RFC 7323 s3.2), and echo the last good one. */
void
tcp_respond_ack(struct tcp_stack *stack, const struct tcp_seg *seg, struct pkt *pkt,
	const struct tcp_bare_ack *ack)
{
	const struct tcp_emit e = {
		.key = &seg->key,
		.seq = ack->seq,
		.ack = ack->ack,
		.wnd = ack->wnd,
		.flags = TCP_ACK,
		.ts_only = ack->has_ts,
		.tsval = tcp_ts_now(stack, (uint32_t)(tcp_flow_hash(stack, &seg->key) >> 32)),
		.tsecr = ack->ts_recent,
	};

	if (!tcp_tx_has_room(stack)) {
		pkt_free(stack->env->pool, pkt);
		return;
	}
	stack->env->ctr->OutSegs++;
	tcp_emit_reply(stack, pkt, seg, &e);
}
