/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be sent now: windows, Nagle, silly windows, FIN and ACK (RFC 9293 s3.7, s3.8). */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_headers.h"
#include "tcp/tcp_parts.h"

#define TCP_MSS_ETHERNET 1460u

bool
tcp_tx_has_room(const struct tcp_stack *stack)
{
	return pkt_txq_room(stack->env->tx) > TCP_TX_LOW_WATER;
}

/*
 * The window to offer; moves rcv_adv, never back. RFC 9293 s3.8.6.2.2: the right edge moves only by
 * a segment or a quarter of the buffer, or not at all.
 */
static SLUICE_ALWAYS_INLINE uint16_t
offer_window(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t half = tcp_cold(stack, c)->rcvbuf / 2;
	/* The peer's: ours may be shorter because of what it takes. */
	uint32_t segment = max_u32(c->mss, TCP_MSS_ETHERNET);
	int32_t step = (int32_t)min_u32(segment, half / 2);
	uint32_t edge, wnd, field;

	/* Most often half the buffer, all there ever is, would not move it. Not before a SYN-ACK
	 * may have to go again: it has the window it had. */
	if (seq32_diff(c->rcv_nxt + half, c->rcv_adv) >= step && c->state != TCPS_SYN_RECEIVED) {
		edge = c->rcv_nxt + tcp_rcv_space(stack, c);
		if (seq32_diff(edge, c->rcv_adv) >= step)
			c->rcv_adv = edge;
	}
	wnd = tcp_rcv_wnd(c);
	/* Rounded up, or scaling would take back part of what was offered. */
	field = (wnd + (1u << c->rcv_wscale) - 1) >> c->rcv_wscale;
	field = min_u32(field, 65535);
	if (seq32_gt(c->rcv_nxt + (field << c->rcv_wscale), c->rcv_adv))
		c->rcv_adv = c->rcv_nxt + (field << c->rcv_wscale);
	if (field == 0 && !(c->flags & TF_WND_SENT_0)) {
		c->flags |= TF_WND_SENT_0;
		stack->env->ctr->TCPToZeroWindowAdv++;
	} else if (field != 0 && (c->flags & TF_WND_SENT_0)) {
		c->flags &= ~TF_WND_SENT_0;
		stack->env->ctr->TCPFromZeroWindowAdv++;
	}
	return (uint16_t)field;
}

/* The same; nothing comes in between the segments of a row, and nothing is read. */
static SLUICE_ALWAYS_INLINE uint16_t
window_field(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (stack->row_of != c)
		stack->row_wnd = offer_window(stack, c);
	return stack->row_wnd;
}

/* Every segment with ACK pays what is owed. */
static void
ack_is_paid(struct tcp_stack *stack, struct tcp_conn *c)
{
	/* As Linux: the first ACK that may wait does so for the least time. */
	if ((c->flags & TF_ACK_DELAY) && c->quickacks > 0 && --c->quickacks == 0)
		tcp_cold(stack, c)->ato_ms = (uint16_t)stack->env->tun->tcp_delack_min;
	c->flags &= ~(TF_ACK_NOW | TF_ACK_DELAY);
	c->rcv_acked = c->rcv_nxt;
	c->timers &= (uint8_t)~TT_DELACK;
}

/* SACK blocks that fit beside the payload: a full segment has no room for any (RFC 6691). */
static unsigned int
sack_room(const struct tcp_conn *c, uint32_t payload)
{
	uint32_t most = (c->flags & TF_TS) ? 3 : 4;

	if (payload == 0)
		return most;
	return payload + 4 > c->mss ? 0 : min_u32((c->mss - payload - 4) / 8, most);
}

/* What a segment says that is sent now; with it what is owed is paid. */
static inline struct tcp_emit
emit_of(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint16_t flags, uint8_t ecn)
{
	uint16_t wnd = flags & TCP_RST ? 0 : window_field(stack, c);
	struct tcp_emit e;

	tcp_note_out(stack, c);
	ack_is_paid(stack, c);
	e = (struct tcp_emit){
		.key = &c->key,
		.seq = seq,
		.ack = c->rcv_nxt,
		.wnd = wnd,
		.flags = flags | tcp_ecn_echo(c),
		.ecn = ecn,
		.ts_only = (c->flags & TF_TS) != 0,
	};
	if (e.ts_only) {
		e.tsval = tcp_ts_now(stack, tcp_cold(stack, c)->ts_off);
		e.tsecr = c->ts_recent;
	}
	return e;
}

