/* SPDX-License-Identifier: BSD-3-Clause */
/* The only file that arms timers: callers report events, this decides what they mean for time. */
#include "tcp/tcp_parts.h"

/*
 * A connection has up to six deadlines (TT_*) and one node in the wheel, armed for the earliest or
 * for something earlier still: an ACK that moves a deadline later does not touch the wheel, the
 * node fires, finds nothing due and is armed again.
 *
 *	TT_REXMIT  rexmit_at_ms  data, SYN or FIN unacknowledged; or a closed window to be probed;
 *	                         with TT_PROBE or TT_REORDER the earlier deadline of RFC 8985
 *	TT_DELACK  delack_at_ms  an ACK is owed
 *	TT_KEEP    keep_at_ms    keepalive, first byte, idle; FIN-WAIT-2 of an orphan, linger
 *	TT_APP     app_at_ms     the owner's own
 *	TT_AGAIN   again_at_ms   a writer was refused for lack of packets, or data is paced
 *	TT_PMTU    pmtu_at_ms    the path MTU was lowered
 *
 * SYN-queue entries have a node each, with ids behind the connections'.
 */
#define FIRE_BATCH 64u
#define FIRE_BATCHES_PER_POLL 8u
#define COLD_AHEAD 4u
#define SYN_SOON_MS 2u
#define RENEGED_MS 10u

static uint32_t
synq_id(const struct tcp_stack *stack, uint32_t slot)
{
	return stack->par.conns_max + slot;
}

/* Have the node fire at at_ms or before. */
static void
arm(struct tcp_stack *stack, struct tcp_conn *c, uint32_t at_ms)
{
	uint32_t id = tcp_slot(stack, c);

	if (wheel_is_armed(&stack->wheel, id) &&
		!seq32_lt(at_ms, wheel_expires(&stack->wheel, id)))
		return;
	wheel_arm(&stack->wheel, id, at_ms);
}

static void
set_rexmit(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	c->timers = (uint8_t)((c->timers & ~(TT_PROBE | TT_REORDER)) | TT_REXMIT);
	c->rexmit_at_ms = stack->env->now_ms + delay_ms;
	arm(stack, c, c->rexmit_at_ms);
}

void
tcp_timers_probe(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	set_rexmit(stack, c, delay_ms);
	c->timers |= TT_PROBE;
}

void
tcp_timers_reorder(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_us)
{
	set_rexmit(stack, c, (delay_us + 999) / 1000);
	c->timers |= TT_REORDER;
}

/* A flight begins or goes on: its tail is probed for before the timeout, where that may be. */
static void
set_probe_or_timeout(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t probe_ms = tcp_probe_delay(stack, c);

	if (probe_ms > 0)
		tcp_timers_probe(stack, c, probe_ms);
	else
		set_rexmit(stack, c, tcp_rto_backed_off(stack, c));
}

void
tcp_timers_on_suspicion(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t rto_ms = tcp_rto_backed_off(stack, c);
	uint32_t age_ms = 0;

	if (c->sendq_head != NULL && c->sendq_head != c->send_next)
		age_ms = ((uint32_t)stack->env->now_us - c->sendq_head->app.sent_us) / 1000;
	set_rexmit(stack, c, age_ms < rto_ms ? rto_ms - age_ms : 1);
}

/*
 * RFC 2018 s8: what is acknowledged ends at something SACKed, which the peer then does not have any
 * more. As Linux: half a round trip for an ACK that corrects this, then all is taken for lost.
 */
void
tcp_timers_reneged(struct tcp_stack *stack, struct tcp_conn *c)
{
	set_rexmit(stack, c, max_u32(tcp_cold(stack, c)->srtt_us / 2000, RENEGED_MS));
}

/* Data of ours is on its way, or has arrived: it is not idle. */
static inline void
moved(const struct tcp_stack *stack, struct tcp_cold *cold)
{
	cold->moved_ticks = (uint16_t)(stack->env->now_ms >> TCP_MOVED_SHIFT);
}

/*
 * More was sent while a lone segment's tail was to be probed for: its ACK will not be held up, so
 * the probe need not wait for that (RFC 8985 s7.2).
 */
static void
hasten_probe(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t delay_ms = tcp_probe_delay(stack, c);

	if (delay_ms > 0 && seq32_lt(stack->env->now_ms + delay_ms, c->rexmit_at_ms))
		tcp_timers_probe(stack, c, delay_ms);
}

