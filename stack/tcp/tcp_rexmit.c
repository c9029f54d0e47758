/* SPDX-License-Identifier: BSD-3-Clause */
/* Retransmission (RFC 6298, RFC 6582), zero-window probes (RFC 9293 s3.8.6.1) and giving up. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 * A closed window is probed after the usual RTO at the soonest, as in Linux: who does it sooner
 * hears no answer (the peer's tcp_invalid_ratelimit), and is out of tries before it has read.
 */
uint32_t
tcp_rto_backed_off(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t least = (c->flags & TF_PERSIST) ? TCP_RTO_USUAL_MS : 0;
	uint64_t rto = (uint64_t)max_u32(cold->rto_ms, least) << min_u32(cold->backoff, 20);

	return (uint32_t)min_u64(rto, stack->env->tun->tcp_rto_max);
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

/*
 * As Linux: so many tries take as long as if the first came after the usual RTO, however small
 * tcp_rto_min is. A way that is down for a moment is not the end of a connection (RFC 9293 s3.8.3:
 * R2 is 100 seconds at least).
 */
static uint64_t
least_patience_ms(const struct tunables *tun, uint32_t tries)
{
	uint64_t sum_ms = 0;
	uint64_t next_ms = TCP_RTO_USUAL_MS;

	for (uint32_t i = 0; i < tries; i++) {
		next_ms = min_u64(2 * next_ms, tun->tcp_rto_max);
		sum_ms += next_ms;
	}
	return sum_ms;
}

static bool
is_out_of_tries(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	/* An owner may wait while probes are answered; for an orphan they count. */
	bool closed = (c->flags & TF_PERSIST) || c->snd_wnd == 0;
	bool waits = closed && tcp_is_synchronised(c) && !(c->flags & TF_ORPHAN);
	uint32_t tries = waits ? cold->probes : cold->rexmits;
	uint32_t limit = tun->tcp_retries2;
	uint32_t own = tcp_extra(stack, c)->wishes.syn_retries;

	if (c->state == TCPS_SYN_SENT)
		limit = (own != 0 ? own : tun->tcp_syn_retries) + tun->tcp_syn_linear_timeouts;
	else if (c->state == TCPS_SYN_RECEIVED)
		limit = tun->tcp_synack_retries;
	else if (c->flags & TF_ORPHAN)
		limit = min_u32(limit, orphan_retries(tun));
	/* The user timeout replaces the count (RFC 5482), also where probes are answered. */
	if (cold->user_timeout_ms != 0 && c->state != TCPS_SYN_RECEIVED)
		return stack->env->now_ms - cold->stalled_at_ms >= cold->user_timeout_ms;
	if (tries < limit)
		return false;
	return !tcp_is_synchronised(c) ||
		stack->env->now_ms - cold->stalled_at_ms >= least_patience_ms(tun, limit);
}

static void
tried(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold)
{
	if (cold->rexmits < UINT8_MAX)
		cold->rexmits++;
	if (c->state == TCPS_SYN_SENT && cold->rexmits <= stack->env->tun->tcp_syn_linear_timeouts)
		return;
	if (cold->backoff < UINT8_MAX)
		cold->backoff++;
}

/* The window is closed, or too small for what waits (RFC 9293 s3.8.6.2.1: override timeout). */
static void
probe(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	tried(stack, c, cold);
	if (cold->probes < UINT8_MAX)
		cold->probes++;
	stack->env->ctr->TCPWinProbe++;
	if (c->snd_wnd > 0 && c->send_next != NULL) {
		struct pkt *p = c->send_next;
		uint32_t fit = min_u32(p->app.end_seq - p->app.seq, min_u32(c->snd_wnd, c->mss));

		/* It is data like any other, but that it holds back nothing. */
		c->flags &= ~TF_PERSIST;
		cold->rexmits = cold->backoff = cold->probes = 0;
		if (fit == p->app.end_seq - p->app.seq || tcp_sendq_split(stack, c, p, fit)) {
			p->app.flags |= PKT_F_PSH | PKT_F_NOW;
			tcp_send_next(stack, c, fit);
		}
		tcp_timers_on_timeout(stack, c);
		return;
	}
	/* As Linux: an old sequence number, no data; the answer carries the window. */
	tcp_send_empty(stack, c, c->snd_una - 1, TCP_ACK);
	tcp_timers_on_closed_window(stack, c);
}

static void
count_timeout(struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_score *sc)
{
	struct counters *ctr = stack->env->ctr;

	ctr->TCPTimeouts++;
	if (c->flags & TF_RTO_DONE)
		ctr->TCPLossFailures++;
	else if ((c->flags & (TF_RECOVERY | TF_SACK)) == (TF_RECOVERY | TF_SACK))
		ctr->TCPSackRecoveryFail++;
	else if (c->flags & TF_RECOVERY)
		ctr->TCPRenoFailures++;
	else if (sc->sacked > 0 && (c->flags & TF_SACK))
		ctr->TCPSackFailures++;
}

/*
 * RFC 9293 s3.8.3, R1: the way may be dead, so IP is asked to look. What was put into the queue
 * last tells it; sent: what the queue held before.
 */
static void
advise_ip(struct tcp_stack *stack, const struct tcp_conn *c, unsigned int sent)
{
	struct pkt_txq *tx = stack->env->tx;

	if (tcp_cold(stack, c)->rexmits >= stack->env->tun->tcp_retries1 && tx->count > sent)
		tx->pkts[tx->count - 1]->app.flags |= PKT_F_REASK;
}

/*
 * RFC 6298 s5.4 to s5.7, RFC 5681 s3.1: what is in flight is lost (RFC 8985 s6.3: but for what was
 * sent just now), start over with one segment. The window falls once for a flight, not with every
 * repetition, and not where a recovery has reduced it already.
 */
static void
retransmit(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	struct tcp_score *sc = tcp_score_get(stack, c);
	unsigned int sent = stack->env->tx->count;
	bool first = cold->rexmits == 0;

	count_timeout(stack, c, sc);
	tcp_note_timeout(stack, c, first);
	if (first && (!(c->flags & TF_RECOVERY) || seq32_geq(c->snd_una, cold->recover))) {
		tcp_recovery_remember(c, cold, sc);
		cold->ssthresh = cc->ssthresh(stack, c);
	}
	sc->flags &= (uint16_t)~(SC_PRR | SC_FRTO | SC_FRTO_NEW | SC_PROBE | SC_PROBE_RTX);
	if (cc->on_timeout != NULL)
		cc->on_timeout(stack, c);
	/* RFC 5682 s2.1 step 1: not if an earlier loss is still being repaired. */
	if (stack->env->tun->tcp_frto && (!tcp_is_repairing(stack, c) || !first))
		sc->flags |= SC_FRTO;
	tried(stack, c, cold);
	if (c->snd_wnd == 0 && cold->probes < UINT8_MAX)
		cold->probes++;
	cold->recover = c->snd_nxt;
	c->flags = (c->flags & ~TF_RECOVERY) | TF_RTO_DONE;
	tcp_ecn_reduced(c);
	tcp_recovery_forget_duplicates(c, sc);
	tcp_mtu_probe_timeout(stack, c, sc);
	tcp_pmtu_on_timeout(stack, c);
	tcp_score_timeout(stack, c, sc);
	c->cwnd = tcp_pipe(stack, c) + c->mss;
	tcp_timers_on_timeout(stack, c);
	if (c->sendq_head == NULL || c->sendq_head == c->send_next)
		tcp_retransmit(stack, c, NULL);
	tcp_output(stack, c);
	advise_ip(stack, c, sent);
}

void
tcp_rexmit_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->rexmits == 0 && cold->probes == 0) {
		cold->stalled_at_ms = c->rexmit_at_ms;
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
		tried(stack, c, cold);
		tcp_timers_on_timeout(stack, c);
		tcp_send_syn(stack, c);
		return;
	}
	/* Linux: what waits for more data waits for one timeout, 200 ms at least. */
	if ((c->flags & TF_PERSIST) && tcp_send_held(stack, c)) {
		c->flags &= ~TF_PERSIST;
		c->send_next->app.flags |= PKT_F_PSH;
		tcp_output(stack, c);
	} else if (c->flags & TF_PERSIST) {
		probe(stack, c);
	} else if (c->snd_una != c->snd_nxt) {
		retransmit(stack, c);
	} else {
		tcp_output(stack, c);
	}
}
