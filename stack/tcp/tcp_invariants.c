/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold after every event, asserted by walking everything; for tests and simulation. */
#include "tcp/tcp_parts.h"

/* I-4: order of the send side; the queue covers exactly what is unacknowledged. */
static void
check_sendq(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t seq = c->snd_una;
	bool next_seen = c->send_next == NULL;
	uint32_t mem = 0;

	ASSERT(seq32_leq(c->snd_una, c->snd_nxt));
	ASSERT(seq32_leq(c->snd_nxt, c->write_seq + 1));
	for (const struct pkt *p = c->sendq_head; p != NULL; p = p->app.next) {
		mem += stack->env->pool->charge;
		ASSERT(p->app.seq == seq);
		ASSERT(seq32_lt(p->app.seq, p->app.end_seq));
		if (p == c->send_next) {
			ASSERT(p->app.seq == c->snd_nxt);
			next_seen = true;
		}
		ASSERT(p->app.next != NULL || p == c->sendq_tail);
		seq = p->app.end_seq;
	}
	ASSERT(next_seen);
	ASSERT(mem == tcp_cold(stack, c)->wmem);
	ASSERT(c->sendq_head == NULL ? c->sendq_tail == NULL : seq == c->write_seq);
}

/* The counts of the scoreboard are those of the marks, and runs hold all that is SACKed. */
static void
check_score(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_score *sc = tcp_score(stack, c);
	const struct tcp_range *r = sc == NULL ? NULL : sc->sacks;
	uint32_t sacked = 0, lost = 0, retrans = 0, pending = 0;
	bool in_run = false, seen = sc == NULL || sc->rtx_next == NULL;

	for (const struct pkt *p = c->sendq_head; p != NULL; p = p->app.next) {
		uint32_t len = p->app.end_seq - p->app.seq;
		uint16_t marks = p->app.flags & (PKT_F_SACKED | PKT_F_LOST | PKT_F_RETRANS);

		ASSERT(marks == 0 || (sc != NULL && seq32_lt(p->app.seq, c->snd_nxt)));
		ASSERT(!(marks & PKT_F_SACKED) || marks == PKT_F_SACKED);
		sacked += marks & PKT_F_SACKED ? len : 0;
		lost += marks & PKT_F_LOST ? len : 0;
		retrans += marks & PKT_F_RETRANS ? len : 0;
		pending += marks == PKT_F_LOST ? len : 0;
		seen |= sc != NULL && p == sc->rtx_next;
		ASSERT(marks != PKT_F_LOST || seen);
		if (r != NULL && p == r->head)
			in_run = true;
		ASSERT(in_run == (marks == PKT_F_SACKED));
		if (in_run && p == r->tail) {
			ASSERT(p->app.end_seq == r->end);
			in_run = false;
			r = r->next;
		}
	}
	ASSERT(r == NULL);
	if (sc == NULL)
		return;
	ASSERT(sacked == ((c->flags & TF_SACK) ? sc->sacked : 0));
	ASSERT(sc->sacked + sc->lost <= c->snd_nxt - c->snd_una);
	ASSERT(lost == sc->lost);
	ASSERT(retrans == sc->retrans);
	ASSERT(pending == sc->pending);
}

static uint32_t
rcv_packets(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t n = 0;

	for (const struct pkt *p = c->recvq_head; p != NULL; p = p->app.next)
		n++;
	for (const struct tcp_range *r = tcp_cold(stack, c)->ooo; r != NULL; r = r->next)
		for (const struct pkt *p = r->head; p != NULL; p = p->app.next)
			n++;
	return n;
}

/* I-2, I-4: what was read, queued and offered fits together. */
static void
check_recvq(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t bytes = 0;
	uint32_t prev_end = c->rcv_nxt;

	for (const struct pkt *p = c->recvq_head; p != NULL; p = p->app.next) {
		ASSERT(p->data_len > 0);
		bytes += p->data_len;
	}
	ASSERT(bytes == c->recvq_bytes);
	ASSERT(rcv_packets(stack, c) * stack->env->pool->charge == cold->rmem);
	ASSERT(seq32_geq(c->rcv_adv, c->rcv_nxt));
	ASSERT(seq32_leq(c->rcv_acked, c->rcv_nxt));
	ASSERT(((c->flags & TF_OOO) != 0) == (cold->ooo != NULL));
	for (const struct tcp_range *r = cold->ooo; r != NULL; r = r->next) {
		ASSERT(seq32_gt(r->start, prev_end));
		ASSERT(seq32_leq(r->start, r->end));
		prev_end = r->end;
	}
}

