/* SPDX-License-Identifier: BSD-3-Clause */
/* What the queues of all connections hold, against tcp_mem, and who gives it back. */
#include "tcp/tcp_parts.h"

/*
 * Threat model: many peers that each make us hold buffers and then do nothing: they do not take
 * what we send, leave a gap for ever, or talk to a service that does not read. Each connection is
 * bounded by its buffers, all together by tcp_mem; who has waited longest pays (design note 0007).
 *
 *	0          low         middle        high          pool less reserve
 *	|-----------|------------|-------------|------------------|
 *	  as usual   (pressure goes on)          nothing new: over
 *	                         pressure begins   and victims
 */
#define PAGE_BYTES 4096u
#define SCAN_SLOTS 256u		/* looked at per poll */
#define VICTIMS_MAX 16u		/* reset per poll, each with a segment */
#define PATIENCE_MS 1000u	/* who has made progress within it is no victim */

/* Shares of this worker; never more than the packets above the reserve. */
static void
read_marks(struct tcp_stack *stack)
{
	const struct pkt_pool *pool = stack->env->pool;
	const uint32_t *pages = stack->env->tun->tcp_mem;
	uint64_t workers = stack->par.workers;
	uint64_t room = (uint64_t)(pool->size - pool->reserve) * pool->charge / workers;
	struct tcp_mem *m = &stack->mem;

	m->known = true;
	m->marks_ms = stack->env->now_ms;
	if (pages[2] == 0) {
		m->low = room / 2;
		m->middle = room / 4 * 3;
		m->high = room / 8 * 7;
		return;
	}
	m->low = min_u64(room, (uint64_t)pages[0] * PAGE_BYTES / workers);
	m->middle = min_u64(room, (uint64_t)pages[1] * PAGE_BYTES / workers);
	m->high = min_u64(room, (uint64_t)pages[2] * PAGE_BYTES / workers);
}

static void
set_pressure(struct tcp_stack *stack, bool on)
{
	struct tcp_mem *m = &stack->mem;
	uint32_t now = stack->env->now_ms;

	if (on == m->pressure)
		return;
	m->pressure = on;
	if (on) {
		m->pressure_ms = now;
		stack->env->ctr->TCPMemoryPressures++;
	} else {
		stack->env->ctr->TCPMemoryPressuresChrono += now - m->pressure_ms;
	}
}

void
tcp_mem_look(struct tcp_stack *stack)
{
	struct tcp_mem *m = &stack->mem;

	if (!m->known || m->marks_ms != stack->env->now_ms)
		read_marks(stack);
	m->over = m->held > m->high || !pkt_pool_has_spare(stack->env->pool);
	if (m->over || m->held > m->middle)
		set_pressure(stack, true);
	else if (m->held <= m->low)
		set_pressure(stack, false);
	stack->fast_state = m->over ? TCPS_CLOSED : TCPS_ESTABLISHED;
}

/* Place is made from what is furthest from being of use (RFC 2018 s8 allows to take it back). */
static void
prune(struct tcp_stack *stack, struct tcp_conn *c, unsigned int keep)
{
	stack->env->ctr->PruneCalled++;
	if (tcp_cold(stack, c)->ooo == NULL)
		return;
	stack->env->ctr->OfoPruned++;
	tcp_reass_prune(stack, c, keep);
}

bool
tcp_mem_admits_text(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	/*
	 * What the window has promised finds place beside all that may wait behind a gap, unless
	 * the buffer has become smaller. Each time at least half of the runs go: a run pays for its
	 * walk once.
	 */
	while (cold->ooo != NULL && cold->rmem >= 2ull * tcp_rcv_limit(stack, cold))
		prune(stack, c, tcp_reass_runs(stack, c) / 2);
	if (!stack->mem.over || (c->flags & TF_RD_SHUT))
		return true;
	prune(stack, c, 0);
	/* An owner that reads at once holds nothing: it goes on, from what is left of the pool. */
	if (c->recvq_head == NULL && pkt_pool_has_spare(stack->env->pool))
		return true;
	stack->env->ctr->RcvPruned++;
	return false;
}

bool
tcp_mem_admits_ooo(struct tcp_stack *stack, struct tcp_conn *c)
{
	/* A packet parked behind a gap may not touch what receiving lives on. */
	if (!stack->mem.over && pkt_pool_has_spare(stack->env->pool))
		return true;
	prune(stack, c, 0);
	return false;
}

bool
tcp_mem_admits_send(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return c->sendq_head == NULL || stack->mem.held <= stack->mem.high;
}

/* How long c has held buffers without progress of its own making; 0: none, or it goes on. */
static uint32_t
waited_ms(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold;
	uint32_t now = stack->env->now_ms;
	uint32_t received = 0, sent = 0;

	if (c->cold == TCP_NONE)
		return 0;
	cold = tcp_cold(stack, c);
	if (cold->rmem > 0)
		received = now - cold->last_data_ms;
	if (cold->wmem > 0 && cold->rexmits > 0)
		sent = now - cold->stalled_at_ms;
	return max_u32(received, sent);
}

static void
end_victim(struct tcp_stack *stack, struct tcp_conn *c)
{
	stack->env->ctr->TCPAbortOnMemory++;
	tcp_recvq_free(stack, c);
	if (c->state != TCPS_CLOSED) {
		tcp_reset(stack, c, -ENOBUFS);
		return;
	}
	/* It had ended well, but its owner must not take what is left for all there was. */
	tcp_cold(stack, c)->err = -ENOBUFS;
	tcp_raise(stack, c, TCP_EV_CLOSED);
}

static struct tcp_conn *
next_slot(struct tcp_stack *stack)
{
	struct tcp_mem *m = &stack->mem;

	if (m->slot >= stack->conn_fresh) {
		m->slot = 0;
		m->bar_ms = m->longest_ms - m->longest_ms / 4;
		m->longest_ms = 0;
	}
	return &stack->conns[m->slot++];
}

/* True while memory must come back from somebody. */
static bool
must_shed(const struct tcp_mem *m, struct pkt_pool *pool)
{
	return m->held > m->high || (m->held > m->middle && !pkt_pool_has_spare(pool));
}

static void
shed(struct tcp_stack *stack)
{
	struct tcp_mem *m = &stack->mem;
	unsigned int victims = 0;

	for (unsigned int i = 0; i < SCAN_SLOTS && victims < VICTIMS_MAX; i++) {
		struct tcp_conn *c = next_slot(stack);
		uint32_t waited = waited_ms(stack, c);

		if (waited >= max_u32(m->bar_ms, PATIENCE_MS) && tcp_tx_has_room(stack)) {
			end_victim(stack, c);
			victims++;
			if (!must_shed(m, stack->env->pool))
				break;
			continue;
		}
		m->longest_ms = max_u32(m->longest_ms, waited);
	}
}

void
tcp_mem_poll(struct tcp_stack *stack)
{
	struct tcp_mem *m = &stack->mem;

	tcp_mem_look(stack);
	stack->env->ctr->QueueBytes = m->held;
	if (stack->conn_fresh > 0 && must_shed(m, stack->env->pool)) {
		shed(stack);
		tcp_mem_look(stack);
		return;
	}
	/* The next search starts with a round that only measures. */
	m->slot = 0;
	m->longest_ms = 0;
	m->bar_ms = UINT32_MAX;
}