static bool
has_report(const struct tcp_conn *c, uint16_t flags)
{
	return (c->flags & TF_SACK) && (c->flags & (TF_OOO | TF_DSACK)) && !(flags & TCP_RST);
}

/* A segment of any kind: with a gap or a duplicate to report, if there is room. */
static SLUICE_NOINLINE void
emit_any(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint32_t seq, uint16_t flags,
	uint8_t ecn)
{
	struct tcp_emit e = emit_of(stack, c, seq, flags, ecn);
	struct tcp_opts opts;

	if (has_report(c, flags)) {
		opts.present = e.ts_only ? TCP_OPT_TS : 0;
		opts.tsval = e.tsval;
		opts.tsecr = e.tsecr;
		opts.nsack = (uint8_t)tcp_reass_sack(
			stack, c, opts.sack, sack_room(c, p->data_len));
		opts.present |= opts.nsack > 0 ? TCP_OPT_SACK : 0;
		e.opts = &opts;
		e.ts_only = opts.present == TCP_OPT_TS;
	}
	tcp_emit(stack, p, &e);
}

/* In one piece with its callers: then little is left of it but the stores of the headers. */
static SLUICE_ALWAYS_INLINE void
emit(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint32_t seq, uint16_t flags,
	uint8_t ecn)
{
	struct tcp_emit e;

	if (c->key.family != FLOW_FAMILY_V4 || has_report(c, flags)) {
		emit_any(stack, c, p, seq, flags, ecn);
		return;
	}
	e = emit_of(stack, c, seq, flags, ecn);
	tcp_emit_usual(stack, p, &e);
}

bool
tcp_send_empty(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint16_t flags)
{
	struct pkt *p = pkt_txq_room(stack->env->tx) > 0 ? pkt_alloc(stack->env->pool) : NULL;

	if (p == NULL)
		return false;
	stack->env->ctr->OutSegs++;
	emit(stack, c, p, seq, flags, IP_ECN_NOT_ECT);
	return true;
}

/* p's payload once more, in a packet that no driver reads. */
static SLUICE_NOINLINE struct pkt *
copy_to_send(struct tcp_stack *stack, const struct pkt *p)
{
	uint16_t len = (uint16_t)(p->app.end_seq - p->app.seq);
	struct pkt *q = pkt_alloc(stack->env->pool);

	if (q == NULL)
		return NULL;
	memcpy(pkt_data(q), p->buf + p->app.payload_off, len);
	pkt_set_len(q, len);
	return q;
}

/* p becomes its payload alone, with one more reference. */
static SLUICE_ALWAYS_INLINE void
hold_payload(struct tcp_stack *stack, struct pkt *p)
{
	p->data_off = p->app.payload_off;
	pkt_set_len(p, (uint16_t)(p->app.end_seq - p->app.seq));
	pkt_hold(stack->env->pool, p);
}

/* A packet to write headers into: p with one more reference, or a copy while it is in use. */
static SLUICE_ALWAYS_INLINE struct pkt *
packet_to_send(struct tcp_stack *stack, struct pkt *p)
{
	if (pkt_is_shared(p))
		return copy_to_send(stack, p);
	if (p->app.flags & PKT_F_CHAINED) {
		p->app.flags &= (uint16_t)~PKT_F_CHAINED;
		pkt_unchain(p);
	}
	hold_payload(stack, p);
	return p;
}

static void
count_again(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	stack->env->ctr->RetransSegs++;
	tcp_cold(stack, c)->total_retrans++;
	if (c->flags & TF_RTO_DONE)
		stack->env->ctr->TCPSlowStartRetrans++;
	else
		stack->env->ctr->TCPFastRetrans++;
	tcp_note_data_out(stack, c, p);
	if (p->app.sends < UINT8_MAX)
		p->app.sends++;
}

static inline void
count_new(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	struct counters *ctr = stack->env->ctr;

	ctr->OutSegs++;
	ctr->TCPOrigDataSent++;
	tcp_note_data_out(stack, c, p);
	p->app.sends = 1;
}