/* Something that must be acknowledged went out (RFC 6298 s5.1), or could not for lack of room. */
void
tcp_timers_on_sent(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if ((c->timers & TT_REXMIT) && !(c->flags & TF_PERSIST)) {
		if (c->timers & TT_PROBE)
			hasten_probe(stack, c);
		return;
	}
	if (c->flags & TF_PERSIST) {
		/* The probes were no data: what they doubled says nothing of the path. */
		c->flags &= ~TF_PERSIST;
		cold->rexmits = 0;
		cold->backoff = 0;
	}
	moved(stack, cold);
	set_probe_or_timeout(stack, c);
}

/* A SYN that something old was answered to is sent again at once, or nearly. */
void
tcp_timers_syn_soon(struct tcp_stack *stack, struct tcp_conn *c)
{
	set_rexmit(stack, c, SYN_SOON_MS);
}

/* The peer acknowledged new data (RFC 6298 s5.2, s5.3). */
void
tcp_timers_on_progress(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	moved(stack, cold);
	if (c->flags & TF_PERSIST) {
		c->flags &= ~TF_PERSIST;
		cold->rexmits = 0;
		cold->backoff = 0;
	}
	if (c->snd_una == c->snd_nxt)
		c->timers &= (uint8_t)~(TT_REXMIT | TT_PROBE | TT_REORDER);
	else
		set_probe_or_timeout(stack, c);
}

/*
 * A closed window moved, but maybe not enough. The next try comes within a timeout without backoff,
 * and never later than it would have: a peer that moves its window all the time would put it off
 * for ever, and hold what is queued without ever being found to do so.
 */
void
tcp_timers_on_window(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t at_ms = stack->env->now_ms + tcp_cold(stack, c)->rto_ms;

	if (c->snd_wnd == 0 || !seq32_lt(at_ms, c->rexmit_at_ms))
		return;
	c->rexmit_at_ms = at_ms;
	arm(stack, c, at_ms);
}

/* After a timeout: the RTO, or what the user timeout leaves of it. */
static uint32_t
next_try_ms(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t rto_ms = tcp_rto_backed_off(stack, c);
	uint32_t gone_ms = stack->env->now_ms - cold->stalled_at_ms;

	if (cold->user_timeout_ms == 0 || cold->rexmits == 0 || c->state == TCPS_SYN_RECEIVED)
		return rto_ms;
	if (gone_ms >= cold->user_timeout_ms)
		return 1;
	return min_u32(rto_ms, cold->user_timeout_ms - gone_ms);
}

/* The retransmission timer fired: the next one waits twice as long (RFC 6298 s5.5). */
void
tcp_timers_on_timeout(struct tcp_stack *stack, struct tcp_conn *c)
{
	set_rexmit(stack, c, next_try_ms(stack, c));
}

void
tcp_timers_on_closed_window(struct tcp_stack *stack, struct tcp_conn *c)
{
	if ((c->timers & TT_REXMIT) && (c->flags & TF_PERSIST) &&
		seq32_gt(c->rexmit_at_ms, stack->env->now_ms))
		return;
	c->flags |= TF_PERSIST;
	set_rexmit(stack, c, next_try_ms(stack, c));
}

/*
 * As Linux: who has answered that the window is closed is asked again a whole interval later; but
 * only what answers a probe counts, or who repeats it would never be asked.
 */
void
tcp_timers_on_answered_probe(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct pkt *next = c->send_next;

	if ((c->flags & TF_PERSIST) && tcp_cold(stack, c)->probes > 0 &&
		c->snd_una == c->snd_nxt && next != NULL &&
		next->app.end_seq - c->snd_una > c->snd_wnd)
		set_rexmit(stack, c, next_try_ms(stack, c));
}

/*
 * As long as segments are apart, at most a round trip or, if that is shorter or not known, the
 * least delay; a FIN before any data waits a moment for an answer to ride with.
 */
static uint32_t
ack_delay_ms(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	uint32_t most = tun->tcp_delack_max;

	if (cold->ato_ms <= tun->tcp_delack_min)
		return max_u32(cold->ato_ms, 1);
	if (cold->srtt_us != 0)
		most = min_u32(most, max_u32(cold->srtt_us / 1000, tun->tcp_delack_min));
	return min_u32(cold->ato_ms, most);
}

void
tcp_timers_on_ack_owed(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (c->timers & TT_DELACK)
		return;
	c->timers |= TT_DELACK;
	cold->delack_at_ms = stack->env->now_ms + ack_delay_ms(stack, c);
	arm(stack, c, cold->delack_at_ms);
}

