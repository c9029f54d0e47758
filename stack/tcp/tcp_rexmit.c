/* SPDX-License-Identifier: BSD-3-Clause */
/* Retransmission (RFC 6298, RFC 6582), zero-window probes (RFC 9293 s3.8.6.1) and giving up. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

uint32_t
tcp_rto_backed_off(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint64_t rto = (uint64_t)cold->rto_ms << min_u32(cold->rexmits, 20);

	return (uint32_t)min_u64(rto, stack->env->tun->tcp_rto_max);
}

/* The oldest unacknowledged packet again; snd_nxt stays. */
void
tcp_fast_retransmit(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct pkt *p = c->sendq_head;
	bool fin;

	if (p == NULL) {
		/* Only the FIN is outstanding. */
		if (c->flags & TF_FIN_SENT)
			tcp_send_empty(stack, c, c->snd_una, TCP_FIN | TCP_ACK);
		return;
	}
	if (p->app.end_seq - p->app.seq > c->mss && !tcp_sendq_split(stack, c, p, c->mss))
		return;
	fin = (c->flags & TF_FIN_SENT) && p->app.next == NULL;
	if (tcp_tx_has_room(stack))
		tcp_send_queued(stack, c, p, fin ? TCP_FIN : 0);
}

/* RFC 9293 s3.9.2.2: what a router said meanwhile is a better reason than time. */
static void
give_up(struct tcp_stack *stack, struct tcp_conn *c)
{
	int soft = tcp_cold(stack, c)->err;
	int err = soft != 0 ? soft : -ETIMEDOUT;

	stack->env->ctr->TCPAbortOnTimeout++;
	if (c->state == TCPS_SYN_SENT || c->state == TCPS_SYN_RECEIVED) {
		if (c->flags & TF_ACTIVE)
			tcp_raise(stack, c, TCP_EV_CONNECTED);
		tcp_conn_end(stack, c, err);
		return;
	}
	/* No RST: nobody has answered for minutes, and who comes back later gets one. */
	tcp_conn_end(stack, c, err);
}

/* Linux's default for connections that nobody owns any more. */
static uint32_t
orphan_retries(const struct tunables *tun)
{
	return tun->tcp_orphan_retries == 0 ? 8 : tun->tcp_orphan_retries;
}

static bool
is_out_of_tries(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	/* An owner may wait while probes are answered; for an orphan they count. */
	bool waits = (c->flags & (TF_PERSIST | TF_ORPHAN)) == TF_PERSIST;
	uint32_t tries = waits ? cold->probes : cold->rexmits;
	uint32_t limit = tun->tcp_retries2;

	if (c->state == TCPS_SYN_SENT)
		limit = tun->tcp_syn_retries;
	else if (c->state == TCPS_SYN_RECEIVED)
		limit = tun->tcp_synack_retries;
	else if (c->flags & TF_ORPHAN)
		limit = min_u32(limit, orphan_retries(tun));
	/* The user timeout replaces the count (RFC 5482), also where probes are answered. */
	if (cold->user_timeout_ms != 0 && tcp_is_synchronised(c))
		return stack->env->now_ms - cold->stalled_at_ms >= cold->user_timeout_ms;
	return tries >= limit;
}

/* The window is closed, or too small for what waits (RFC 9293 s3.8.6.2.1: override timeout). */
static void
probe(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->rexmits < UINT8_MAX)
		cold->rexmits++;
	if (cold->probes < UINT8_MAX)
		cold->probes++;
	stack->env->ctr->TCPWinProbe++;
	if (c->snd_wnd > 0 && c->send_next != NULL) {
		struct pkt *p = c->send_next;
		uint32_t fit = min_u32(p->app.end_seq - p->app.seq, min_u32(c->snd_wnd, c->mss));

		if (fit == p->app.end_seq - p->app.seq || tcp_sendq_split(stack, c, p, fit)) {
			c->flags &= ~TF_PERSIST;
			if (tcp_send_queued(stack, c, p, 0)) {
				c->send_next = p->app.next;
				c->snd_nxt += fit;
				cold->snd_max = seq32_max(cold->snd_max, c->snd_nxt);
			}
			tcp_timers_on_timeout(stack, c);
			return;
		}
	}
	/* As Linux: an old sequence number, no data; the answer carries the window. */
	tcp_send_empty(stack, c, c->snd_una - 1, TCP_ACK);
	tcp_timers_on_closed_window(stack, c);
}

/* RFC 6298 s5.4 to s5.7, RFC 5681 s3.1: everything is lost, start over with one segment. */
static void
retransmit(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	stack->env->ctr->TCPTimeouts++;
	if (c->flags & TF_RECOVERY)
		stack->env->ctr->TCPRenoFailures++;
	if (c->flags & TF_RTO_DONE)
		stack->env->ctr->TCPLossFailures++;
	/* ssthresh falls once for a flight, not with every repetition (RFC 5681 s3.1). */
	if (cold->rexmits == 0)
		cold->ssthresh = tcp_cc_of(stack, c)->ssthresh(stack, c);
	if (cold->rexmits < UINT8_MAX)
		cold->rexmits++;
	cold->recover = cold->snd_max;
	c->flags = (c->flags & ~(TF_RECOVERY | TF_ECN_REDUCED)) | TF_RTO_DONE;
	tcp_ecn_reduced(c);
	c->dupacks = 0;
	tcp_pmtu_on_timeout(stack, c);
	c->cwnd = c->mss;
	c->snd_nxt = c->snd_una;
	c->send_next = c->sendq_head;
	tcp_timers_on_timeout(stack, c);
	tcp_output(stack, c);
}

void
tcp_rexmit_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->rexmits == 0 && cold->probes == 0) {
		cold->stalled_at_ms = c->rexmit_at_ms - tcp_rto_backed_off(stack, c);
		/* Of an earlier trouble that went by. */
		if (tcp_is_synchronised(c))
			cold->err = 0;
	}
	if (is_out_of_tries(stack, c)) {
		give_up(stack, c);
		return;
	}
	if (c->state == TCPS_SYN_SENT || c->state == TCPS_SYN_RECEIVED) {
		stack->env->ctr->TCPTimeouts++;
		cold->rexmits++;
		tcp_timers_on_timeout(stack, c);
		tcp_send_syn(stack, c);
		return;
	}
	if (c->flags & TF_PERSIST)
		probe(stack, c);
	else if (c->snd_una != cold->snd_max)
		retransmit(stack, c);
	else
		tcp_output(stack, c);
}
