/* SPDX-License-Identifier: BSD-3-Clause */
/* The scoreboard: what the peer holds behind gaps, and what that says of the rest (RFC 6675). */
#include "tcp/tcp_parts.h"

/*
 * Threat model: the peer chooses the blocks. With an MSS of 88 and 4 MB in flight, blocks that name
 * every other packet, or one far away in each ACK, made others walk 47 000 packets for each
 * (CVE-2019-11477 to 11479). Here
 *	- a block splits nothing: what it does not cover wholly is not SACKed
 *	- SACKed packets form runs, TCP_RANGES_PER_CONN at most; one walk over them finds all blocks
 *	  of an ACK; only gaps between runs are walked, and what is marked there is never again
 *	- the begin of a block is sought over SEEK_MAX packets an ACK; the next goes on from there
 *	- blocks outside of what is in flight are ignored and counted (RFC 5961 s5 in kind)
 */
#define SEEK_MAX 256u

struct tcp_score *
tcp_score_get(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_score *sc;

	if (c->flags & TF_SCORE)
		return &stack->scores[cold->score];
	if (stack->score_free != TCP_NONE) {
		cold->score = stack->score_free;
		stack->score_free = stack->scores[cold->score].next;
	} else {
		/* One for each connection: it is there. */
		ASSERT(stack->score_fresh < stack->par.conns_max);
		cold->score = stack->score_fresh++;
	}
	c->flags |= TF_SCORE;
	sc = &stack->scores[cold->score];
	*sc = (struct tcp_score){ .fack = c->snd_una, .prior_fack = c->snd_una };
	return sc;
}

static void
drop_run(struct tcp_stack *stack, struct tcp_score *sc, struct tcp_range **link)
{
	struct tcp_range *r = *link;

	*link = r->next;
	sc->runs--;
	tcp_range_free(stack, r);
}

void
tcp_score_free(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_score *sc = tcp_score(stack, c);

	if (sc == NULL)
		return;
	while (sc->sacks != NULL)
		drop_run(stack, sc, &sc->sacks);
	sc->next = stack->score_free;
	stack->score_free = tcp_cold(stack, c)->score;
	c->flags &= ~TF_SCORE;
}

/* --- marks ----------------------------------------------------------------------------------- */

static uint32_t
seq_len(const struct pkt *p)
{
	return p->app.end_seq - p->app.seq;
}

/* Take len bytes of p out of the counts of all its marks. */
static void
uncount(struct tcp_score *sc, const struct pkt *p, uint32_t len)
{
	uint16_t marks = p->app.flags;

	if (marks & PKT_F_SACKED)
		sc->sacked -= len;
	if (marks & PKT_F_LOST)
		sc->lost -= len;
	if (marks & PKT_F_RETRANS)
		sc->retrans -= len;
	if ((marks & (PKT_F_LOST | PKT_F_RETRANS)) == PKT_F_LOST)
		sc->pending -= len;
}

void
tcp_score_mark_lost(struct tcp_stack *stack, struct tcp_score *sc, struct pkt *p)
{
	ASSERT(!(p->app.flags & PKT_F_SACKED));
	if ((p->app.flags & (PKT_F_LOST | PKT_F_RETRANS)) == PKT_F_LOST)
		return;
	uncount(sc, p, seq_len(p));
	stack->env->ctr->TCPLostRetransmit += (p->app.flags & PKT_F_RETRANS) != 0;
	p->app.flags = (uint16_t)((p->app.flags & ~PKT_F_RETRANS) | PKT_F_LOST);
	sc->lost += seq_len(p);
	sc->pending += seq_len(p);
	if (sc->rtx_next == NULL || seq32_lt(p->app.seq, sc->rtx_next->app.seq))
		sc->rtx_next = p;
}

void
tcp_score_unmark_lost(struct tcp_conn *c, struct tcp_score *sc)
{
	for (struct pkt *p = c->sendq_head; p != c->send_next && sc->lost > 0; p = p->app.next) {
		if (!(p->app.flags & PKT_F_LOST))
			continue;
		sc->lost -= seq_len(p);
		if (!(p->app.flags & PKT_F_RETRANS))
			sc->pending -= seq_len(p);
		p->app.flags &= (uint16_t)~PKT_F_LOST;
	}
	sc->rtx_next = NULL;
	sc->rack_next = NULL;
}

