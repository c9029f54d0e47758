/* SPDX-License-Identifier: BSD-3-Clause */
/* Idle connections: what they must remember is packed, so that ten million of them fit. */
#include "tcp/tcp_parts.h"

/*
 *	           a segment, a timer, its owner
 *	  parked ---------------------------------> awake
 *	         <---------------------------------
 *	           nothing for park_after_ms
 *
 * An awake connection has a tcp_cold; a parked one has given it back, and its tcp_park remembers
 * what cannot be had anew. What congestion control and autotuning learnt of a path that was not
 * used for that long is forgotten, and what was answered in this second. What RACK knows of the
 * path stays: one that reorders would else have its window reduced for nothing after each pause.
 * Nothing is in flight, so that there is no recovery, and nothing of PRR or of an undo to keep.
 *
 * There are as many tcp_cold as connections, so that waking cannot fail; those given back are used
 * first, and what was never used is not resident.
 */
#define VISITS_MAX 256u		/* in one poll */
#define SCORE_KEPT_MS 5000u	/* a report of duplicates, to undo a reduction, may be so late */
#define AHEAD 8u
/* What the fields of tcp_park hold; more doublings than these lead beyond tcp_rto_max. */
#define RETRANS_MAX 0x3ffffu
#define BACKOFF_MAX 31u
#define ATO_MS_MAX 511u
#define RTT_US_MAX 0xfffffffu
#define REO_MULT_MAX 15u
#define REO_PERSIST_UNIT 6u
/* The least round trip is forgotten at an age of so many, as by who stays awake. */
#define MIN_RTT_AGE_MAX 15u
#define MIN_RTT_AGE_MS (TCP_MIN_RTT_MS / MIN_RTT_AGE_MAX)

_Static_assert(TUN_CC_COUNT <= 4, "two bits for the congestion control");

static bool
is_quiet(const struct tcp_conn *c)
{
	const uint32_t busy = TF_ACK_NOW | TF_ACK_DELAY | TF_FIN_QUEUED | TF_RD_SHUT | TF_ORPHAN |
		TF_WANT_WRITE | TF_NOBUF | TF_OUTPUT | TF_EVENT | TF_OOO |
		TF_PERSIST | TF_WND_SENT_0 | TF_DSACK;

	return (c->state == TCPS_ESTABLISHED || c->state == TCPS_CLOSE_WAIT) &&
		(c->flags & (busy | TF_ACCEPTED)) == TF_ACCEPTED &&
		c->snd_una == c->write_seq &&
		c->recvq_head == NULL &&
		c->ev == 0 &&
		(c->timers & (uint8_t)~(TT_KEEP | TT_APP | TT_PMTU)) == 0;
}

static bool
may_park(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_cold *cold)
{
	uint32_t quiet_ms = stack->env->now_ms - cold->last_rx_ms;

	return is_quiet(c) && !cold->is_corked && cold->err == 0 && cold->probes == 0 &&
		quiet_ms > stack->par.park_after_ms &&
		(!(c->flags & TF_SCORE) || quiet_ms > SCORE_KEPT_MS);
}

/* Rounded up: with many pauses it may be forgotten too early, but never is too late. */
static uint32_t
min_rtt_age(const struct tcp_cold *cold)
{
	uint32_t age_ms = cold->last_rx_ms - cold->min_rtt_at_ms;

	return age_ms > TCP_MIN_RTT_MS ? MIN_RTT_AGE_MAX :
					 (age_ms + MIN_RTT_AGE_MS - 1) / MIN_RTT_AGE_MS;
}

