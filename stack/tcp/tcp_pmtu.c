/* SPDX-License-Identifier: BSD-3-Clause */
/* Path MTU of a connection: lowered by reports and black holes, tried anew after a while. */
#include "tcp/tcp_parts.h"

#include "wire/ip6.h"

/* Every IPv6 link carries this much (RFC 8200 s5): less is a lie (RFC 8201 s4). */
#define PMTU_IP6_MIN 1280u
/* Every IPv4 link carries this much (RFC 791 s3.2); as Linux, the least for header and data. */
#define SEGMENT_LEAST 68u

/* What packets of c have in front of a full segment's payload. */
static uint32_t
headers_len(const struct tcp_conn *c)
{
	uint32_t ip = c->key.family == FLOW_FAMILY_V4 ? IP4_HDR_LEN : IP6_HDR_LEN;

	return ip + TCP_HDR_LEN + ((c->flags & TF_TS) ? TCP_TS_LEN : 0);
}

/* What the next link carries where the router does not say: RFC 1191 s7.1. */
static uint32_t
plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

	for (unsigned int i = 0; i < ARRAY_SIZE(plateaus); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return 0;
}

uint32_t
tcp_pmtu_least_mss(const struct tcp_conn *c)
{
	return SEGMENT_LEAST - TCP_HDR_LEN - ((c->flags & TF_TS) ? TCP_TS_LEN : 0);
}

/*
 * As Linux: no more than half of the largest window the peer ever offered, so that two go, and the
 * ACK of the second need not wait; a window of less than the default segment is filled by one.
 */
static uint32_t
window_most(const struct tcp_conn *c, uint32_t wnd)
{
	if (wnd == 0)
		return UINT32_MAX;
	return max_u32(wnd > TCP_MSS_V4_DEFAULT ? wnd / 2 : wnd, tcp_pmtu_least_mss(c));
}

uint32_t
tcp_pmtu_full_mss(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t mss = cold->peer_mss;

	mss -= (c->flags & TF_TS) ? TCP_TS_LEN : 0;
	return min_u32(mss, window_most(c, cold->max_snd_wnd));
}

/* A window is so many segments, of whatever size (RFC 6928 s2). */
static uint32_t
resized(uint32_t wnd, uint32_t from, uint32_t to)
{
	return (uint32_t)min_u64((uint64_t)(wnd / from) * to, TCP_CWND_MAX);
}

void
tcp_pmtu_larger_window(struct tcp_stack *stack, struct tcp_conn *c, uint32_t wnd)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool is_full = c->mss == tcp_pmtu_full_mss(stack, c);
	uint32_t was = c->mss;

	ASSERT(wnd >= cold->max_snd_wnd);
	cold->max_snd_wnd = wnd;
	/* What the path does not carry it does not for a larger window either. */
	if (!is_full)
		return;
	c->mss = (uint16_t)tcp_pmtu_full_mss(stack, c);
	if (c->mss == was)
		return;
	/* What was cut small meanwhile is filled up. */
	if (c->send_next != NULL)
		c->send_next->app.flags |= PKT_F_REST;
	c->cwnd = max_u32(resized(c->cwnd, was, c->mss), c->mss);
	if (cold->ssthresh < TCP_SSTHRESH_INFINITE)
		cold->ssthresh = resized(cold->ssthresh, was, c->mss);
}

void
tcp_pmtu_lower(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss)
{
	c->mss = (uint16_t)mss;
	tcp_cold(stack, c)->mss_high = 0;
	stack->env->ctr->PmtuLowered++;
	tcp_timers_pmtu(stack, c, 1000u * stack->env->tun->mtu_expires);
}

/* What was two small segments may be less than one now; RFC 5681 s3.1 (4) has ssthresh two. */
void
tcp_pmtu_raise(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	c->mss = (uint16_t)mss;
	c->cwnd = max_u32(c->cwnd, mss);
	cold->ssthresh = max_u32(cold->ssthresh, 2 * mss);
}

/*
 * What is in flight goes again, cut to the new size, without a sign of congestion: it was not lost
 * for lack of room. Duplicate ACKs of what did get through are no loss either, hence recover.
 */
void
tcp_pmtu_send_again(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_score *sc;

	if (c->snd_una == c->snd_nxt)
		return;
	sc = tcp_score_get(stack, c);
	if (c->flags & TF_RECOVERY)
		c->cwnd = max_u32(min_u32(c->cwnd, cold->ssthresh), c->mss);
	cold->recover = c->snd_nxt;
	c->flags = (c->flags & ~TF_RECOVERY) | TF_RTO_DONE;
	tcp_recovery_forget_duplicates(c, sc);
	/* Nothing was reduced, so there is nothing to take back. */
	sc->flags &= (uint16_t)~(SC_UNDO | SC_PRR | SC_FRTO | SC_FRTO_NEW);
	for (struct pkt *p = c->sendq_head; p != NULL && p != c->send_next; p = p->app.next)
		if (!(p->app.flags & PKT_F_SACKED))
			tcp_score_mark_lost(stack, sc, p);
	tcp_want_output(stack, c);
}

bool
tcp_pmtu_report(struct tcp_stack *stack, struct tcp_conn *c, const struct icmp_report *report)
{
	bool is_v4 = c->key.family == FLOW_FAMILY_V4;
	uint32_t floor = is_v4 ? stack->env->tun->min_pmtu : PMTU_IP6_MIN;
	uint32_t mtu = report->mtu;
	uint32_t headers = headers_len(c);

	if (is_v4 && mtu == 0)
		mtu = max_u32(plateau_below(report->quoted_len), floor);
	if (c->state == TCPS_SYN_SENT && mtu >= floor && mtu < report->quoted_len &&
		tcp_early_too_big(stack, c, mtu - headers))
		return true;
	if (!tcp_is_synchronised(c) || mtu < floor || mtu >= report->quoted_len ||
		mtu <= headers) {
		stack->env->ctr->PmtuRefused++;
		return false;
	}
	/* Of several segments in flight each may be reported. */
	if (mtu - headers >= c->mss) {
		tcp_mtu_probe_report(stack, c, mtu - headers);
		return true;
	}
	tcp_pmtu_lower(stack, c, mtu - headers);
	tcp_pmtu_send_again(stack, c);
	return true;
}

/* A router that drops what is too big and does not say so (RFC 4821 s7.7, RFC 2923 s2.1). */
void
tcp_pmtu_on_timeout(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tunables *tun = stack->env->tun;
	const struct pkt *p = c->sendq_head;
	uint32_t mss;

	if (tun->tcp_mtu_probing == 0 || tcp_cold(stack, c)->rexmits < tun->tcp_retries1)
		return;
	/* Something small that is lost as well says nothing of sizes. */
	if (p == NULL || p->app.end_seq - p->app.seq < c->mss)
		return;
	mss = c->mss > tun->tcp_base_mss ? tun->tcp_base_mss : c->mss / 2u;
	mss = max_u32(mss, max_u32(tun->tcp_mtu_probe_floor, tun->tcp_min_snd_mss));
	if (mss >= c->mss)
		return;
	stack->env->ctr->TCPMTUPFail++;
	tcp_pmtu_lower(stack, c, mss);
	tcp_mtu_probe_search(stack, c);
}

/* RFC 8201 s4, RFC 1191 s6.3: the path may have changed. */
void
tcp_pmtu_expired(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (stack->env->tun->tcp_mtu_probing != 0) {
		tcp_mtu_probe_search(stack, c);
		return;
	}
	stack->env->ctr->PmtuRaised++;
	tcp_pmtu_raise(stack, c, tcp_pmtu_full_mss(stack, c));
}
