/* SPDX-License-Identifier: BSD-3-Clause */
/* Packetization layer path MTU discovery: now and then a larger segment (RFC 4821). */
#include "tcp/tcp_parts.h"

/*
 *	 mss: gets through        probe          mss_high       full size
 *	   |------------------------|----------------|--------------|
 *	   +--- acknowledged: mss --+
 *	                            +--- lost: mss_high, a byte less
 *
 * A probe is made of queued data and is the next segment, so that nothing is sent for its sake. Its
 * loss, alone, says that it was too long, and nothing of congestion (s7.7). What an attacker can do
 * by acknowledging what never came is what he can do without probes.
 */

/* As Linux: a window large enough for the loss to be found by what comes behind, and to spare. */
#define PROBE_CWND_SEGMENTS 11u

/* Half way to what may get through. */
static uint32_t
probe_len(const struct tcp_conn *c, const struct tcp_cold *cold)
{
	return c->mss + (cold->mss_high - c->mss + 1u) / 2;
}

static void
search_over(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_cold(stack, c)->mss_high = 0;
	if (c->mss < tcp_pmtu_full_mss(stack, c))
		tcp_timers_pmtu(stack, c, 1000u * stack->env->tun->tcp_probe_interval);
}

/* Nothing longer than high gets through. */
static void
set_high(struct tcp_stack *stack, struct tcp_conn *c, uint32_t high)
{
	if (high < c->mss + stack->env->tun->tcp_probe_threshold)
		search_over(stack, c);
	else
		tcp_cold(stack, c)->mss_high = (uint16_t)high;
}

void
tcp_mtu_probe_search(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t full = tcp_pmtu_full_mss(stack, c);

	c->timers &= (uint8_t)~TT_PMTU;
	if (full > c->mss)
		set_high(stack, c, full);
}

void
tcp_mtu_probe_begin(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tunables *tun = stack->env->tun;
	uint32_t mss = max_u32(tun->tcp_base_mss, tun->tcp_min_snd_mss);

	if (tun->tcp_mtu_probing != 2 || c->mss <= mss)
		return;
	c->mss = (uint16_t)mss;
	tcp_mtu_probe_search(stack, c);
}

/*
 * Is this the moment for a probe of len bytes? It takes data for itself and for three segments
 * behind it, which tell of its loss, and no loss that is still being repaired.
 */
static bool
is_time(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	uint32_t need = len + (TCP_DUPACK_THRESHOLD + 1) * c->mss;
	uint32_t flight = c->snd_nxt - c->snd_una;

	if (c->send_next == NULL || (c->flags & (TF_SCORE | TF_OOO | TF_DSACK | TF_FIN_SENT)))
		return false;
	if (c->state != TCPS_ESTABLISHED && c->state != TCPS_CLOSE_WAIT)
		return false;
	if (c->send_next->app.seq != c->snd_nxt || c->write_seq - c->snd_nxt < need)
		return false;
	if (c->cwnd < PROBE_CWND_SEGMENTS * c->mss || c->cwnd < flight + need)
		return false;
	return c->snd_wnd >= flight + need && len <= stack->env->pool->payload_max &&
		tcp_tx_has_room(stack);
}

/* May the first len bytes of p and what follows it be one segment? */
static bool
can_join(const struct pkt *p, uint32_t len)
{
	uint32_t got = 0;

	for (; p != NULL && got < len; p = p->app.next) {
		got += p->app.end_seq - p->app.seq;
		if (p->app.sends > 0 || pkt_is_shared(p) ||
			(p->app.flags & (PKT_F_EOR | PKT_F_NOW | PKT_F_MORE)))
			return false;
	}
	return got > len;
}

