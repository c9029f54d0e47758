/* SPDX-License-Identifier: BSD-3-Clause */
/* Seventh step of RFC 9293 s3.10.7.4: segment text, its ACK, and the receive buffer. */
#include "tcp/tcp_parts.h"

#define LINUX_CHARGE 2304u	/* what Linux counts for the buffer of an Ethernet frame */
#define PRESSURE_SEGMENTS 4u	/* of window, at most, under memory pressure */

/*
 * A segment that fills less than a quarter of a buffer is copied rather than kept. Where the
 * connection already holds half its receive buffer everything is, and the rest of a segment that
 * does not fit moves to the front of its own buffer: the queue then has no gaps, and what the
 * window has promised finds place. Where frames come in buffers of their own size, the first that
 * finds no place moves to one of the pool, which the next ones fill. Each byte is copied once or
 * twice, whatever the queue holds: there is never a walk over it to make room.
 */
static bool
is_little(const struct tcp_stack *stack, const struct tcp_rx *rx)
{
	return 4 * rx->len < stack->env->pool->charge;
}

static bool
is_crowded(const struct tcp_cold *cold)
{
	return cold->rmem >= cold->rcvbuf / 2;
}

/* Half a buffer of the pool, at least, is to be left behind rx; without packets it stays so. */
static void
give_room(struct tcp_stack *stack, struct tcp_rx *rx)
{
	struct pkt_pool *pool = stack->env->pool;
	const struct pkt *old = rx->pkt;
	uint32_t room = old->buf_len - old->data_off - rx->payload_off - rx->len;
	struct pkt *p;

	if (room >= pool->payload_max / 2u || rx->len > pool->payload_max / 2u ||
		!pkt_pool_has_spare(pool))
		return;
	p = pkt_alloc(pool);
	if (p == NULL)
		return;
	memcpy(pkt_data(p), pkt_data(old) + rx->payload_off, rx->len);
	pkt_set_len(p, (uint16_t)rx->len);
	pkt_free(pool, rx->pkt);
	rx->pkt = p;
	rx->payload_off = 0;
}

bool
tcp_text_pack_pkt(struct tcp_stack *stack, const struct tcp_cold *cold, struct pkt *tail,
	const struct pkt *p)
{
	if (p->data_len > pkt_tailroom(tail) ||
		(4u * p->data_len >= stack->env->pool->charge && !is_crowded(cold)))
		return false;
	memcpy(pkt_data(tail) + tail->data_len, pkt_data(p), p->data_len);
	pkt_set_len(tail, (uint16_t)(tail->data_len + p->data_len));
	stack->env->ctr->TCPRcvCoalesce++;
	return true;
}

bool
tcp_text_pack(struct tcp_stack *stack, const struct tcp_cold *cold, struct pkt *tail,
	struct tcp_rx *rx)
{
	uint32_t n = tail == NULL ? 0 : min_u32(pkt_tailroom(tail), rx->len);
	bool crowded = is_crowded(cold);

	if (!crowded && !is_little(stack, rx))
		return false;
	if (n == 0 || (n < rx->len && !crowded)) {
		give_room(stack, rx);
		return false;
	}
	memcpy(pkt_data(tail) + tail->data_len, pkt_data(rx->pkt) + rx->payload_off, n);
	pkt_set_len(tail, (uint16_t)(tail->data_len + n));
	rx->seq += n;
	rx->len -= n;
	rx->payload_off += n;
	stack->env->ctr->TCPRcvCoalesce++;
	if (rx->len == 0)
		return true;
	/* The headers' place, but not the headroom, which who sends it on needs. */
	memmove(pkt_data(rx->pkt), pkt_data(rx->pkt) + rx->payload_off, rx->len);
	rx->payload_off = 0;
	return false;
}

/* Cut p down to the len bytes at off, which are from seq on. */
static inline void
cut_down(struct pkt *p, uint32_t off, uint32_t len, uint32_t seq)
{
	p->data_off = (uint16_t)(p->data_off + off);
	pkt_set_len(p, (uint16_t)len);
	p->app.next = NULL;
	p->app.seq = seq;
	p->app.flags = 0;
}

struct pkt *
tcp_take_payload(struct tcp_rx *rx)
{
	struct pkt *p = rx->pkt;

	rx->pkt = NULL;
	cut_down(p, rx->payload_off, rx->len, rx->seq);
	return p;
}