/* Nothing points to what the queue is about to give up. */
static void
step_over(struct tcp_score *sc, const struct pkt *p)
{
	if (sc->rtx_next == p)
		sc->rtx_next = p->app.next;
	if (sc->rack_next == p)
		sc->rack_next = p->app.next;
	if (sc->seek == p)
		sc->seek = p->app.next;
}

void
tcp_score_join(struct tcp_stack *stack, struct tcp_conn *c, const struct pkt *p,
	const struct pkt *n)
{
	struct tcp_score *sc = tcp_score(stack, c);
	uint16_t marks = p->app.flags;

	if (sc == NULL)
		return;
	ASSERT(!((marks | n->app.flags) & PKT_F_SACKED));
	uncount(sc, n, seq_len(n));
	/* All of it has p's marks from now on. */
	if (marks & PKT_F_LOST)
		sc->lost += seq_len(n);
	if (marks & PKT_F_RETRANS)
		sc->retrans += seq_len(n);
	if ((marks & (PKT_F_LOST | PKT_F_RETRANS)) == PKT_F_LOST)
		sc->pending += seq_len(n);
	/* Without SACK one of the duplicate ACKs was for n, as far as anybody knows. */
	if (!(c->flags & TF_SACK))
		sc->sacked -= min_u32(sc->sacked, seq_len(n));
	step_over(sc, n);
}

void
tcp_score_resent(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p)
{
	struct tcp_score *sc = tcp_score_get(stack, c);

	if (sc->flags & SC_UNDO)
		sc->undo_retrans++;
	if (!(sc->flags & SC_RETRANS_TS)) {
		sc->flags |= SC_RETRANS_TS;
		sc->retrans_ts = tcp_ts_now(stack, tcp_cold(stack, c)->ts_off);
	}
	if (p->app.flags & (PKT_F_RETRANS | PKT_F_SACKED))
		return;
	uncount(sc, p, seq_len(p));
	p->app.flags |= PKT_F_RETRANS;
	sc->retrans += seq_len(p);
	if (p->app.flags & PKT_F_LOST)
		sc->lost += seq_len(p);
}

/* p is first heard of as delivered, in order or behind a gap. */
static void
delivered(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, struct pkt *p,
	bool sacked)
{
	tcp_rack_delivered(stack, c, sc, p, sacked);
	uncount(sc, p, seq_len(p));
	p->app.flags &= (uint16_t)~(PKT_F_LOST | PKT_F_RETRANS);
}

void
tcp_score_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	struct tcp_score *sc = tcp_score(stack, c);
	struct pkt *p;

	for (p = c->sendq_head; p != NULL && seq32_leq(p->app.end_seq, ack); p = p->app.next) {
		if (p->app.sends > 1)
			sc->flags |= SC_RETRANS_ACKED;
		if (p->app.flags & PKT_F_SACKED) {
			uncount(sc, p, seq_len(p));
			sc->sacked_pkts--;
		} else {
			delivered(stack, c, sc, p, false);
		}
		step_over(sc, p);
	}
	if (p != NULL && seq32_lt(p->app.seq, ack))
		uncount(sc, p, ack - p->app.seq);
	while (sc->sacks != NULL && seq32_leq(sc->sacks->end, ack))
		drop_run(stack, sc, &sc->sacks);
	if (sc->sacks != NULL && seq32_lt(sc->sacks->start, ack)) {
		sc->sacks->start = ack;
		sc->sacks->head = p;
	}
	sc->fack = seq32_max(sc->fack, ack);
}

struct pkt *
tcp_score_next(struct tcp_conn *c, struct tcp_score *sc)
{
	struct pkt *p = sc->rtx_next;

	while (sc->pending > 0 && p != NULL && p != c->send_next &&
		(p->app.flags & (PKT_F_LOST | PKT_F_RETRANS)) != PKT_F_LOST)
		p = p->app.next;
	sc->rtx_next = p;
	return sc->pending > 0 ? p : NULL;
}

