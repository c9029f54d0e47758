/* SPDX-License-Identifier: BSD-3-Clause */
/* HyStart++ (RFC 9406): the first slow start ends when round trips grow, before a loss. */
#include "tcp/tcp_parts.h"

/*
 *	slow start --- the least round trip of a round grew by RttThresh ---> CSS
 *	    ^                                                                 |   |
 *	    +-------------- it fell below where CSS began --------------------+   |
 *	                                                    five rounds of CSS ---+--> avoidance
 *
 * A round is a window: from the first segment sent in it until that is acknowledged. While
 * ssthresh is infinite the state is ours (tcp_cc_state.hystart); all zero: nothing seen yet.
 */
#define RTT_THRESH_MIN_US 4000u	/* s4.3 */
#define RTT_THRESH_MAX_US 16000u
#define RTT_DIVISOR 8u
#define RTT_SAMPLES 8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS 5u
#define GROWTH_LIMIT 8u		/* segments per ACK: L of a sender that does not pace */

void
tcp_hystart_on_rtt(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us)
{
	struct tcp_hystart *h = &tcp_cold(stack, c)->ccs.hystart;

	h->rtt_us = h->samples == 0 ? rtt_us : min_u32(h->rtt_us, rtt_us);
	if (h->samples < RTT_SAMPLES)
		h->samples++;
}

/* The round is over, or it is the first one. True: five of CSS are. */
static bool
next_round(const struct tcp_conn *c, struct tcp_hystart *h)
{
	if (h->css_rtt_us != 0)
		h->css_rounds++;
	/* A round without a sample (all retransmitted) leaves the one before to compare with. */
	if (h->samples > 0)
		h->last_rtt_us = h->rtt_us;
	h->samples = 0;
	h->round_end = c->snd_nxt;
	h->is_started = true;
	return h->css_rounds >= CSS_ROUNDS;
}

/* s4.2: into CSS and back. */
static void
compare(struct tcp_hystart *h)
{
	uint32_t thresh;

	if (h->samples < RTT_SAMPLES)
		return;
	if (h->css_rtt_us != 0) {
		if (h->rtt_us < h->css_rtt_us)
			h->css_rtt_us = 0;
		return;
	}
	thresh = clamp_u32(h->last_rtt_us / RTT_DIVISOR, RTT_THRESH_MIN_US, RTT_THRESH_MAX_US);
	if (h->last_rtt_us == 0 || h->rtt_us < h->last_rtt_us + thresh)
		return;
	h->css_rtt_us = h->rtt_us;
	h->css_rounds = 0;
}

void
tcp_hystart_on_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_hystart *h = &cold->ccs.hystart;
	uint32_t step = tcp_cc_slow_start(stack, c, acked, GROWTH_LIMIT);

	compare(h);
	if (!h->is_started || seq32_geq(c->snd_una, h->round_end)) {
		if (next_round(c, h)) {
			stack->env->ctr->TCPHystartDelayDetect++;
			stack->env->ctr->TCPHystartDelayCwnd += c->cwnd / c->mss;
			cold->ssthresh = c->cwnd;
			cold->ccs = (union tcp_cc_state){ 0 };
			return;
		}
	}
	c->cwnd += h->css_rtt_us != 0 ? step / CSS_GROWTH_DIVISOR : step;
}