/* Send p of the send queue (again); false: no packet or no room. */
static SLUICE_ALWAYS_INLINE bool
send_queued(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold, struct pkt *p,
	uint16_t flags)
{
	struct pkt *q = packet_to_send(stack, p);
	uint8_t ecn = IP_ECN_NOT_ECT;

	if (q == NULL) {
		stack->env->ctr->TCPRetransFail += p->app.sends > 0;
		return false;
	}
	/* A retransmission is not ECT: who drops it must be noticed (RFC 3168 s6.1.5). */
	if (p->app.sends == 0) {
		if (c->flags & TF_ECN)
			flags |= tcp_ecn_new_data(c, &ecn);
		count_new(stack, c, p);
	} else {
		count_again(stack, c, p);
	}
	p->app.sent_us = (uint32_t)stack->env->now_us;
	cold->last_sent_ms = stack->env->now_ms;
	if (SLUICE_UNLIKELY(cold->is_paced))
		tcp_pacing_sent(stack, c, p->app.end_seq - p->app.seq);
	if (p->app.flags & (PKT_F_PSH | PKT_F_CHUNK))
		flags |= TCP_PSH;
	/* It is sent again alone. */
	p->app.flags &= (uint16_t)~PKT_F_CHUNK;
	flags |= TCP_ACK;
	if (stack->tso.is_on && tcp_tso_join(stack, q, p, flags, ecn)) {
		tcp_note_out(stack, c);
		return true;
	}
	emit(stack, c, q, p->app.seq, flags, ecn);
	if (stack->tso.is_on)
		tcp_tso_lead(stack, c, q, p, flags, ecn);
	return true;
}

/* Bytes that cwnd still allows. */
static uint32_t
cwnd_room(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	/* RFC 3042, one new segment for each of the first duplicate ACKs, is in it: what arrived
	 * behind the hole has left the pipe. */
	uint32_t pipe = tcp_pipe(stack, c);

	return c->cwnd > pipe ? c->cwnd - pipe : 0;
}

/* Bytes that the peer's window still allows. */
static uint32_t
peer_room(const struct tcp_conn *c)
{
	uint32_t flight = c->snd_nxt - c->snd_una;

	return c->snd_wnd > flight ? c->snd_wnd - flight : 0;
}

/* ... and both windows. */
static uint32_t
window_room(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return min_u32(peer_room(c), cwnd_room(stack, c));
}

/* F-RTO asks with whatever there is to send (RFC 5682 s2.1 step 2b). */
static bool
asks_with_new_data(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_score *sc = tcp_score(stack, c);

	return sc != NULL && (sc->flags & SC_FRTO_NEW);
}

/*
 * A short segment waits for more, as its owner asked, until it is told otherwise or closes. As in
 * Linux "more follows" is over once new data is acknowledged or a bare ACK comes, a cork stays.
 */
static bool
is_held(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p)
{
	bool more = (p->app.flags & PKT_F_MORE) && p->app.sent_us == c->snd_una;

	if (!more && !tcp_cold(stack, c)->is_corked)
		return false;
	return !(c->flags & TF_FIN_QUEUED) && !(p->app.flags & PKT_F_NOW) && p->app.sends == 0 &&
		!asks_with_new_data(stack, c);
}

/*
 * RFC 9293 s3.8.6.2.1: a full segment; or all there is, if Nagle (s3.7.4) does not hold it; or half
 * of the largest window ever seen, if it is no window of a few bytes: into that goes what the probe
 * takes along, as in Linux. Nagle as Minshall changed it: only a short segment in flight holds a
 * short one back, so the tail of a large write goes out with it.
 */
static inline bool
worth_sending(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p,
	uint32_t len, bool is_last)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	if (len >= c->mss)
		return true;
	if (!is_last)
		return len >= max_u32(cold->max_snd_wnd / 2, tcp_pmtu_least_mss(c));
	if (is_held(stack, c, p))
		return false;
	return (p->app.flags & PKT_F_NOW) || (c->flags & (TF_NODELAY | TF_FIN_QUEUED)) ||
		seq32_leq(cold->snd_sml, c->snd_una) || asks_with_new_data(stack, c);
}

