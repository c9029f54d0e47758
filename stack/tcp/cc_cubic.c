/* SPDX-License-Identifier: BSD-3-Clause */
/* CUBIC (RFC 9438) in integers: bytes and milliseconds. */
#include "tcp/tcp_parts.h"

/*
 *	W_cubic(t) = C (t - K)^3 + W_max		C = 0.4 segments / s^3, beta = 0.7
 *
 *	 W_max |              . - - - .             .
 *	       |          .                 .     .
 *	       |       .      concave         . .   convex
 *	       |     .
 *	 beta W_max --------------+----------+-------> t
 *	                          K
 *
 * Ranges. Windows are at most 2^30 bytes (TCP_CWND_MAX), segments 36 to 2^14 bytes, t and K below
 * 2^19 ms: K^3 = 2.5e9 x W / mss <= 2^61.3 / 36, so K <= 422,000. Then
 *	(t - K)^2 x mss           <= 2^38 x 2^14 = 2^52
 *	... / 1000 x (t - K) x 2  <= 2^42.1 x 2^20 = 2^62.1
 * and all of it fits 64 bits. Dividing by 1000 halfway costs less than a byte of precision.
 */
#define CUBIC_T_MAX_MS ((1u << 19) - 1)

#define BETA_NUM 7u
#define BETA_DEN 10u

/* Cube roots of 8 .. 63, times 64. */
static const uint8_t cube_roots[56] = {
	128, 133, 138, 142, 147, 150, 154, 158, 161, 165, 168, 171, 174, 177,
	179, 182, 185, 187, 190, 192, 194, 197, 199, 201, 203, 205, 207, 209,
	211, 213, 215, 217, 219, 221, 222, 224, 226, 227, 229, 231, 232, 234,
	235, 237, 239, 240, 242, 243, 245, 246, 247, 249, 250, 251, 253, 254,
};

/*
 * The integer part of the cube root of x < 2^62. The table knows the leading digit base 8 and the
 * one behind to 4 percent; a Newton step squares that error: 2e-3, 3e-6, 1e-11. The last two lines
 * take off what integer division left.
 */
uint32_t
tcp_cubic_root(uint64_t x)
{
	unsigned int digits;
	uint64_t y;

	if (x < 8)
		return x > 0;
	digits = (63 - (unsigned int)__builtin_clzll(x)) / 3;
	y = ((uint64_t)cube_roots[(x >> 3 * (digits - 1)) - 8] << (digits - 1)) / 64;
	for (unsigned int i = 0; i < 3; i++)
		y = (2 * y + x / (y * y)) / 3;
	while (y * y * y > x)
		y--;
	while ((y + 1) * (y + 1) * (y + 1) <= x)
		y++;
	return (uint32_t)y;
}

/* W_cubic(t) in bytes (s4.2). */
static uint32_t
w_cubic(const struct tcp_cubic *q, uint32_t mss, uint32_t t_ms)
{
	uint64_t d = t_ms < q->k_ms ? q->k_ms - t_ms : t_ms - q->k_ms;
	uint64_t way = d * d * mss / 1000 * d * 2 / 5000000;

	if (t_ms < q->k_ms)
		return way < q->w_max ? q->w_max - (uint32_t)way : 0;
	return (uint32_t)min_u64(q->w_max + way, TCP_CWND_MAX);
}

/* Congestion avoidance begins: after a reduction and slow start up to the threshold (s4.8). */
static void
begin_epoch(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold)
{
	struct tcp_cubic *q = &cold->ccs.cubic;

	q->w_est = c->cwnd;
	q->est_acked = 0;
	cold->cwnd_acked = 0;
	q->t_ms = 0;
	q->last_ms = stack->env->now_ms;
	if (c->cwnd >= q->w_max) {
		q->w_max = c->cwnd;
		q->k_ms = 0;
		return;
	}
	/* K = cbrt((W_max - cwnd) / C): 1 / 0.4 = 2.5, and 10^9 from s^3 to ms^3. */
	q->k_ms = tcp_cubic_root((uint64_t)(q->w_max - c->cwnd) * 2500000000U / c->mss);
}

/*
 * Time since the ACK before counts up to a round trip with its variance: what is longer was idle
 * (s4.2: t has no application-limited periods in it).
 */
static void
count_time(const struct tcp_stack *stack, struct tcp_cold *cold)
{
	struct tcp_cubic *q = &cold->ccs.cubic;
	uint32_t most_ms = cold->srtt_us / 1000 + cold->rttvar_us / 250 + 1;
	uint32_t passed_ms = min_u32(stack->env->now_ms - q->last_ms, most_ms);

	q->t_ms = min_u32(q->t_ms + min_u32(passed_ms, CUBIC_T_MAX_MS), CUBIC_T_MAX_MS);
	q->last_ms = stack->env->now_ms;
}

/*
 * What Reno would have (s4.3): alpha segments for a window acknowledged, alpha = 3 (1 - beta) /
 * (1 + beta) = 9 / 17 until the window before the reduction is reached, then 1. That window is
 * ssthresh / beta.
 */
