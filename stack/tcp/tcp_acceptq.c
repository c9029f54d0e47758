/* SPDX-License-Identifier: BSD-3-Clause */
/* The accept queue: from a finished handshake to a connection that waits for its owner. */
#include "tcp/tcp_parts.h"

bool
tcp_acceptq_full(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return l->acceptq > 0 && l->acceptq >= tcp_listener_backlog(stack, l);
}

bool
tcp_acceptq_admits(struct tcp_stack *stack, struct tcp_listener *l, enum outcome *why)
{
	if (tcp_acceptq_full(stack, l)) {
		l->acceptq_overflows++;
		stack->env->ctr->ListenOverflows++;
		*why = OUT_ACCEPT_QUEUE_FULL;
	} else if (!tcp_conn_available(stack)) {
		*why = tcp_conn_refused(stack);
	} else {
		return true;
	}
	stack->env->ctr->ListenDrops++;
	return false;
}

static void
append(struct tcp_stack *stack, struct tcp_listener *l, struct tcp_conn *c)
{
	uint32_t slot = tcp_slot(stack, c);

	tcp_cold(stack, c)->next = TCP_NONE;
	tcp_cold(stack, c)->acceptq_prev = l->acceptq_tail;
	if (l->acceptq_tail == TCP_NONE)
		l->acceptq_head = slot;
	else
		tcp_cold(stack, &stack->conns[l->acceptq_tail])->next = slot;
	l->acceptq_tail = slot;
	l->acceptq++;
	stack->env->ctr->AcceptQueued++;
	if (!l->ev) {
		l->ev = true;
		stack->listener_events++;
	}
}

void
tcp_acceptq_remove(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_listener *l = &stack->listeners[cold->listener];

	ASSERT(!(c->flags & TF_ACCEPTED));
	ASSERT(l->acceptq > 0);
	if (cold->acceptq_prev == TCP_NONE)
		l->acceptq_head = cold->next;
	else
		tcp_cold(stack, &stack->conns[cold->acceptq_prev])->next = cold->next;
	if (cold->next == TCP_NONE)
		l->acceptq_tail = cold->acceptq_prev;
	else
		tcp_cold(stack, &stack->conns[cold->next])->acceptq_prev = cold->acceptq_prev;
	l->acceptq--;
	stack->env->ctr->AcceptQueued--;
}

struct tcp_conn *
tcp_acceptq_take(struct tcp_stack *stack, struct tcp_listener *l)
{
	struct tcp_conn *c;

	if (l->acceptq_head == TCP_NONE)
		return NULL;
	c = &stack->conns[l->acceptq_head];
	tcp_acceptq_remove(stack, c);
	return c;
}

/* A connection as it stands when the final ACK of the handshake has arrived. */
static void
open_conn(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_handshake *hs,
	const struct tcp_seg *seg)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	cold->iss = hs->iss;
	cold->irs = hs->irs;
	cold->listener = (uint16_t)(hs->l - stack->listeners);
	if (hs->l->cc != 0)
		cold->cc = (uint8_t)(hs->l->cc - 1);
	c->snd_nxt = c->write_seq = hs->iss + 1;
	cold->snd_sml = c->snd_una = hs->iss + !hs->fastopen;
	c->rcv_nxt = c->rcv_acked = hs->irs + 1;
	tcp_extra_begin(stack, c, &hs->l->wishes);
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(stack, &c->key, &hs->l->wishes, hs->has_ts);
	c->ts_recent = hs->ts_recent;
	c->flags |= (hs->has_ts ? TF_TS : 0) | (hs->has_sack ? TF_SACK : 0) |
		(hs->has_ecn ? TF_ECN : 0) | (hs->l->nodelay ? TF_NODELAY : 0);
	if (hs->has_wscale) {
		c->snd_wscale = hs->wscale & 15u;
		c->rcv_wscale = tcp_own_wscale(stack, &hs->l->wishes) & 15u;
	}
	/* RFC 7323 s2.2: the window of a SYN is never scaled. */
	c->snd_wnd = (uint32_t)seg->wnd << (hs->fastopen ? 0 : c->snd_wscale);
	c->snd_wl1 = seg->seq;
	tcp_conn_setup(stack, c, hs->mss);
	if (hs->rtt_us > 0)
		tcp_rtt_sample(stack, c, hs->rtt_us, hs->rtt_us);
	if (hs->syn_rtx)
		cold->rto_ms = TCP_RTO_SYN_LOST_MS;
	if (hs->fastopen)
		c->flags |= TF_FASTOPEN;
	tcp_set_state(stack, c, hs->fastopen ? TCPS_SYN_RECEIVED : TCPS_ESTABLISHED);
	if (!hs->fastopen)
		tcp_keep_opened(stack, c);
}

struct tcp_conn *
tcp_acceptq_add(struct tcp_stack *stack, const struct tcp_handshake *hs, const struct tcp_seg *seg,
	uint64_t hash, enum outcome *why)
{
	struct tcp_listener *l = hs->l;
	struct tcp_conn *c;

	c = tcp_conn_new(stack, &seg->key, hash);
	if (c == NULL) {
		stack->env->ctr->ListenDrops++;
		*why = stack->mem.over ? OUT_MEM_LIMIT : OUT_TABLE_FULL;
		return NULL;
	}
	open_conn(stack, c, hs, seg);
	append(stack, l, c);
	tcp_source_conn_opened(stack, c);
	/* The SYN; the third segment too, unless it comes to the connection with its data. */
	tcp_note_in(stack, c, 0);
	if (seg->len == 0 && !hs->fastopen)
		tcp_note_in(stack, c, 0);
	tcp_note_delivered(stack, c);
	stack->env->ctr->PassiveOpens++;
	return c;
}

/* The listener closes: connections nobody will take are reset. */
void
tcp_acceptq_drop_all(struct tcp_stack *stack, struct tcp_listener *l)
{
	while (l->acceptq_head != TCP_NONE)
		tcp_reset(stack, &stack->conns[l->acceptq_head], -ECONNABORTED);
}
