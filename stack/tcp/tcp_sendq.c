/* SPDX-License-Identifier: BSD-3-Clause */
/* The send queue: packets of at most a segment, kept until they are acknowledged. */
#include "tcp/tcp_parts.h"

/*
 * A queued packet holds payload only; the headers are written in front of it when it is sent, and a
 * second reference keeps it here. While a driver still holds the first one (pkt_is_shared) neither
 * headers nor payload may be touched: a retransmission then sends a copy.
 */

/* Give the packet up; what a driver still holds is its own from now on. */
static inline void
release(struct tcp_stack *stack, struct tcp_cold *cold, struct pkt *p)
{
	tcp_mem_give_snd(stack, cold);
	if ((p->app.flags & PKT_F_CHAINED) && !pkt_is_shared(p))
		pkt_unchain(p);
	pkt_free(stack->env->pool, p);
}

/*
 * RFC 6298 s3 (Karn): only where all was sent once. Of the first: what the receiver waited for the
 * others counts. What was SACKed arrived long before, and was measured then.
 */
struct tcp_rtts
tcp_sendq_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t now_us = (uint32_t)stack->env->now_us;
	struct tcp_rtts rtts = { 0 };
	bool again = false;
	struct pkt *p;

	while ((p = c->sendq_head) != NULL && seq32_leq(p->app.end_seq, ack)) {
		c->sendq_head = p->app.next;
		if (c->send_next == p)
			c->send_next = p->app.next;
		again |= p->app.sends > 1;
		stack->env->ctr->TCPDelivered++;
		if (!(p->app.flags & PKT_F_SACKED)) {
			rtts.last_us = max_u32(now_us - p->app.sent_us, 1);
			rtts.first_us = rtts.first_us != 0 ? rtts.first_us : rtts.last_us;
			tcp_note_delivered(stack, c);
		}
		release(stack, cold, p);
	}
	if (p == NULL)
		c->sendq_tail = NULL;
	else if (seq32_lt(p->app.seq, ack)) {
		/* Part of it: the rest is a packet that starts later. */
		p->app.payload_off = (uint16_t)(p->app.payload_off + (ack - p->app.seq));
		p->app.seq = ack;
	}
	return again ? (struct tcp_rtts){ 0 } : rtts;
}

void
tcp_sendq_free(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct pkt *p;

	while ((p = c->sendq_head) != NULL) {
		c->sendq_head = p->app.next;
		release(stack, tcp_cold(stack, c), p);
	}
	c->sendq_tail = NULL;
	c->send_next = NULL;
}

/* The bytes behind len go into a packet of their own, never shared: it was not sent yet. */
bool
tcp_sendq_split(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint32_t len)
{
	uint32_t rest = p->app.end_seq - p->app.seq - len;
	struct pkt *q = pkt_alloc(stack->env->pool);

	if (q == NULL)
		return false;
	tcp_mem_take_snd(stack, tcp_cold(stack, c));
	memcpy(pkt_data(q), p->buf + p->app.payload_off + len, rest);
	pkt_set_len(q, (uint16_t)rest);
	q->app.payload_off = q->data_off;
	q->app.seq = p->app.seq + len;
	q->app.end_seq = p->app.end_seq;
	q->app.flags = (uint16_t)(p->app.flags & ~(PKT_F_CHUNK | PKT_F_CHAINED));
	if (p->app.sends == 0)
		q->app.flags |= PKT_F_REST;
	q->app.sends = p->app.sends;
	q->app.sent_us = p->app.sent_us;
	q->app.next = p->app.next;
	p->app.next = q;
	p->app.end_seq = q->app.seq;
	p->app.flags &= (uint16_t)~(PKT_F_PSH | PKT_F_FIN);
	if (c->sendq_tail == p)
		c->sendq_tail = q;
	return true;
}

/* Bytes of the packet behind p that find place in it; both unsent. */
static uint32_t
room_for_next(const struct tcp_conn *c, const struct pkt *p)
{
	const struct pkt *n = p->app.next;
	uint32_t len = p->app.end_seq - p->app.seq;

	if (n == NULL || len >= c->mss || (p->app.flags & PKT_F_EOR) || pkt_is_shared(p) ||
		pkt_is_shared(n))
		return 0;
	return min_u32(min_u32(c->mss - len, (uint32_t)p->buf_len - p->app.payload_off - len),
		n->app.end_seq - n->app.seq);
}