static void
save(const struct tcp_cold *cold, struct tcp_park *park)
{
	*park = (struct tcp_park){
		.gen = cold->gen,
		.srtt_us = cold->srtt_us,
		.rttvar_us = min_u32(cold->rttvar_us, RTT_US_MAX) & RTT_US_MAX,
		.reo_mult = min_u32(cold->reo_mult, REO_MULT_MAX) & REO_MULT_MAX,
		.min_rtt_us = min_u32(cold->min_rtt_us, RTT_US_MAX) & RTT_US_MAX,
		.min_rtt_age = min_rtt_age(cold) & MIN_RTT_AGE_MAX,
		.ssthresh = cold->ssthresh & INT32_MAX,
		.reo_seen = cold->reo_seen,
		.rcvbuf = cold->rcvbuf,
		.sndbuf = cold->sndbuf,
		.last_rx_ms = cold->last_rx_ms,
		.last_data_ms = cold->last_data_ms,
		.keep_at_ms = cold->keep_at_ms,
		.app_at_ms = cold->app_at_ms,
		.pmtu_at_ms = cold->pmtu_at_ms,
		.user_timeout_ms = cold->user_timeout_ms,
		.max_snd_wnd = cold->max_snd_wnd,
		.total_retrans = min_u32(cold->total_retrans, RETRANS_MAX) & RETRANS_MAX,
		.backoff = min_u32(cold->backoff, BACKOFF_MAX) & BACKOFF_MAX,
		.ato_ms = cold->ato_ms & ATO_MS_MAX,
		.iss = cold->iss,
		.irs = cold->irs,
		.data = cold->data,
		.ops = cold->ops,
		.linger_s = cold->linger_s,
		.listener = cold->listener & 0x7ffu,
		.peer_mss = cold->peer_mss,
		.rcv_mss = cold->rcv_mss,
		.mss_high = cold->mss_high,
		.moved_ticks = cold->moved_ticks,
		.cc = cold->cc & 3u,
		.has_extra = cold->has_extra,
		.reo_persist = (cold->reo_persist + REO_PERSIST_UNIT - 1) / REO_PERSIST_UNIT & 3u,
	};
}

/* Also what tcp_conn_new would begin with. */
static void
restore(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold)
{
	const struct tcp_park *park = &stack->park[tcp_slot(stack, c)];

	*cold = (struct tcp_cold){
		.gen = park->gen,
		.srtt_us = park->srtt_us,
		.rto_ms = c->parked.rto_ms,
		.var_max_ms = c->parked.var_max_ms,
		.rttvar_us = park->rttvar_us,
		.min_rtt_us = park->min_rtt_us,
		.min_rtt_at_ms = park->last_rx_ms - park->min_rtt_age * MIN_RTT_AGE_MS,
		.ssthresh = park->ssthresh,
		.rcvbuf = park->rcvbuf,
		.sndbuf = park->sndbuf,
		.last_rx_ms = park->last_rx_ms,
		.last_data_ms = park->last_data_ms,
		.ts_recent_at_ms = park->last_rx_ms,
		.keep_at_ms = park->keep_at_ms,
		.app_at_ms = park->app_at_ms,
		.pmtu_at_ms = park->pmtu_at_ms,
		.user_timeout_ms = park->user_timeout_ms,
		.max_snd_wnd = park->max_snd_wnd,
		.total_retrans = park->total_retrans,
		.backoff = park->backoff,
		.ato_ms = park->ato_ms,
		.iss = park->iss,
		.irs = park->irs,
		.data = park->data,
		.ops = park->ops,
		.linger_s = park->linger_s,
		.listener = park->listener,
		.peer_mss = park->peer_mss,
		.rcv_mss = park->rcv_mss,
		.mss_high = park->mss_high,
		.moved_ticks = park->moved_ticks,
		.cc = park->cc,
		.has_extra = park->has_extra & 1u,
		.is_paced = park->has_extra && stack->extra[tcp_slot(stack, c)].is_paced,
		.owner = tcp_slot(stack, c),
		.next = TCP_NONE,
		.reo_mult = park->reo_mult,
		.reo_persist = (park->reo_persist * REO_PERSIST_UNIT) & 0x7fu,
		.reo_seen = park->reo_seen,
		.snd_sml = c->snd_una,
		.end_seq = c->rcv_nxt,
		.usage_seq = c->snd_una,
		.last_sent_ms = c->parked_sent_ms,
		.recover = c->snd_una,
		.rtt_seq = c->snd_una,
		.rcv_space_seq = c->rcv_nxt,
	};
}

/* For who is woken next. */
static void
prefetch_room(const struct tcp_stack *stack, uint32_t i)
{
	const char *at = (const char *)&stack->cold[i];

	for (size_t off = 0; off < sizeof(struct tcp_cold); off += CACHE_LINE)
		prefetch0_write(at + off);
}