/* RFC 2018 s8: a head that is SACKed at a timeout says that the peer threw away what it had. */
void
tcp_score_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	struct pkt *head = c->sendq_head;
	bool reneged = head != NULL && (head->app.flags & PKT_F_SACKED);

	if (reneged) {
		stack->env->ctr->TCPSACKReneging++;
		while (sc->sacks != NULL)
			drop_run(stack, sc, &sc->sacks);
		sc->sacked = sc->sacked_pkts = 0;
	}
	for (struct pkt *p = head; p != NULL && p != c->send_next; p = p->app.next) {
		if (reneged)
			p->app.flags &= (uint16_t)~PKT_F_SACKED;
		if (p->app.flags & PKT_F_SACKED)
			continue;
		if (p == head || reneged || !tcp_rack_is_recent(stack, c, sc, p))
			tcp_score_mark_lost(stack, sc, p);
	}
}

/* --- the SACK option ------------------------------------------------------------------------- */

/*
 * The first packet at or behind start, from a gap's begin on; NULL: not found within the budget.
 * The place that a search got to with the last of it is not given up for another block.
 */
static struct pkt *
seek(struct tcp_conn *c, struct tcp_score *sc, struct pkt *from, uint32_t start,
	unsigned int *budget)
{
	struct pkt *p = from;

	if (sc->seek != NULL && p != NULL && seq32_geq(sc->seek->app.seq, p->app.seq) &&
		seq32_leq(sc->seek->app.seq, start))
		p = sc->seek;
	for (; p != NULL && p != c->send_next && seq32_lt(p->app.seq, start); p = p->app.next) {
		if (*budget == 0)
			return NULL;
		if (--*budget == 0)
			sc->seek = p;
	}
	if (*budget > 0)
		sc->seek = NULL;
	return p;
}

/* A run of nothing yet before p, at link. */
static struct tcp_range *
begin_run(struct tcp_stack *stack, struct tcp_score *sc, struct tcp_range **link, struct pkt *p)
{
	struct tcp_range *r = sc->runs < TCP_RANGES_PER_CONN ? tcp_range_new(stack) : NULL;

	if (r == NULL) {
		stack->env->ctr->TCPSACKDiscard++;
		return NULL;
	}
	*r = (struct tcp_range){
		.start = p->app.seq,
		.end = p->app.seq,
		.head = p,
		.tail = p,
		.next = *link,
	};
	*link = r;
	sc->runs++;
	return r;
}

/* The walk over the runs for all blocks of an ACK, and what it may spend on the gaps. */
struct walk {
	struct tcp_score *sc;
	const struct tcp_range *before;	/* the run that link is of; NULL: it is the list's head */
	struct tcp_range **link;
	unsigned int budget;
	struct tcp_rtts rtts;	/* of what was sent once and is SACKed now */
};

static void
mark_sacked(struct tcp_stack *stack, struct tcp_conn *c, struct walk *w, struct pkt *p)
{
	if (p->app.sends == 1) {
		w->rtts.last_us = max_u32((uint32_t)stack->env->now_us - p->app.sent_us, 1);
		if (w->rtts.first_us == 0)
			w->rtts.first_us = w->rtts.last_us;
	}
	delivered(stack, c, w->sc, p, true);
	p->app.flags |= PKT_F_SACKED;
	tcp_note_delivered(stack, c);
	w->sc->sacked += seq_len(p);
	w->sc->sacked_pkts++;
}

/* r, which ends before p, grows up to end; it takes in the runs that it meets. */
static void
grow(struct tcp_stack *stack, struct tcp_conn *c, struct walk *w, struct tcp_range *r,
	struct pkt *p, uint32_t end)
{
	while (p != NULL && p != c->send_next) {
		struct tcp_range *n = r->next;

		if (n != NULL && n->head == p) {
			r->end = n->end;
			r->tail = n->tail;
			drop_run(stack, w->sc, &r->next);
		} else if (seq32_leq(p->app.end_seq, end)) {
			mark_sacked(stack, c, w, p);
			r->end = p->app.end_seq;
			r->tail = p;
		} else {
			return;
		}
		p = r->tail->app.next;
	}
}

