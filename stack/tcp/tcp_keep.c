/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a connection with an owner may be silent: keepalive, first byte, idle. */
#include "tcp/tcp_parts.h"

/*
 * Threat model: peers that open connections and leave it at that (attack A-06). Nothing is wrong
 * with any of them, but together they are all there is room for.
 *
 *	first byte  a peer that opened has sent no data since; from the handshake, which the accept
 *	            queue does not stop
 *	idle        no data of either side has moved: none was received in order, none of ours was
 *	            sent or acknowledged. ACKs, keepalives and probes do not count, so a peer that
 *	            only holds its window closed is idle (attack A-05)
 *	keepalive   RFC 9293 s3.8.4: nothing at all was received, and the owner asked for it
 *
 * The first two end in a RST and -ETIMEDOUT. All share TT_KEEP, set to the earliest; a segment
 * moves none of them: the timer fires, finds what has happened since, and is set anew. Only what
 * is ESTABLISHED is limited: who has closed a side has other limits, and orphans have their own.
 *
 * When our data last moved is known in units of 1024 ms, 16 bits of them, which fit where there was
 * padding, in tcp_cold and tcp_park: it is taken for the end of its unit, so that nobody is reset
 * early and nobody stays a second longer. Looked at after 9 hours or more it may seem recent, and
 * one timeout is waited.
 */
#define SLOTS_PER_POLL 1024u
#define TICK_MS (1u << TCP_MOVED_SHIFT)
#define MOVED_RANGE_MS (1u << (16 + TCP_MOVED_SHIFT))

/* Of a connection that came by one which is still open. */
static const struct tcp_listener *
listener_of(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t slot = tcp_cold(stack, c)->listener;
	const struct tcp_listener *l = slot == TCP_LISTENERS_MAX ? NULL : &stack->listeners[slot];

	return l != NULL && l->open && l->port == c->key.lport ? l : NULL;
}

/* What is left of limit_s; 0 s: for ever. */
static uint64_t
left_ms(uint32_t limit_s, uint32_t gone_ms)
{
	uint64_t limit_ms = 1000ULL * limit_s;

	if (limit_s == 0)
		return TCP_KEEP_NEVER;
	return limit_ms > gone_ms ? limit_ms - gone_ms : 0;
}

static uint64_t
first_byte_left(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tcp_listener *l = listener_of(stack, c);
	uint32_t limit_s = stack->env->tun->tcp_first_byte_timeout;

	if ((c->flags & TF_ACTIVE) || c->state != TCPS_ESTABLISHED || c->rcv_nxt != cold->irs + 1)
		return TCP_KEEP_NEVER;
	if (l != NULL && l->first_byte_s != 0)
		limit_s = l->first_byte_s;
	return left_ms(limit_s, stack->env->now_ms - (cold->last_data_ms + TCP_NO_DATA_MS));
}

/* Since our data moved, at least. */
static uint32_t
unmoved_ms(const struct tcp_stack *stack, const struct tcp_cold *cold)
{
	uint32_t moved = ((uint32_t)cold->moved_ticks << TCP_MOVED_SHIFT) + TICK_MS - 1;
	uint32_t gone = (stack->env->now_ms - moved) & (MOVED_RANGE_MS - 1);

	return gone < MOVED_RANGE_MS / 2 ? gone : 0;
}

static uint64_t
idle_left(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tcp_listener *l = listener_of(stack, c);
	uint32_t limit_s = stack->env->tun->tcp_idle_timeout;

	if (c->state != TCPS_ESTABLISHED)
		return TCP_KEEP_NEVER;
	if (l != NULL && l->idle_s != 0)
		limit_s = l->idle_s;
	return left_ms(limit_s,
		min_u32(stack->env->now_ms - cold->last_data_ms, unmoved_ms(stack, cold)));
}

uint32_t
tcp_keep_idle_s(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t own = tcp_extra(stack, c)->keep_idle_s;

	return own != 0 ? own : stack->env->tun->tcp_keepalive_time;
}

uint32_t
tcp_keep_intvl_s(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t own = tcp_extra(stack, c)->keep_intvl_s;

	return own != 0 ? own : stack->env->tun->tcp_keepalive_intvl;
}

uint32_t
tcp_keep_probes(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	uint32_t own = tcp_extra(stack, c)->keep_probes;

	return own != 0 ? own : stack->env->tun->tcp_keepalive_probes;
}

static uint64_t
keepalive_left(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	if (!(c->flags & TF_KEEPALIVE))
		return TCP_KEEP_NEVER;
	return left_ms(tcp_keep_idle_s(stack, c) + cold->probes * tcp_keep_intvl_s(stack, c),
		stack->env->now_ms - cold->last_rx_ms);
}

static uint64_t
others_left(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return min_u64(first_byte_left(stack, c), idle_left(stack, c));
}