static void
grow_estimate(const struct tcp_conn *c, struct tcp_cold *cold, uint32_t acked)
{
	struct tcp_cubic *q = &cold->ccs.cubic;
	bool is_back = (uint64_t)q->w_est * BETA_NUM >= (uint64_t)cold->ssthresh * BETA_DEN;
	uint64_t step = is_back ? c->cwnd : (uint64_t)c->cwnd * 17 / 9;

	q->est_acked += acked;
	if (q->est_acked < step)
		return;
	q->est_acked -= (uint32_t)step;
	q->w_est = min_u32(q->w_est + c->mss, TCP_CWND_MAX);
}

/* Towards target by (target - cwnd) / cwnd for a segment acknowledged (s4.4, s4.5). */
static void
approach(struct tcp_conn *c, struct tcp_cold *cold, uint32_t target, uint32_t acked)
{
	uint32_t way = min_u32(target - c->cwnd, c->cwnd / 2);
	uint64_t need = (uint64_t)c->cwnd * c->mss;

	/* Both below 2^30: the product fits. */
	cold->cwnd_acked = min_u32(cold->cwnd_acked + acked, TCP_CWND_MAX);
	if ((uint64_t)cold->cwnd_acked * way < need)
		return;
	cold->cwnd_acked -= (uint32_t)(need / way);
	c->cwnd += c->mss;
}

static void
avoid_congestion(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_cubic *q = &cold->ccs.cubic;
	uint32_t ahead_ms, target;

	if (q->w_est == 0)
		begin_epoch(stack, c, cold);
	count_time(stack, cold);
	grow_estimate(c, cold, acked);
	/* Never below Reno; it grows no faster than Reno, so there is no jump (s4.3). */
	c->cwnd = max_u32(c->cwnd, q->w_est);
	ahead_ms = min_u32(cold->srtt_us / 1000, CUBIC_T_MAX_MS);
	target = w_cubic(q, c->mss, min_u32(q->t_ms + ahead_ms, CUBIC_T_MAX_MS));
	if (target > c->cwnd)
		approach(c, cold, target, acked);
}

static void
cubic_on_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool limited = tcp_cc_is_limited(stack, c, acked);

	if (cold->ssthresh == TCP_SSTHRESH_INFINITE) {
		if (limited && c->cwnd < TCP_CWND_MAX)
			tcp_hystart_on_ack(stack, c, acked);
		return;
	}
	if (c->cwnd < cold->ssthresh) {
		/* An epoch that was interrupted says nothing about what follows. */
		cold->ccs.cubic.w_est = 0;
		if (limited)
			acked = tcp_cc_slow_start_up_to(
				stack, c, tcp_cc_slow_start(stack, c, acked, 2));
		if (!limited || acked == 0)
			return;
	}
	if (limited && c->cwnd < TCP_CWND_MAX)
		avoid_congestion(stack, c, acked);
	else
		cold->ccs.cubic.last_ms = stack->env->now_ms;
}

/* s4.6, s4.7: beta times the window, and less room for those who come after a smaller one. */
static uint32_t
cubic_ssthresh(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_cubic *q = &cold->ccs.cubic;
	uint32_t segs = c->cwnd / c->mss;

	if (cold->ssthresh == TCP_SSTHRESH_INFINITE)
		*q = (struct tcp_cubic){ 0 };
	q->w_max_undo = q->w_max;
	/* (1 + beta) / 2 = 17 / 20. */
	q->w_max = c->cwnd < q->w_max ? (uint32_t)((uint64_t)c->cwnd * 17 / 20) : c->cwnd;
	q->w_est = 0;
	/* Whole segments, with the 717 / 1024 that Linux makes of beta. */
	return max_u32((uint32_t)((uint64_t)segs * 717 / 1024), 2) * c->mss;
}

/*
 * RFC 9438 s4.8: what the window was before a timeout says nothing of the path as it is now; the
 * next epoch begins with K = 0 at the window it begins with.
 */
static void
cubic_on_timeout(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->ssthresh == TCP_SSTHRESH_INFINITE)
		return;
	cold->ccs.cubic.w_max = 0;
	cold->ccs.cubic.w_est = 0;
}

/* The loss was none; cwnd and ssthresh are back. K and t begin anew from there: see 0004. */
static void
cubic_undo(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->ssthresh == TCP_SSTHRESH_INFINITE) {
		cold->ccs = (union tcp_cc_state){ 0 };
		return;
	}
	cold->ccs.cubic.w_max = cold->ccs.cubic.w_max_undo;
	cold->ccs.cubic.w_est = 0;
}

static void
cubic_on_rtt(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us)
{
	if (tcp_cold(stack, c)->ssthresh == TCP_SSTHRESH_INFINITE)
		tcp_hystart_on_rtt(stack, c, rtt_us);
}

const struct tcp_cc tcp_cc_cubic = {
	.name = "cubic",
	.on_ack = cubic_on_ack,
	.ssthresh = cubic_ssthresh,
	.on_timeout = cubic_on_timeout,
	.undo = cubic_undo,
	.on_rtt = cubic_on_rtt,
};