/* As Linux: as many at once as half the window has full segments, 2 to 16. */
void
tcp_ack_quickly(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t n = tcp_rcv_wnd(c) / (2u * cold->rcv_mss);

	c->quickacks = (uint8_t)max_u32(c->quickacks, clamp_u32(n, 2, TCP_QUICKACKS));
}

/* As Linux, for data that came twice or found the window closed: who repairs must not wait. */
void
tcp_ack_quickly_again(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_ack_quickly(stack, c);
	tcp_cold(stack, c)->ato_ms = (uint16_t)stack->env->tun->tcp_delack_min;
	c->flags &= ~TF_PINGPONG;
}

/* Is a segment that ended a write still to be acknowledged? */
static bool
owes_end(const struct tcp_conn *c, const struct tcp_cold *cold)
{
	return cold->end_seq - c->rcv_acked - 1 < c->rcv_nxt - c->rcv_acked;
}

/*
 * The owner's reading acknowledges them (tcp_data_read): one that is not full, or is full and has
 * PSH, was the last that the peer had, or had room for; it may wait for the ACK. Of two the second
 * is not full.
 */
static void
note_end(const struct tcp_conn *c, struct tcp_cold *cold, bool is_full)
{
	cold->is_end_twice = owes_end(c, cold) && (!is_full || cold->is_end_twice);
	cold->end_seq = c->rcv_nxt;
}

/* As Linux: what several segments were joined to on the way is no longer than we told the peer. */
static SLUICE_NOINLINE void
note_larger_segment(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold,
	uint32_t len)
{
	uint32_t most = tcp_own_mss(stack, &c->key);

	if (c->flags & TF_TS)
		most -= TCP_TS_LEN;
	cold->rcv_mss = (uint16_t)max_u32(cold->rcv_mss, min_u32(len, most));
}

/* The next len bytes have come, with these flags. */
static SLUICE_ALWAYS_INLINE void
note_text(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold, uint32_t len,
	uint16_t flags)
{
	/* A sender that was idle for long starts slowly again: its ACKs are not held up. */
	if (SLUICE_UNLIKELY(stack->env->now_ms - cold->last_data_ms > cold->rto_ms))
		tcp_ack_quickly(stack, c);
	c->rcv_nxt += len;
	if (len > cold->rcv_mss)
		note_larger_segment(stack, c, cold, len);
	if (len < cold->rcv_mss || (flags & TCP_PSH))
		note_end(c, cold, len == cold->rcv_mss);
}

/* To the end of the receive queue. */
static SLUICE_NOINLINE void
append(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold, struct tcp_rx *rx)
{
	struct pkt *p;

	if (c->recvq_tail != NULL && tcp_text_pack(stack, cold, c->recvq_tail, rx))
		return;
	p = tcp_take_payload(rx);
	if (c->recvq_tail == NULL)
		c->recvq_head = p;
	else
		c->recvq_tail->app.next = p;
	c->recvq_tail = p;
	tcp_mem_take_rcv(stack, cold);
}

void
tcp_deliver(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	note_text(stack, c, cold, rx->len, rx->flags);
	if (c->flags & TF_RD_SHUT) {
		rx->outcome = OUT_AFTER_SHUT_RD;
		cold->rcv_space_seq += rx->len;
		return;
	}
	c->recvq_bytes += rx->len;
	rx->outcome = OUT_DELIVERED;
	tcp_raise(stack, c, TCP_EV_READABLE);
	append(stack, c, cold, rx);
}

void
tcp_recvq_free(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct pkt *p;

	while ((p = c->recvq_head) != NULL) {
		c->recvq_head = p->app.next;
		tcp_mem_give_rcv(stack, cold);
		pkt_free(stack->env->pool, p);
	}
	c->recvq_tail = NULL;
	c->recvq_bytes = 0;
}

/* The delay follows the time between segments (Linux's tcp_event_data_recv), from its least on. */
static void
adapt_delay(struct tcp_stack *stack, struct tcp_cold *cold)
{
	uint32_t least = stack->env->tun->tcp_delack_min;
	uint32_t gap = stack->env->now_ms - cold->last_data_ms;

	if (cold->ato_ms == 0)
		cold->ato_ms = (uint16_t)least;
	else if (gap <= least / 2)
		cold->ato_ms = (uint16_t)(cold->ato_ms / 2 + least / 2);
	else if (gap < cold->ato_ms)
		cold->ato_ms = (uint16_t)(cold->ato_ms / 2 + gap);
}