void
tcp_keep_arm(struct tcp_stack *stack, struct tcp_conn *c, uint64_t keepalive_ms)
{
	uint64_t left = min_u64(keepalive_ms, others_left(stack, c));

	/* Who has closed may still set options: TT_KEEP is for its end now. */
	if (c->flags & TF_ORPHAN)
		return;
	if (left == TCP_KEEP_NEVER)
		tcp_timers_keep_off(stack, c);
	else
		tcp_timers_keep(stack, c, left);
}

void
tcp_keep_changed(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_keep_arm(stack, c,
		(c->flags & TF_KEEPALIVE) ? 1000ULL * tcp_keep_idle_s(stack, c) : TCP_KEEP_NEVER);
}

void
tcp_keep_idle_changed(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t gone_ms = stack->env->now_ms - tcp_cold(stack, c)->last_rx_ms;

	tcp_keep_arm(stack, c, left_ms(tcp_keep_idle_s(stack, c), gone_ms));
}

void
tcp_keep_opened(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (others_left(stack, c) != TCP_KEEP_NEVER)
		tcp_keep_arm(stack, c, keepalive_left(stack, c));
}

/* A user timeout replaces the count of probes here, too (RFC 5482 s4.2, as Linux). */
static bool
is_unanswered(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	if (cold->user_timeout_ms == 0)
		return cold->probes >= tcp_keep_probes(stack, c);
	return cold->probes > 0 && stack->env->now_ms - cold->last_rx_ms >= cold->user_timeout_ms;
}

/* What is in flight, a FIN, too, or queued has a timer of its own. */
static bool
is_timed_otherwise(const struct tcp_conn *c)
{
	return c->snd_una != c->snd_nxt || c->send_next != NULL;
}

/* The next probe, or the end. False: the connection is gone. */
static bool
keepalive(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (is_unanswered(stack, c)) {
		stack->env->ctr->TCPAbortOnTimeout++;
		tcp_reset(stack, c, -ETIMEDOUT);
		return false;
	}
	if (cold->probes < UINT8_MAX)
		cold->probes++;
	stack->env->ctr->TCPKeepAlive++;
	tcp_send_empty(stack, c, c->snd_una - 1, TCP_ACK);
	return true;
}

void
tcp_keep_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint64_t left_ms = keepalive_left(stack, c);

	if (first_byte_left(stack, c) == 0) {
		stack->env->ctr->FirstByteTimeouts++;
		tcp_reset(stack, c, -ETIMEDOUT);
		return;
	}
	if (idle_left(stack, c) == 0) {
		stack->env->ctr->IdleTimeouts++;
		tcp_reset(stack, c, -ETIMEDOUT);
		return;
	}
	/* Nothing else can have fired: it is due, though its interval was changed meanwhile. */
	if ((c->flags & TF_KEEPALIVE) && tcp_cold(stack, c)->probes > 0 &&
		others_left(stack, c) == TCP_KEEP_NEVER)
		left_ms = 0;
	if (left_ms == 0 && is_timed_otherwise(c)) {
		left_ms = 1000ULL * tcp_keep_idle_s(stack, c);
	} else if (left_ms == 0) {
		if (!keepalive(stack, c))
			return;
		left_ms = 1000ULL * tcp_keep_intvl_s(stack, c);
	}
	tcp_keep_arm(stack, c, left_ms);
}

/* The parked are woken for it one after the other, so that it takes one tcp_cold for all. */
static void
tell(struct tcp_stack *stack, struct tcp_conn *c)
{
	bool was_parked = c->cold == TCP_NONE;

	tcp_wake(stack, c);
	tcp_keep_arm(stack, c, keepalive_left(stack, c));
	if (was_parked)
		tcp_park(stack, c);
}

void
tcp_keep_poll(struct tcp_stack *stack)
{
	const struct tunables *tun = stack->env->tun;
	struct tcp_keep_sweep *sweep = &stack->keep_sweep;

	if (sweep->first_byte_s != tun->tcp_first_byte_timeout ||
		sweep->idle_s != tun->tcp_idle_timeout) {
		sweep->first_byte_s = tun->tcp_first_byte_timeout;
		sweep->idle_s = tun->tcp_idle_timeout;
		sweep->edge = 0;
	}
	if (sweep->edge == UINT32_MAX)
		return;
	for (unsigned int i = 0; i < SLOTS_PER_POLL && sweep->edge < stack->conn_fresh; i++) {
		struct tcp_conn *c = &stack->conns[sweep->edge++];

		if (c->state == TCPS_ESTABLISHED && !(c->flags & TF_ORPHAN))
			tell(stack, c);
	}
	if (sweep->edge >= stack->conn_fresh)
		sweep->edge = UINT32_MAX;
}