void
tcp_timers_keep(struct tcp_stack *stack, struct tcp_conn *c, uint64_t delay_ms)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	c->timers |= TT_KEEP;
	cold->keep_at_ms = stack->env->now_ms + (uint32_t)delay_ms;
	arm(stack, c, cold->keep_at_ms);
}

void
tcp_timers_keep_off(struct tcp_stack *stack, struct tcp_conn *c)
{
	(void)stack;
	c->timers &= (uint8_t)~TT_KEEP;
}

void
tcp_timers_app(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (delay_ms == 0) {
		c->timers &= (uint8_t)~TT_APP;
		return;
	}
	c->timers |= TT_APP;
	cold->app_at_ms = stack->env->now_ms + delay_ms;
	arm(stack, c, cold->app_at_ms);
}

static void
try_again(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t at_ms = stack->env->now_ms + delay_ms;

	if ((c->timers & TT_AGAIN) && seq32_leq(cold->again_at_ms, at_ms))
		return;
	c->timers |= TT_AGAIN;
	cold->again_at_ms = at_ms;
	arm(stack, c, at_ms);
}

void
tcp_timers_nobuf(struct tcp_stack *stack, struct tcp_conn *c)
{
	try_again(stack, c, TCP_NOBUF_RETRY_MS);
}

void
tcp_timers_paced(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	try_again(stack, c, delay_ms);
}

void
tcp_timers_pmtu(struct tcp_stack *stack, struct tcp_conn *c, uint32_t delay_ms)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	c->timers |= TT_PMTU;
	cold->pmtu_at_ms = stack->env->now_ms + delay_ms;
	arm(stack, c, cold->pmtu_at_ms);
}

void
tcp_timers_stop(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t id = tcp_slot(stack, c);

	c->timers = 0;
	if (wheel_is_armed(&stack->wheel, id))
		wheel_stop(&stack->wheel, id);
}

/* The protocol is done with the connection, its owner is not: only the owner's timer goes on. */
void
tcp_timers_keep_app(struct tcp_stack *stack, struct tcp_conn *c)
{
	bool app = (c->timers & TT_APP) != 0;

	tcp_timers_stop(stack, c);
	if (!app)
		return;
	c->timers = TT_APP;
	arm(stack, c, tcp_cold(stack, c)->app_at_ms);
}

void
tcp_timers_synq(struct tcp_stack *stack, uint32_t slot, uint32_t delay_ms)
{
	wheel_arm(&stack->wheel, synq_id(stack, slot), stack->env->now_ms + delay_ms);
}

void
tcp_timers_synq_stop(struct tcp_stack *stack, uint32_t slot)
{
	if (wheel_is_armed(&stack->wheel, synq_id(stack, slot)))
		wheel_stop(&stack->wheel, synq_id(stack, slot));
}

static bool
is_due(const struct tcp_stack *stack, const struct tcp_conn *c, uint8_t bit, uint32_t at_ms)
{
	return (c->timers & bit) && seq32_leq(at_ms, stack->env->now_ms);
}

/* Arm the node for the earliest deadline that is left. */
static void
rearm(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);

	if (c->timers & TT_REXMIT)
		arm(stack, c, c->rexmit_at_ms);
	if (c->timers & TT_DELACK)
		arm(stack, c, cold->delack_at_ms);
	if (c->timers & TT_KEEP)
		arm(stack, c, cold->keep_at_ms);
	if (c->timers & TT_APP)
		arm(stack, c, cold->app_at_ms);
	if (c->timers & TT_AGAIN)
		arm(stack, c, cold->again_at_ms);
	if (c->timers & TT_PMTU)
		arm(stack, c, cold->pmtu_at_ms);
}

/* One deadline, three meanings. */
static void
rexmit_fired(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint8_t what = c->timers;

	c->timers &= (uint8_t)~(TT_REXMIT | TT_PROBE | TT_REORDER);
	if (what & TT_REORDER)
		tcp_reorder_timer(stack, c);
	else if (what & TT_PROBE)
		tcp_probe_timer(stack, c);
	else
		tcp_rexmit_timer(stack, c);
}

/* The owner is slower than the delay: it is not a ping-pong, or the delay is too short. */
static void
missed_delay(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t most = min_u32(cold->rto_ms, stack->env->tun->tcp_delack_max);

	if (c->flags & TF_PINGPONG)
		cold->ato_ms = (uint16_t)stack->env->tun->tcp_delack_min;
	else
		cold->ato_ms = (uint16_t)min_u32(2u * cold->ato_ms, most);
	c->flags &= ~TF_PINGPONG;
}