/* Of the len bytes that p has, the part that may go into room; 0: none. */
static SLUICE_ALWAYS_INLINE uint32_t
sendable(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p, uint32_t len,
	uint32_t room)
{
	uint32_t fit;
	bool is_last;

	/* Most often a full segment, which nothing holds back. */
	if (len >= c->mss && room >= c->mss)
		return c->mss;
	fit = min_u32(min_u32(len, c->mss), room);
	is_last = fit == len && p->app.next == NULL;
	/* A short packet in mid-queue is a segment of its own if it was sent before. */
	if (fit == 0 || (!worth_sending(stack, c, p, fit, is_last) && !(fit == len && !is_last)))
		return 0;
	return fit;
}

/* What leaves in a row, with PSH on the last (tcp_chunk.c). */
struct chunk {
	uint32_t segs_max;	/* 0: not known yet */
	uint32_t segs;		/* sent of this one */
	bool waits;		/* the next one does, for an ACK */
};

/* Anything behind the next len bytes of p, of which room may go, that goes at once, too? */
static bool
more_goes(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p,
	uint32_t len, uint32_t room)
{
	uint32_t rest = p->app.end_seq - p->app.seq - len;

	if (rest == 0) {
		p = p->app.flags & PKT_F_EOR ? NULL : p->app.next;
		rest = p != NULL ? p->app.end_seq - p->app.seq : 0;
	}
	return p != NULL && sendable(stack, c, p, rest, room - len) > 0;
}

/* PSH for p where it ends a chunk of several segments. False: it has to wait for an ACK. */
static SLUICE_ALWAYS_INLINE bool
chunk_next(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint32_t len, uint32_t room,
	struct chunk *ch)
{
	bool many = len < p->app.end_seq - p->app.seq || p->app.next != NULL;
	uint32_t half;

	/* Most often there is one, and nothing in flight whose ACK it could wait for. */
	if (!many && ch->segs == 0 &&
		(p == c->sendq_head || tcp_cold(stack, c)->last_sent_ms != stack->env->now_ms))
		return true;
	if (ch->segs_max == 0)
		ch->segs_max = tcp_chunk_segs(stack, c);
	if (ch->segs == 0 &&
		tcp_chunk_waits(stack, c, ch->segs_max, cwnd_room(stack, c), peer_room(c))) {
		ch->waits = cwnd_room(stack, c) < peer_room(c);
		return false;
	}
	ch->segs++;
	half = max_u32(c->cwnd / 2, c->mss);
	if (ch->segs < ch->segs_max && (ch->segs + 1) * c->mss <= half &&
		more_goes(stack, c, p, len, room)) {
		p->app.flags |= PKT_F_JOINED;
		return true;
	}
	if (ch->segs > 1)
		p->app.flags |= PKT_F_CHUNK;
	ch->segs = 0;
	return true;
}

static void
advance(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	c->snd_nxt += len;
	if ((c->flags & (TF_RECOVERY | TF_SCORE)) == (TF_RECOVERY | TF_SCORE))
		tcp_score(stack, c)->prr_out += len;
}

/* The next len bytes, new to the peer; in one piece with the loop over them. */
static SLUICE_ALWAYS_INLINE bool
send_next(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold, uint32_t len)
{
	struct pkt *p = c->send_next;
	bool fin;

	if (len < p->app.end_seq - p->app.seq && !tcp_sendq_split(stack, c, p, len))
		return false;
	/* It takes a number of the peer's window, as data does (RFC 9293 s3.4). */
	fin = (c->flags & TF_FIN_QUEUED) && p->app.next == NULL && c->state != TCPS_SYN_RECEIVED &&
		peer_room(c) > len;
	if (!send_queued(stack, c, cold, p, fin ? TCP_FIN : 0))
		return false;
	c->send_next = p->app.next;
	/* As Linux: what only time made go does not hold back what follows. */
	if (len < c->mss && !(p->app.flags & PKT_F_NOW))
		cold->snd_sml = c->snd_nxt + len;
	if (SLUICE_UNLIKELY(fin)) {
		c->flags |= TF_FIN_SENT;
		p->app.flags |= PKT_F_FIN;
		len++;
	}
	advance(stack, c, len);
	return true;
}

bool
tcp_send_next(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	return send_next(stack, c, tcp_cold(stack, c), len);
}