struct tcp_cold *
tcp_cold_take(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t i = stack->cold_free;

	if (i != TCP_NONE)
		stack->cold_free = stack->cold[i].next;
	else
		i = stack->cold_fresh++;
	/* It will be written as a whole. */
	prefetch_room(stack, stack->cold_free != TCP_NONE ? stack->cold_free : stack->cold_fresh);
	ASSERT(i < stack->par.conns_max);
	c->cold = i;
	return &stack->cold[i];
}

static void
give_cold(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	cold->owner = TCP_NONE;
	cold->next = stack->cold_free;
	stack->cold_free = c->cold;
	c->cold = TCP_NONE;
}

void
tcp_unpark(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold_take(stack, c);
	uint64_t hash = tcp_flow_hash(stack, &c->key);

	restore(stack, c, cold);
	c->recvq_tail = NULL;
	cold->flow_hash = (uint32_t)hash;
	cold->rcv_space_at_us = (uint32_t)stack->env->now_us;
	cold->dupack_sent_ms = stack->env->now_ms - stack->env->tun->tcp_invalid_ratelimit;
	if (c->flags & TF_TS)
		cold->ts_off = (uint32_t)(hash >> 32);
	stack->conns_parked--;
	stack->env->ctr->ConnsParked--;
}

const struct tcp_cold *
tcp_cold_peek(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *room)
{
	if (c->cold != TCP_NONE)
		return tcp_cold(stack, c);
	restore(stack, c, room);
	return room;
}

void
tcp_park(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	/* Nothing is in flight: all that it may hold is how to undo a reduction, long ago. */
	tcp_recovery_rest(stack, c);
	tcp_score_free(stack, c);
	save(cold, &stack->park[tcp_slot(stack, c)]);
	c->parked_sent_ms = cold->last_sent_ms;
	c->parked.rto_ms = cold->rto_ms;
	c->parked.var_max_ms = cold->var_max_ms;
	give_cold(stack, c);
	stack->conns_parked++;
	stack->env->ctr->ConnsParked++;
}

/* What parking will read and write, if it comes to that. */
static void
prefetch_owner(const struct tcp_stack *stack, const struct tcp_cold *cold)
{
	tcp_prefetch_conn(stack, cold->owner);
	if (stack->env->now_ms - cold->last_rx_ms <= stack->par.park_after_ms)
		return;
	prefetch0_write(&stack->park[cold->owner]);
	prefetch0_write((const char *)&stack->park[cold->owner] + CACHE_LINE);
}

static void
visit(struct tcp_stack *stack, const struct tcp_cold *cold)
{
	struct tcp_conn *c;

	if (cold->owner == TCP_NONE)
		return;
	c = &stack->conns[cold->owner];
	if (c->key.w[2] == 0) {
		/* Given back with its slot, unless a list still goes through it. */
		if (!(c->flags & (TF_OUTPUT | TF_EVENT)))
			give_cold(stack, c);
		return;
	}
	if (may_park(stack, c, cold))
		tcp_park(stack, c);
}

/* Every tcp_cold is looked at once in park_after_ms. */
void
tcp_park_poll(struct tcp_stack *stack)
{
	uint32_t passed_ms = stack->env->now_ms - stack->park_ms;
	uint64_t visits;

	if (passed_ms == 0 || stack->par.park_after_ms == 0)
		return;
	visits = (uint64_t)stack->cold_fresh * passed_ms / stack->par.park_after_ms;
	if (visits == 0)
		return;
	stack->park_ms = stack->env->now_ms;
	for (uint64_t i = min_u64(visits, VISITS_MAX); i > 0; i--) {
		uint32_t ahead = stack->park_at + AHEAD;

		if (stack->park_at >= stack->cold_fresh)
			stack->park_at = 0;
		if (ahead < stack->cold_fresh && stack->cold[ahead].owner != TCP_NONE)
			prefetch_owner(stack, &stack->cold[ahead]);
		visit(stack, &stack->cold[stack->park_at++]);
	}
}
