/* SPDX-License-Identifier: BSD-3-Clause */
/* New data leaves in chunks, as Linux cuts it for its network cards: where PSH is, what waits. */
#include "tcp/tcp_parts.h"

/*
 * A chunk is what the pacing rate sends in a millisecond, two segments at least and half the
 * congestion window at most. Nothing is handed to a card in one piece here, but two things can be
 * seen on the wire: the last segment of a chunk of several has PSH, which tells the receiver not
 * to wait for more, and a chunk that would be cut short waits for the next ACK, if that is near.
 */
#define CHUNK_SEGS_MIN 2u
#define CHUNK_BYTES_MAX 65536u
#define WINDOW_DIVISOR 3u	/* tcp_tso_win_divisor: this part of the window need not wait */
#define NEAR_US 1000u		/* an ACK that is further away is not waited for */

static uint32_t
segs_of(const struct tcp_conn *c, uint64_t bytes)
{
	return max_u32((uint32_t)min_u64(bytes, CHUNK_BYTES_MAX) / c->mss, CHUNK_SEGS_MIN);
}

uint32_t
tcp_chunk_segs(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	uint32_t percent = c->cwnd < cold->ssthresh / 2 ? tun->tcp_pacing_ss_ratio :
							  tun->tcp_pacing_ca_ratio;
	/* Bytes in 1/1024 s times the round trip in us: cwnd < 2^30, so below 2^41. */
	uint64_t bytes = (uint64_t)c->cwnd * percent * 10000 >> 10;
	uint64_t three = (uint64_t)(CHUNK_SEGS_MIN + 1) * c->mss * cold->srtt_us;

	if (SLUICE_UNLIKELY(cold->is_paced))
		return segs_of(c, tcp_pacing_rate(stack, c, cold) >> 10);
	if (bytes < three)
		return CHUNK_SEGS_MIN;
	/* Before the first round trip is known nothing is paced. */
	return segs_of(c, cold->srtt_us == 0 ? CHUNK_BYTES_MAX : bytes / cold->srtt_us);
}

/*
 * cwnd_room and wnd_room: bytes that each window lets go now. Only while something left a moment
 * ago, and the ACK of the oldest in flight is to come within a millisecond and half a round trip.
 */
bool
tcp_chunk_waits(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t segs,
	uint32_t cwnd_room, uint32_t wnd_room)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t limit = min_u32(cwnd_room, wnd_room);
	uint32_t age_us;

	if (cold->last_sent_ms != stack->env->now_ms || c->snd_nxt == c->snd_una)
		return false;
	if ((c->flags & TF_FIN_QUEUED) || tcp_is_repairing(stack, c))
		return false;
	if (limit >= segs * c->mss || limit >= min_u32(c->snd_wnd, c->cwnd) / WINDOW_DIVISOR)
		return false;
	if (c->sendq_head == c->send_next || limit > c->write_seq - c->snd_nxt)
		return false;
	age_us = (uint32_t)stack->env->now_us - c->sendq_head->app.sent_us;
	return age_us + min_u32(cold->srtt_us / 2, NEAR_US) >= cold->srtt_us;
}

/*
 * How far cwnd was used, for whether it may grow (Linux's tcp_cwnd_validate): the strongest sign
 * of a round trip counts, and that is that cwnd was the limit.
 */
void
tcp_chunk_used(const struct tcp_stack *stack, struct tcp_conn *c, bool waits)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t out = c->snd_nxt - c->snd_una;
	bool limited = waits || tcp_pipe(stack, c) + c->mss > c->cwnd;

	if (seq32_lt(c->snd_una, cold->usage_seq) && !limited &&
		(cold->is_cwnd_limited || out <= cold->max_out))
		return;
	cold->is_cwnd_limited = limited;
	cold->max_out = out;
	cold->usage_seq = c->snd_nxt;
}