/* The same out of line: what is sent again is not in a hurry. */
static SLUICE_NOINLINE bool
send_again(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, uint16_t flags)
{
	return send_queued(stack, c, tcp_cold(stack, c), p, flags);
}

/*
 * Of p, what may go again: a segment, and no more than is left of the window if the peer has taken
 * some of it back (RFC 9293 s3.8.6). The oldest goes whole where nothing is left: it is the probe.
 */
static uint32_t
rexmit_most(const struct tcp_conn *c, const struct pkt *p)
{
	uint32_t at = p->app.seq - c->snd_una;

	return at < c->snd_wnd ? min_u32(c->snd_wnd - at, c->mss) : c->mss;
}

/* FIN goes with the last packet each time, also if it first went alone. */
bool
tcp_send_copy(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	uint32_t most;
	bool fin;

	if (!tcp_tx_has_room(stack))
		return false;
	if (p == NULL)
		return (c->flags & TF_FIN_SENT) &&
			tcp_send_empty(stack, c, c->write_seq, TCP_FIN | TCP_ACK);
	most = rexmit_most(c, p);
	if (p->app.end_seq - p->app.seq > most && !tcp_sendq_split(stack, c, p, most))
		return false;
	fin = (c->flags & TF_FIN_SENT) && p->app.next == NULL;
	return send_again(stack, c, p, fin ? TCP_FIN : 0);
}

bool
tcp_retransmit(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	if (!tcp_send_copy(stack, c, p))
		return false;
	if (p == NULL)
		return true;
	tcp_score_resent(stack, c, p);
	/* The oldest has all of a timeout again, as in Linux. */
	if (p == c->sendq_head && !(c->timers & TT_REORDER))
		tcp_timers_on_timeout(stack, c);
	if (c->flags & TF_RECOVERY)
		tcp_score(stack, c)->prr_out += p->app.end_seq - p->app.seq;
	return true;
}

/* The packet behind p left in the same chunk, and goes again with it. */
static bool
next_goes_too(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p)
{
	const struct pkt *n = p->app.next;

	if (!(p->app.flags & PKT_F_JOINED) || n == NULL || n == c->send_next ||
		(n->app.flags & (PKT_F_LOST | PKT_F_RETRANS)) != PKT_F_LOST)
		return false;
	return n->app.end_seq - c->snd_una <= c->snd_wnd &&
		cwnd_room(stack, c) >= n->app.end_seq - p->app.seq;
}

/*
 * What was lost goes before anything new, as cwnd allows. What is left of a chunk goes in a row, as
 * it did at first, with PSH at its end. False: no packet or no room.
 *
 * Each takes a whole segment of what cwnd allows now, however short it is. RFC 9937 counts bytes,
 * and cwnd is never less than a segment: of segments of a byte all would go for each ACK.
 */
static bool
send_lost(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t room = cwnd_room(stack, c);
	bool in_row = false, goes_on;
	struct pkt *p;

	while ((p = tcp_score_next(c, sc)) != NULL) {
		if (tcp_is_beyond_window(c, p))
			return true;
		if (room == 0 ||
			cwnd_room(stack, c) < min_u32(p->app.end_seq - p->app.seq, c->mss))
			return true;
		if (tcp_cold(stack, c)->is_paced && tcp_pacing_waits(stack, c))
			return true;
		room -= min_u32(room, c->mss);
		tcp_sendq_collapse(stack, c, p);
		goes_on = room > 0 && next_goes_too(stack, c, p);
		if (in_row && !goes_on && p->app.end_seq - p->app.seq <= c->mss)
			p->app.flags |= PKT_F_CHUNK;
		if (!tcp_retransmit(stack, c, p))
			return false;
		in_row = goes_on;
	}
	return true;
}

/* Is FIN what comes next? All data before it has been sent, and it has not since snd_nxt. */
static bool
fin_is_due(const struct tcp_conn *c)
{
	return (c->flags & TF_FIN_QUEUED) && c->send_next == NULL &&
		c->snd_nxt == c->write_seq && c->state != TCPS_SYN_RECEIVED;
}

