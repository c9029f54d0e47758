/* SPDX-License-Identifier: BSD-3-Clause */
/* What our SYNs and SYN-ACKs say, and what a connection takes over from the peer's. */
#include "tcp/tcp_parts.h"

#include "wire/ip6.h"

static uint16_t
ip_hdr_len(const struct flow_key *key)
{
	return key->family == FLOW_FAMILY_V4 ? IP4_HDR_LEN : IP6_HDR_LEN;
}

/* RFC 9293 s3.7.1: what we can take, options not counted (RFC 6691). */
uint16_t
tcp_own_mss(const struct tcp_stack *stack, const struct flow_key *key)
{
	return (uint16_t)(stack->par.mtu - ip_hdr_len(key) - TCP_HDR_LEN);
}

static uint16_t
wished_mss(const struct tcp_stack *stack, const struct flow_key *key, const struct tcp_wishes *w)
{
	uint16_t mss = tcp_own_mss(stack, key);

	return w->mss_max != 0 && w->mss_max < mss ? w->mss_max : mss;
}

/* The largest window that will ever be offered. */
static uint32_t
window_limit(const struct tcp_stack *stack, const struct tcp_wishes *w)
{
	uint32_t limit = stack->env->tun->tcp_rmem[2];

	if (w->rcvbuf != 0)
		limit = min_u32(limit, w->rcvbuf / 2);
	if (w->window_clamp != 0)
		limit = min_u32(limit, w->window_clamp);
	return limit;
}

/* The smallest shift that can offer the largest receive buffer (RFC 7323 s2.3), as Linux. */
uint8_t
tcp_own_wscale(const struct tcp_stack *stack, const struct tcp_wishes *w)
{
	uint32_t wnd = window_limit(stack, w);
	unsigned int bits = 32 - (unsigned int)__builtin_clz(wnd | 1);

	return (uint8_t)min_u32(bits > 16 ? bits - 16 : 0, TCP_WSCALE_MAX);
}

/* The peer's limit on our segments: its option, raised to a sane least, capped by our own MTU. */
uint16_t
tcp_peer_mss(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, const struct tcp_opts *peer)
{
	uint32_t mss = key->family == FLOW_FAMILY_V4 ? TCP_MSS_V4_DEFAULT : TCP_MSS_V6_DEFAULT;

	if (peer->present & TCP_OPT_MSS)
		mss = peer->mss;
	if (mss < stack->env->tun->tcp_min_snd_mss) {
		mss = stack->env->tun->tcp_min_snd_mss;
		stack->env->ctr->MssRaised++;
	}
	return (uint16_t)min_u32(mss, wished_mss(stack, key, w));
}

/*
 * As Linux: as many whole segments as half of the buffer holds, of the size they will have, if one
 * fits. A SYN has no timestamps agreed on yet. Almost all SYNs want the same, so that the division
 * is seldom done.
 */
uint32_t
tcp_syn_window(struct tcp_stack *stack, const struct flow_key *key, const struct tcp_wishes *w,
	bool has_ts)
{
	struct tcp_syn_window *last =
		&stack->syn_window[2 * (key->family == FLOW_FAMILY_V6) + has_ts];
	uint32_t space = (w->rcvbuf != 0 ? w->rcvbuf : stack->env->tun->tcp_rmem[1]) / 2;
	uint32_t mss = wished_mss(stack, key, w) - (has_ts ? TCP_TS_LEN : 0);

	if (w->window_clamp != 0)
		space = min_u32(space, w->window_clamp);
	if (last->space != space || last->mss != mss) {
		*last = (struct tcp_syn_window){ .space = space, .mss = (uint16_t)mss };
		last->wnd = (uint16_t)min_u32(
			space > mss ? space - space % mss : space, TCP_OWN_WND_MAX);
	}
	return last->wnd;
}

void
tcp_syn_options(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, uint32_t ts_off, struct tcp_opts *opts)
{
	const struct tunables *tun = stack->env->tun;

	/* Only what present names is read. */
	opts->present = TCP_OPT_MSS;
	opts->mss = wished_mss(stack, key, w);
	if (tun->tcp_sack)
		opts->present |= TCP_OPT_SACK_OK;
	if (tun->tcp_timestamps) {
		opts->present |= TCP_OPT_TS;
		opts->tsval = tcp_ts_now(stack, ts_off);
		opts->tsecr = 0;
	}
	if (tun->tcp_window_scaling) {
		opts->present |= TCP_OPT_WSCALE;
		opts->wscale = tcp_own_wscale(stack, w);
	}
}

void
tcp_synack_options(const struct tcp_stack *stack, const struct flow_key *key,
	const struct tcp_wishes *w, uint8_t offered, struct tcp_opts *opts)
{
	tcp_syn_options(stack, key, w, 0, opts);
	opts->present &= offered | TCP_OPT_MSS;
}

void
tcp_conn_setup(struct tcp_stack *stack, struct tcp_conn *c, uint16_t peer_mss)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	cold->peer_mss = peer_mss;
	cold->max_snd_wnd = max_u32(cold->max_snd_wnd, c->snd_wnd);
	c->mss = (uint16_t)tcp_pmtu_full_mss(stack, c);
	/* As Linux: who takes small segments sends no larger ones. */
	cold->rcv_mss = (uint16_t)max_u32(min_u32(c->mss, TCP_RCV_MSS_INIT), TCP_RCV_MSS_MIN);
	cold->ts_recent_at_ms = stack->env->now_ms;
	cold->rcv_space_seq = c->rcv_nxt;
	cold->end_seq = c->rcv_nxt;
	cold->rcv_space_at_us = (uint32_t)stack->env->now_us;
	tcp_mtu_probe_begin(stack, c);
	tcp_cc_init(stack, c);
}