/* As Linux, whose queue has no such borders: one that was cut leaves no short segment behind. */
void
tcp_sendq_fill(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	const uint16_t end = PKT_F_PSH | PKT_F_MORE | PKT_F_NOW | PKT_F_EOR;
	uint32_t n;

	p->app.flags &= (uint16_t)~PKT_F_REST;
	while ((n = room_for_next(c, p)) > 0) {
		struct pkt *q = p->app.next;

		memcpy(p->buf + p->app.payload_off + (p->app.end_seq - p->app.seq),
			q->buf + q->app.payload_off, n);
		p->app.end_seq += n;
		/* The end of a write that was here lies within the segment now. */
		p->app.flags &= (uint16_t)~end;
		q->app.seq += n;
		q->app.payload_off = (uint16_t)(q->app.payload_off + n);
		if (q->app.seq != q->app.end_seq) {
			q->app.flags |= PKT_F_REST;
			return;
		}
		p->app.flags |= q->app.flags & (end | PKT_F_REST);
		p->app.sent_us = q->app.sent_us;
		p->app.next = q->app.next;
		if (c->sendq_tail == q)
			c->sendq_tail = p;
		release(stack, tcp_cold(stack, c), q);
	}
}

/* The packet behind p that was sent, too, if all of it finds place in a segment with p; or NULL. */
static struct pkt *
next_that_joins(const struct tcp_conn *c, const struct pkt *p)
{
	struct pkt *n = p->app.next;
	uint32_t len;

	if (n == NULL || n == c->send_next || (n->app.flags & PKT_F_SACKED) ||
		(p->app.flags & PKT_F_EOR) || pkt_is_shared(p) || pkt_is_shared(n))
		return NULL;
	len = n->app.end_seq - p->app.seq;
	if (len > c->mss || len > (uint32_t)p->buf_len - p->app.payload_off ||
		n->app.end_seq - c->snd_una > c->snd_wnd)
		return NULL;
	return n;
}

/* RFC 9293 s3.8.1 lets what goes again be cut anew: after small writes one segment repairs many. */
void
tcp_sendq_collapse(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	const uint16_t end = PKT_F_PSH | PKT_F_FIN | PKT_F_EOR | PKT_F_JOINED;
	struct pkt *n;

	if (!stack->env->tun->tcp_retrans_collapse)
		return;
	while ((n = next_that_joins(c, p)) != NULL) {
		tcp_score_join(stack, c, p, n);
		memcpy(p->buf + p->app.payload_off + (p->app.end_seq - p->app.seq),
			n->buf + n->app.payload_off, n->app.end_seq - n->app.seq);
		p->app.end_seq = n->app.end_seq;
		p->app.flags = (uint16_t)((p->app.flags & ~PKT_F_JOINED) | (n->app.flags & end));
		p->app.next = n->app.next;
		if (c->sendq_tail == n)
			c->sendq_tail = p;
		release(stack, tcp_cold(stack, c), n);
	}
}

/* Twice the congestion window keeps the pipe full for a round trip while the owner refills. */
uint32_t
tcp_sndbuf(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t limit = cold->sndbuf;

	if (!(c->flags & TF_SNDBUF_FIXED) && !stack->mem.pressure)
		limit = min_u32(max_u32(limit, 2 * c->cwnd), stack->env->tun->tcp_wmem[2]);
	return limit;
}

/* A refused writer hears of it when a third is free, so that it writes in large pieces. */
void
tcp_sendq_wake_writer(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t limit = tcp_sndbuf(stack, c);

	limit -= limit / 3;
	if (c->write_seq - c->snd_una > limit || tcp_cold(stack, c)->wmem / 2 > limit)
		return;
	c->flags &= ~(TF_WANT_WRITE | TF_NOBUF);
	tcp_note_send_state(stack, c, 1u << TCP_SENDS_TO_BUFFER, TCP_SENDS);
	tcp_raise(stack, c, TCP_EV_WRITABLE);
}

bool
tcp_nothing_follows(struct tcp_conn *c)
{
	struct pkt *p = c->sendq_tail;

	if (p == NULL || !(p->app.flags & PKT_F_MORE) || p->app.sends > 0)
		return false;
	p->app.flags &= (uint16_t)~PKT_F_MORE;
	return true;
}