/*
 * RFC 9293 s3.8.6.3: at once for more than a full segment, for the first segments of a connection
 * (so that the peer's slow start is not held up), else with our answer or after the delay.
 */
static SLUICE_ALWAYS_INLINE void
ack_policy(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold)
{
	c->flags |= TF_ACK_DELAY;
	if (c->rcv_nxt - c->rcv_acked > cold->rcv_mss ||
		(c->quickacks > 0 && !(c->flags & TF_PINGPONG)))
		c->flags |= TF_ACK_NOW;
	/* Of no use where nothing is delayed. */
	if (!(c->flags & TF_ACK_NOW) || cold->ato_ms == 0)
		adapt_delay(stack, cold);
	cold->last_data_ms = stack->env->now_ms;
	tcp_want_output(stack, c);
}

void
tcp_take_text(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg,
	struct pkt *pkt, struct tcp_rx *room)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	note_text(stack, c, cold, seg->len, seg->flags);
	c->recvq_bytes += seg->len;
	tcp_raise_readable(stack, c, cold);
	/* Most often the owner has read all that came before. */
	if (c->recvq_tail == NULL) {
		cut_down(pkt, seg->payload_off, seg->len, seg->seq);
		c->recvq_head = pkt;
		c->recvq_tail = pkt;
		tcp_mem_take_rcv(stack, cold);
	} else {
		*room = tcp_rx_of(c, seg, pkt);
		append(stack, c, cold, room);
		if (room->pkt != NULL)
			pkt_free(stack->env->pool, room->pkt);
	}
	ack_policy(stack, c, cold);
}

/* A round trip after the last look: did the owner read more than half of what it may be offered? */
static void
tune_rcvbuf(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold)
{
	const struct tunables *tun = stack->env->tun;
	uint32_t now = (uint32_t)stack->env->now_us;
	uint32_t read_seq = c->rcv_nxt - c->recvq_bytes;
	uint32_t copied = read_seq - cold->rcv_space_seq;

	if (now - cold->rcv_space_at_us < max_u32(cold->srtt_us, 1000))
		return;
	cold->rcv_space_seq = read_seq;
	cold->rcv_space_at_us = now;
	if (!tun->tcp_moderate_rcvbuf || (c->flags & TF_RCVBUF_FIXED) || stack->mem.pressure)
		return;
	/* Twice what was read per round trip lets the peer double; half is offered. */
	if (copied > cold->rcvbuf / 4)
		cold->rcvbuf = max_u32(cold->rcvbuf,
			(uint32_t)min_u64(4ULL * copied, tun->tcp_rmem[2]));
}

/*
 * Half the buffer, less what waits as bytes; or half of what buffers have left of it, if the peer's
 * segments fill them badly; what waits behind a gap lies within the window and is not taken off
 * again. Under pressure as much as keeps a connection going, as Linux.
 */
static inline uint32_t
rcv_space(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_cold *cold)
{
	uint32_t half = cold->rcvbuf / 2;
	uint32_t space = half - min_u32(c->recvq_bytes, half);

	if (!(c->flags & TF_OOO))
		space = min_u32(space, (cold->rcvbuf - min_u32(cold->rmem, cold->rcvbuf)) / 2);
	if (SLUICE_UNLIKELY(stack->mem.pressure))
		space = min_u32(space, (stack->mem.over ? 1u : PRESSURE_SEGMENTS) * c->mss);
	return space;
}

uint32_t
tcp_rcv_space(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return rcv_space(stack, c, tcp_cold(stack, c));
}

/* All is read, it had the end of a write, and the owner has not answered one before. */
static bool
is_one_way(const struct tcp_conn *c, const struct tcp_cold *cold)
{
	if (c->recvq_bytes > 0 || !owes_end(c, cold))
		return false;
	return !(c->flags & TF_PINGPONG) || cold->is_end_twice;
}