static void
conn_fired(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold;

	tcp_wake(stack, c);
	cold = tcp_cold(stack, c);
	if (is_due(stack, c, TT_DELACK, cold->delack_at_ms)) {
		c->timers &= (uint8_t)~TT_DELACK;
		if (c->flags & (TF_ACK_DELAY | TF_ACK_NOW)) {
			stack->env->ctr->DelayedACKs++;
			c->flags |= TF_ACK_NOW;
			missed_delay(stack, c);
			tcp_want_output(stack, c);
		}
	}
	if (is_due(stack, c, TT_APP, cold->app_at_ms)) {
		c->timers &= (uint8_t)~TT_APP;
		tcp_raise(stack, c, TCP_EV_TIMEOUT);
	}
	if (is_due(stack, c, TT_AGAIN, cold->again_at_ms)) {
		c->timers &= (uint8_t)~TT_AGAIN;
		tcp_sendq_wake(stack, c);
		tcp_want_output(stack, c);
	}
	if (is_due(stack, c, TT_PMTU, cold->pmtu_at_ms)) {
		c->timers &= (uint8_t)~TT_PMTU;
		tcp_pmtu_expired(stack, c);
	}
	if (is_due(stack, c, TT_REXMIT, c->rexmit_at_ms))
		rexmit_fired(stack, c);
	if (c->state != TCPS_CLOSED && is_due(stack, c, TT_KEEP, cold->keep_at_ms)) {
		c->timers &= (uint8_t)~TT_KEEP;
		if (c->flags & TF_ORPHAN)
			tcp_close_timer(stack, c);
		else
			tcp_keep_timer(stack, c);
	}
	rearm(stack, c);
}

static void
fired(struct tcp_stack *stack, uint32_t id)
{
	stack->env->ctr->TimersFired++;
	/* What fired before it in the same batch may have ended it. */
	if (id >= stack->par.conns_max)
		tcp_synq_timer(stack, id - stack->par.conns_max);
	else
		conn_fired(stack, &stack->conns[id]);
}

/* They come from all over the memory, as a burst of segments does. */
static void
fire(struct tcp_stack *stack, const uint32_t *ids, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (ids[i] < stack->par.conns_max)
			tcp_prefetch_conn(stack, ids[i]);
		else
			prefetch0(&stack->synq[ids[i] - stack->par.conns_max]);
	for (unsigned int i = 0; i < n; i++) {
		if (i + COLD_AHEAD < n && ids[i + COLD_AHEAD] < stack->par.conns_max)
			tcp_prefetch_cold(stack, ids[i + COLD_AHEAD]);
		fired(stack, ids[i]);
	}
}

void
tcp_poll(struct tcp_stack *stack, struct env *env)
{
	uint32_t ids[FIRE_BATCH];
	unsigned int n = 0;

	stack->env = env;
	for (unsigned int i = 0; i < FIRE_BATCHES_PER_POLL && tcp_tx_has_room(stack); i++) {
		/* Each may send one segment and raise one event; a batch always finds room. */
		n = wheel_advance(&stack->wheel, env->now_ms, ids, FIRE_BATCH);
		fire(stack, ids, n);
		if (n < FIRE_BATCH)
			break;
	}
	env->ctr->TimersLate += n == FIRE_BATCH;
	tcp_timewait_poll(stack);
	tcp_mem_poll(stack);
	tcp_park_poll(stack);
	tcp_source_poll(stack);
	tcp_keep_poll(stack);
}

uint64_t
tcp_poll_at(const struct tcp_stack *stack)
{
	uint32_t wheel_ms;
	int32_t wait_ms;
	uint64_t at;

	if (stack->env == NULL)
		return 0;
	/* Output or events that wait are work for now. */
	if (stack->out_head != TCP_NONE || stack->ev_head != TCP_NONE ||
		stack->listener_events > 0 || tcp_source_is_counting(stack) ||
		stack->keep_sweep.edge != UINT32_MAX)
		return 0;
	at = tcp_timewait_poll_at(stack);
	/* The search for memory goes on. */
	if (stack->mem.over)
		at = min_u64(at, stack->env->now_us + 1000);
	if (!wheel_next(&stack->wheel, &wheel_ms))
		return at;
	wait_ms = seq32_diff(wheel_ms, stack->env->now_ms);
	if (wait_ms <= 0)
		return 0;
	return min_u64(at, (stack->env->now_us / 1000 + (uint32_t)wait_ms) * 1000);
}
