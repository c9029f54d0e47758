/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold after every event, asserted by walking everything; for tests and simulation. */
#include "tcp/tcp_parts.h"

/* I-4: order of the send side; the queue covers exactly what is unacknowledged. */
static void
check_sendq(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t seq = c->snd_una;
	bool next_seen = c->send_next == NULL;
	uint32_t mem = 0;

	ASSERT(seq32_leq(c->snd_una, c->snd_nxt));
	ASSERT(seq32_leq(c->snd_nxt, cold->snd_max));
	ASSERT(seq32_leq(cold->snd_max, c->write_seq + 1));
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
	ASSERT(mem == cold->wmem);
	ASSERT(c->sendq_head == NULL ? c->sendq_tail == NULL : seq == c->write_seq);
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
	const struct tcp_cold *cold = tcp_cold(stack, c);
	bool outstanding = c->snd_una != cold->snd_max;

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
	uint32_t used = 0;

	for (uint32_t i = 0; i < stack->synq_fresh; i++) {
		if (stack->synq[i].key.w[2] == 0)
			continue;
		used++;
		ASSERT(wheel_is_armed(&stack->wheel, stack->par.conns_max + i));
	}
	ASSERT(used == stack->synq_used);
}

void
tcp_check_invariants(const struct tcp_stack *stack, const struct env *env)
{
	uint32_t used = 0;
	uint64_t mem = 0;

	for (uint32_t i = 0; i < stack->conn_fresh; i++) {
		const struct tcp_conn *c = &stack->conns[i];

		used += c->key.w[2] != 0;
		mem += (uint64_t)stack->cold[i].rmem + stack->cold[i].wmem;
		if (c->state == TCPS_CLOSED) {
			ASSERT(c->sendq_head == NULL);
			ASSERT(stack->cold[i].ooo == NULL);
			ASSERT((c->timers & (uint8_t)~TT_APP) == 0);
			if (c->timers != 0 || c->key.w[2] == 0)
				ASSERT(wheel_is_armed(&stack->wheel, i) == (c->timers != 0));
			continue;
		}
		if (c->state != TCPS_SYN_SENT && c->state != TCPS_SYN_RECEIVED)
			check_sendq(stack, c);
		check_recvq(stack, c);
		check_timers(stack, c);
		check_limits(stack, env, c);
	}
	ASSERT(used == stack->conns_used);
	/* I-6: memory is given back to whom it was taken from. */
	ASSERT(mem == stack->mem.held);
	check_synq(stack);
}