/* I-5: whoever waits for the peer has a deadline, and the wheel knows of it. */
static void
check_timers(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	bool outstanding = c->snd_una != c->snd_nxt;

	if (outstanding || c->state == TCPS_SYN_SENT || c->state == TCPS_SYN_RECEIVED)
		ASSERT((c->timers & TT_REXMIT) || (c->flags & TF_OUTPUT));
	if ((c->flags & TF_ORPHAN) && c->state == TCPS_FIN_WAIT_2)
		ASSERT(c->timers & TT_KEEP);
	if (c->timers != 0)
		ASSERT(wheel_is_armed(&stack->wheel, tcp_slot(stack, c)));
}

/* I-7, I-8. */
static void
check_limits(const struct tcp_stack *stack, const struct env *env, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	ASSERT(cold->flow_hash == (uint32_t)tcp_flow_hash(stack, &c->key));
	if (!tcp_is_synchronised(c))
		return;
	ASSERT(c->cwnd >= c->mss);
	ASSERT(c->mss > 0);
	ASSERT(cold->rto_ms > 0);
	ASSERT(cold->rto_ms <= max_u32(env->tun->tcp_rto_max, TCP_RTO_SYN_LOST_MS));
}

static void
check_synq(const struct tcp_stack *stack)
{
	uint32_t used = 0, ip6 = 0;

	for (uint32_t i = 0; i < stack->synq_fresh; i++) {
		const struct tcp_brief *who = &stack->synq[i].who;

		if (who->local == 0)
			continue;
		used++;
		ip6 += who->local >> 8 == FLOW_FAMILY_V6;
		ASSERT(wheel_is_armed(&stack->wheel, stack->par.conns_max + i));
	}
	ASSERT(used == stack->synq_used);
	/* The rest is in TIME-WAIT: too many to be counted each time. */
	ASSERT(stack->ip6.used >= ip6);
	ASSERT(stack->ip6.used <= ip6 + stack->tw_live);
}

/* Nothing is under way, and a deadline it has is in the wheel. */
static void
check_parked(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	ASSERT(c->sendq_head == NULL && c->recvq_head == NULL);
	ASSERT(c->snd_una == c->snd_nxt);
	ASSERT((c->flags & (TF_OUTPUT | TF_EVENT | TF_SCORE | TF_OOO)) == 0);
	ASSERT((c->timers & (uint8_t)~(TT_KEEP | TT_APP | TT_PMTU)) == 0);
	if (c->timers != 0)
		ASSERT(wheel_is_armed(&stack->wheel, tcp_slot(stack, c)));
}

/* Who is counted by source is counted once, and nobody else is. */
static void
check_source(const struct tcp_stack *stack)
{
	const struct tcp_source *src = &stack->source;
	uint64_t counted = 0;

	for (uint32_t i = 0; i < stack->conn_fresh; i++) {
		const struct tcp_conn *c = &stack->conns[i];

		counted += i < src->conn_edge && c->state != TCPS_CLOSED &&
			!(c->flags & TF_ACTIVE);
	}
	for (uint32_t i = 0; i < stack->synq_fresh; i++)
		counted += i < src->synq_edge && stack->synq[i].who.local != 0;
	ASSERT(counted == src->conns.total);
	if (src->is_on)
		count_sketch_check(&src->conns);
}

void
tcp_check_invariants(const struct tcp_stack *stack, const struct env *env)
{
	uint32_t used = 0, parked = 0;
	uint64_t mem = 0;

	for (uint32_t i = 0; i < stack->conn_fresh; i++) {
		const struct tcp_conn *c = &stack->conns[i];

		used += c->key.w[2] != 0;
		if (c->cold == TCP_NONE) {
			if (c->key.w[2] != 0) {
				parked++;
				check_parked(stack, c);
			}
			continue;
		}
		ASSERT(tcp_cold(stack, c)->owner == i);
		mem += (uint64_t)tcp_cold(stack, c)->rmem + tcp_cold(stack, c)->wmem;
		if (c->state == TCPS_CLOSED) {
			ASSERT(c->sendq_head == NULL);
			ASSERT(tcp_cold(stack, c)->ooo == NULL);
			ASSERT((c->timers & (uint8_t)~TT_APP) == 0);
			if (c->timers != 0 || c->key.w[2] == 0)
				ASSERT(wheel_is_armed(&stack->wheel, i) == (c->timers != 0));
			continue;
		}
		if (c->state != TCPS_SYN_SENT && c->state != TCPS_SYN_RECEIVED)
			check_sendq(stack, c);
		check_score(stack, c);
		check_recvq(stack, c);
		check_timers(stack, c);
		check_limits(stack, env, c);
	}
	ASSERT(used == stack->conns_used);
	ASSERT(parked == stack->conns_parked);
	/* I-6: memory is given back to whom it was taken from. */
	ASSERT(mem == stack->mem.held);
	check_synq(stack);
	check_source(stack);
}