/* Move len bytes from the unsent packets to q, which takes their place in the queue. */
static void
take_data(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *q, uint32_t len)
{
	struct pkt **at = &c->sendq_head;
	struct pkt *p;
	uint32_t got = 0;

	while (*at != c->send_next)
		at = &(*at)->app.next;
	for (p = *at; got < len; p = *at) {
		uint32_t n = min_u32(p->app.end_seq - p->app.seq, len - got);

		memcpy(pkt_data(q) + got, p->buf + p->app.payload_off, n);
		got += n;
		p->app.seq += n;
		p->app.payload_off = (uint16_t)(p->app.payload_off + n);
		if (p->app.seq != p->app.end_seq)
			break;
		q->app.flags |= p->app.flags & PKT_F_PSH;
		*at = p->app.next;
		tcp_mem_give_snd(stack, tcp_cold(stack, c));
		pkt_free(stack->env->pool, p);
	}
	q->app.next = *at;
	*at = q;
	c->send_next = q;
}

void
tcp_mtu_probe_send(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t len = probe_len(c, tcp_cold(stack, c));
	struct tcp_score *sc;
	struct pkt *q;

	if (!is_time(stack, c, len) || !can_join(c->send_next, len))
		return;
	q = pkt_pool_has_spare(stack->env->pool) ? pkt_alloc(stack->env->pool) : NULL;
	if (q == NULL)
		return;
	tcp_mem_take_snd(stack, tcp_cold(stack, c));
	pkt_set_len(q, (uint16_t)len);
	q->app.payload_off = q->data_off;
	q->app.seq = c->snd_nxt;
	q->app.end_seq = c->snd_nxt + len;
	take_data(stack, c, q, len);
	if (!tcp_send_next(stack, c, len))
		return;
	sc = tcp_score_get(stack, c);
	sc->flags |= SC_MTU_PROBE;
	sc->mtu_probe_end = c->snd_nxt;
}

void
tcp_mtu_probe_acked(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (seq32_lt(c->snd_una, sc->mtu_probe_end))
		return;
	sc->flags &= (uint16_t)~SC_MTU_PROBE;
	if (cold->mss_high == 0)
		return;
	/* If a report has lowered mss_high meanwhile, this is less than the probe was. */
	stack->env->ctr->TCPMTUPSuccess++;
	tcp_pmtu_raise(stack, c, probe_len(c, cold));
	set_high(stack, c, cold->mss_high);
}

static void
failed(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t len = c->sendq_head->app.end_seq - c->sendq_head->app.seq;

	sc->flags &= (uint16_t)~SC_MTU_PROBE;
	stack->env->ctr->TCPMTUPFail++;
	if (tcp_cold(stack, c)->mss_high >= len)
		set_high(stack, c, len - 1);
}

/* Is the probe the oldest that is in flight? */
static bool
is_oldest(const struct tcp_conn *c, const struct tcp_score *sc)
{
	const struct pkt *p = c->sendq_head;

	return p != NULL && p != c->send_next && p->app.end_seq == sc->mtu_probe_end &&
		p->app.sends == 1;
}

bool
tcp_mtu_probe_lost(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_score *sc = tcp_score(stack, c);

	if (sc == NULL || !(sc->flags & SC_MTU_PROBE) || !is_oldest(c, sc))
		return false;
	if (sc->lost > c->sendq_head->app.end_seq - c->sendq_head->app.seq ||
		(c->flags & (TF_RECOVERY | TF_RTO_DONE)))
		return false;
	failed(stack, c, sc);
	if (!(c->sendq_head->app.flags & PKT_F_LOST))
		tcp_score_mark_lost(stack, sc, c->sendq_head);
	/* As after a report: repaired up to here, with the window as it was (tcp_pmtu.c). */
	tcp_cold(stack, c)->recover = c->snd_nxt;
	c->flags |= TF_RTO_DONE;
	tcp_recovery_forget_duplicates(c, sc);
	sc->flags &= (uint16_t)~(SC_UNDO | SC_PRR | SC_FRTO | SC_FRTO_NEW);
	tcp_want_output(stack, c);
	return true;
}

void
tcp_mtu_probe_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	if (!(sc->flags & SC_MTU_PROBE))
		return;
	if (is_oldest(c, sc))
		failed(stack, c, sc);
	sc->flags &= (uint16_t)~SC_MTU_PROBE;
}

void
tcp_mtu_probe_report(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss)
{
	if (tcp_cold(stack, c)->mss_high > mss)
		set_high(stack, c, mss);
}