void
tcp_data_read(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t space, now_offered, step;

	c->recvq_bytes -= len;
	tune_rcvbuf(stack, c, cold);
	if (c->flags & TF_FIN_RCVD)
		return;
	if ((c->flags & TF_ACK_DELAY) && len > 0 && is_one_way(c, cold)) {
		c->flags |= TF_ACK_NOW;
		tcp_want_output(stack, c);
	}
	now_offered = tcp_rcv_wnd(c);
	/* More than half of what it could be at most: twice that or a step from nothing is not to
	 * be had. */
	if (2 * (uint64_t)now_offered > cold->rcvbuf / 2 && !(c->flags & TF_WND_SENT_0))
		return;
	/* Offer more once it is worth it (RFC 9293 s3.8.6.2.2): half the buffer or two MSS. */
	space = rcv_space(stack, c, cold);
	step = min_u32(2u * c->mss, cold->rcvbuf / 4);
	if (space < now_offered + step)
		return;
	if (now_offered < step || (c->flags & TF_WND_SENT_0) || space >= 2 * now_offered) {
		c->flags |= TF_ACK_NOW;
		tcp_want_output(stack, c);
	}
}

/* All data before it has arrived: the FIN counts. */
static bool
fin_is_next(const struct tcp_rx *rx, const struct tcp_conn *c, uint32_t end)
{
	return (rx->flags & TCP_FIN) && end == c->rcv_nxt;
}

static bool
takes_text(const struct tcp_conn *c)
{
	return c->state == TCPS_ESTABLISHED || c->state == TCPS_FIN_WAIT_1 ||
		c->state == TCPS_FIN_WAIT_2;
}

/* As Linux: a FIN makes more than one of a full segment, if the window need not fall for it. */
static bool
is_more_than_full(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t len)
{
	if (c->rcv_nxt + 1 - c->rcv_acked <= tcp_cold(stack, c)->rcv_mss)
		return false;
	return len > 0 ? 2 * len >= LINUX_CHARGE : c->recvq_bytes == 0;
}

/* As Linux: how long the peer's segments are is told by what came, not by what was new of it. */
static void
note_full_segment(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (rx->seg->len > rx->len && rx->seg->len > cold->rcv_mss)
		note_larger_segment(stack, c, cold, rx->seg->len);
}

void
tcp_process_text(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t len = rx->len;
	uint32_t end = rx->seq + rx->len;
	bool had_gap = tcp_cold(stack, c)->ooo != NULL;
	bool fin;

	if (len == 0 && !(rx->flags & TCP_FIN))
		return;
	if (!takes_text(c)) {
		/* The peer has sent its FIN: what follows is ignored (s3.10.7.4, seventh). */
		rx->outcome = OUT_AFTER_FIN;
		return;
	}
	if (rx->seq != c->rcv_nxt) {
		if (rx->seg->len > tcp_cold(stack, c)->rcv_mss)
			note_larger_segment(stack, c, tcp_cold(stack, c), rx->seg->len);
		tcp_reass_add(stack, c, rx);
		c->flags |= TF_ACK_NOW | TF_ACK_DELAY;
		tcp_want_output(stack, c);
		return;
	}
	if (len > 0 && !tcp_mem_admits_text(stack, c)) {
		/* The answer tells the window; the peer sends it again. */
		rx->outcome = OUT_MEM_LIMIT;
		c->flags |= TF_ACK_NOW;
		tcp_want_output(stack, c);
		return;
	}
	if (len > 0) {
		note_full_segment(stack, c, rx);
		tcp_deliver(stack, c, rx);
	} else {
		rx->outcome = OUT_FIN_CONSUMED;
	}
	fin = fin_is_next(rx, c, end);
	if (had_gap && !fin) {
		fin = tcp_reass_merge(stack, c);
		/* RFC 5681 s4.2: an ACK at once for what fills a gap. */
		c->flags |= TF_ACK_NOW;
	}
	/* As Linux: our answer, or our FIN, often follows at once; the ACK waits for it. */
	if (fin && c->state == TCPS_ESTABLISHED) {
		c->flags |= TF_PINGPONG;
		if (is_more_than_full(stack, c, len))
			c->flags |= TF_ACK_NOW;
	}
	if (len > 0)
		ack_policy(stack, c, tcp_cold(stack, c));
	if (fin)
		tcp_process_fin(stack, c);
	tcp_want_output(stack, c);
}