/* Data of ours within the ACK delay of the peer's: the owner answers, an ACK can ride with it. */
static bool
is_answer(const struct tcp_stack *stack, const struct tcp_cold *cold)
{
	return stack->env->now_ms - cold->last_data_ms < cold->ato_ms;
}

/* Data as far as the windows go. False: no packet or no room, try again later. */
static bool
send_new(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold)
{
	bool answers = is_answer(stack, cold);
	uint32_t before = c->snd_nxt;
	struct chunk ch = { 0 };
	uint32_t len, room;
	struct pkt *p;

	if (SLUICE_UNLIKELY(cold->mss_high != 0))
		tcp_mtu_probe_send(stack, c);
	room = window_room(stack, c);
	while ((p = c->send_next) != NULL) {
		if ((p->app.flags & PKT_F_REST) && p->app.next != NULL)
			tcp_sendq_fill(stack, c, p);
		len = sendable(stack, c, p, p->app.end_seq - p->app.seq, room);
		if (len == 0)
			break;
		if (SLUICE_UNLIKELY(cold->is_paced) && ch.segs == 0 && tcp_pacing_waits(stack, c))
			break;
		if (!chunk_next(stack, c, p, len, room, &ch))
			break;
		if (!tcp_tx_has_room(stack) || !send_next(stack, c, cold, len))
			return false;
		room -= len;
		stack->row_of = c;
		if (answers)
			c->flags |= TF_PINGPONG;
	}
	if (c->snd_nxt != before || ch.waits)
		tcp_chunk_used(stack, c, ch.waits);
	if (p == NULL && fin_is_due(c) && window_room(stack, c) > 0) {
		if (!tcp_send_empty(stack, c, c->snd_nxt, TCP_FIN | TCP_ACK))
			return false;
		c->flags |= TF_FIN_SENT;
		advance(stack, c, 1);
	}
	return true;
}

/* What the rest waits for, where that is noted. */
static void
note_limit(const struct tcp_stack *stack, const struct tcp_conn *c, bool has_sent)
{
	const struct pkt *p = c->send_next;
	uint32_t len = p != NULL ? min_u32(p->app.end_seq - p->app.seq, c->mss) : 0;

	if (tcp_notes(stack, c) == NULL)
		return;
	if (p != NULL && cwnd_room(stack, c) >= len && peer_room(c) < len)
		tcp_note_send_state(stack, c, 1u << TCP_SENDS, TCP_SENDS_TO_WINDOW);
	else
		tcp_note_send_state(stack, c, 1u << TCP_SENDS_TO_WINDOW, TCP_SENDS);
	if (p == NULL && has_sent && (c->flags & (TF_WANT_WRITE | TF_NOBUF)) == TF_WANT_WRITE &&
		cwnd_room(stack, c) > 0)
		tcp_note_send_state(stack, c, 1u << TCP_SENDS, TCP_SENDS_TO_BUFFER);
}

/* The timer is set once for a burst, when its size is known. */
static bool
send_data(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t before = c->snd_nxt;
	bool done;

	if (stack->env->tx_caps & ENV_TX_TSO)
		tcp_tso_begin(stack);
	done = send_new(stack, c, tcp_cold(stack, c));
	stack->row_of = NULL;
	if (stack->tso.is_on)
		tcp_tso_end(stack);
	if (c->snd_nxt != before)
		tcp_timers_on_sent(stack, c);
	note_limit(stack, c, c->snd_nxt != before);
	/*
	 * Nothing in flight and nothing may go: only a probe can find out when (s3.8.6.1), unless
	 * it is paced and will be tried again.
	 */
	if (done && (c->send_next != NULL || fin_is_due(c)) && c->snd_nxt == c->snd_una &&
		!(tcp_cold(stack, c)->is_paced && (c->timers & TT_AGAIN)))
		tcp_timers_on_closed_window(stack, c);
	return done;
}

/* All that may go: what was lost, then what is new. */
static bool
send_all(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_score *sc = tcp_score(stack, c);

	/* F-RTO asks with new data whether anything was lost at all; without any it cannot. */
	if (asks_with_new_data(stack, c)) {
		if (!send_data(stack, c))
			return false;
		if (c->snd_nxt != tcp_cold(stack, c)->recover)
			return true;
		sc->flags &= (uint16_t)~(SC_FRTO | SC_FRTO_NEW);
	}
	if (sc != NULL && sc->pending > 0) {
		if (!send_lost(stack, c, sc))
			return false;
		if (sc->pending > 0)
			return true;
	}
	return send_data(stack, c);
}