/* Blocks come lowest first: a run passed over for one is none of the next. */
static void
take_block(struct tcp_stack *stack, struct tcp_conn *c, const uint32_t block[2], struct walk *w)
{
	uint32_t start = seq32_max(block[0], c->snd_una);
	struct tcp_range *r;
	struct pkt *p;

	/* No packet is touched for the runs that are passed over. */
	for (; (r = *w->link) != NULL && seq32_lt(r->end, start); w->link = &r->next)
		w->before = r;
	p = w->before != NULL ? w->before->tail->app.next : c->sendq_head;
	if (r != NULL && seq32_leq(r->start, start)) {
		if (seq32_lt(r->end, block[1]))
			grow(stack, c, w, r, r->tail->app.next, block[1]);
		return;
	}
	p = seek(c, w->sc, p, start, &w->budget);
	if (p == NULL || p == c->send_next || seq32_gt(p->app.end_seq, block[1]))
		return;
	if (r != NULL && r->head == p) {
		grow(stack, c, w, r, r->tail->app.next, block[1]);
		return;
	}
	r = begin_run(stack, w->sc, w->link, p);
	if (r != NULL)
		grow(stack, c, w, r, p, block[1]);
}

/* RFC 2883 s5: below the acknowledgement, or part of the second block. */
static bool
is_dsack(const struct tcp_rx *rx)
{
	const struct tcp_opts *o = &rx->seg->opts;

	if (seq32_lt(o->sack[0][0], rx->ack))
		return true;
	return o->nsack > 1 && seq32_geq(o->sack[0][0], o->sack[1][0]) &&
		seq32_leq(o->sack[0][1], o->sack[1][1]);
}

/* Data sent again that was not lost. Each of our retransmissions is disproved once. */
static void
take_dsack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	const struct tcp_rx *rx)
{
	const uint32_t *block = rx->seg->opts.sack[0];
	uint32_t len = block[1] - block[0];
	uint32_t pkts = len <= c->mss ? 1 : (len + c->mss - 1) / c->mss;

	if (seq32_lt(block[0], rx->ack))
		stack->env->ctr->TCPDSACKRecv++;
	else
		stack->env->ctr->TCPDSACKOfoRecv++;
	if (tcp_notes(stack, c) != NULL)
		tcp_notes(stack, c)->dsack_dups += pkts;
	/* As Linux: nothing was sent twice, so that the network did it, or somebody makes it up. */
	if (tcp_cold(stack, c)->total_retrans == 0) {
		stack->env->ctr->TCPDSACKIgnoredNoUndo++;
		return;
	}
	sc->flags |= SC_DSACK_SEEN;
	if (tcp_notes(stack, c) != NULL)
		tcp_notes(stack, c)->delivered++;
	if (!(sc->flags & SC_UNDO)) {
		stack->env->ctr->TCPDSACKIgnoredNoUndo++;
		return;
	}
	if (seq32_leq(block[1], sc->undo_marker)) {
		stack->env->ctr->TCPDSACKIgnoredOld++;
		return;
	}
	sc->undo_retrans -= min_u32(pkts, sc->undo_retrans);
}

/* Of something we sent, and not older than a window: duplicates and late ACKs tell of that. */
static bool
is_valid(const struct tcp_stack *stack, const struct tcp_conn *c, const uint32_t block[2])
{
	return seq32_lt(block[0], block[1]) && seq32_leq(block[1], c->snd_nxt) &&
		seq32_geq(block[0], c->snd_una - tcp_cold(stack, c)->max_snd_wnd);
}

/* Into sorted, lowest first, which holds n. */
static void
sort_in(const uint32_t *sorted[], unsigned int n, const uint32_t *block)
{
	for (; n > 0 && seq32_gt(sorted[n - 1][0], block[0]); n--)
		sorted[n] = sorted[n - 1];
	sorted[n] = block;
}

struct tcp_rtts
tcp_sack_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	const struct tcp_opts *o = &rx->seg->opts;
	struct tcp_score *sc = tcp_score_get(stack, c);
	struct walk w = { .sc = sc, .link = &sc->sacks, .budget = SEEK_MAX };
	const uint32_t *sorted[ARRAY_SIZE(o->sack)];
	bool dsack = is_dsack(rx);
	unsigned int n = 0;

	for (unsigned int i = 0; i < o->nsack; i++) {
		if (!is_valid(stack, c, o->sack[i]))
			stack->env->ctr->TCPSACKDiscard++;
		else if (i == 0 && dsack)
			take_dsack(stack, c, sc, rx);
		else if (seq32_gt(o->sack[i][1], c->snd_una))
			sort_in(sorted, n++, o->sack[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		take_block(stack, c, sorted[i], &w);
	return w.rtts;
}