bool
tcp_send_held(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct pkt *p = c->send_next;

	if (p == NULL || p != c->sendq_tail || !is_held(stack, c, p) ||
		p->app.end_seq - p->app.seq > window_room(stack, c))
		return false;
	p->app.flags |= PKT_F_NOW;
	tcp_want_output(stack, c);
	return true;
}

/* Whatever there is. */
static SLUICE_NOINLINE void
output_any(struct tcp_stack *stack, struct tcp_conn *c)
{
	bool was_answer = (c->flags & (TF_ACK_DELAY | TF_ACK_NOW)) != 0;

	if (!tcp_is_synchronised(c) && !tcp_is_fastopen_child(c))
		return;
	if (tcp_may_send_data(c) && !send_all(stack, c)) {
		/* No room: with the next flush. No packet: a little later. */
		if (tcp_tx_has_room(stack))
			tcp_timers_nobuf(stack, c);
		else
			tcp_want_output(stack, c);
	}
	if (!was_answer)
		return;
	if (c->flags & TF_ACK_NOW) {
		if (!tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK))
			tcp_timers_on_ack_owed(stack, c);
	} else if (c->flags & TF_ACK_DELAY) {
		tcp_timers_on_ack_owed(stack, c);
	}
}

/*
 * Is all there is one segment, with nothing in flight, no end and nothing out of the ordinary, as
 * the answer to a request is? Then no rule above holds it back, it is no chunk, and it takes all
 * ACKs along. Built with SLUICE_FORCE_SLOW_PATH none is, and every test must pass so.
 */
static inline bool
is_lone(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_cold *cold)
{
	const uint16_t apart = PKT_F_MORE | PKT_F_NOW | PKT_F_REST | PKT_F_CHAINED;
	const struct pkt *p = c->send_next;
	uint32_t len;

#if defined(SLUICE_FORCE_SLOW_PATH)
	return false;
#endif
	if (c->state != TCPS_ESTABLISHED || p == NULL || p != c->sendq_head || p->app.next != NULL)
		return false;
	len = p->app.end_seq - p->app.seq;
	return p->app.sends == 0 &&
		!(p->app.flags & apart) &&
		!pkt_is_shared(p) &&
		!(c->flags & (TF_FIN_QUEUED | TF_SCORE)) &&
		c->snd_nxt == c->snd_una &&
		!cold->is_corked && !cold->is_paced &&
		cold->mss_high == 0 &&
		len <= c->mss && len <= c->snd_wnd && len <= c->cwnd &&
		tcp_tx_has_room(stack);
}

/* What send_queued, send_next and tcp_chunk_used do, as far as it can concern such a segment. */
static SLUICE_NOINLINE void
output_lone(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold)
{
	struct pkt *p = c->send_next;
	uint32_t len = p->app.end_seq - p->app.seq;
	uint16_t flags = p->app.flags & PKT_F_PSH ? TCP_ACK | TCP_PSH : TCP_ACK;
	uint8_t ecn = IP_ECN_NOT_ECT;

	hold_payload(stack, p);
	if (c->flags & TF_ECN)
		flags |= tcp_ecn_new_data(c, &ecn);
	count_new(stack, c, p);
	p->app.sent_us = (uint32_t)stack->env->now_us;
	cold->last_sent_ms = stack->env->now_ms;
	emit(stack, c, p, p->app.seq, flags, ecn);
	c->send_next = NULL;
	c->snd_nxt += len;
	if (len < c->mss)
		cold->snd_sml = c->snd_nxt;
	if (is_answer(stack, cold))
		c->flags |= TF_PINGPONG;
	/* All that was in flight before is acknowledged: what cwnd is used for begins anew. */
	cold->is_cwnd_limited = len + c->mss > c->cwnd;
	cold->max_out = len;
	cold->usage_seq = c->snd_nxt;
	note_limit(stack, c, true);
	tcp_timers_on_sent(stack, c);
}

void
tcp_output(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (is_lone(stack, c, cold))
		output_lone(stack, c, cold);
	else
		output_any(stack, c);
}
