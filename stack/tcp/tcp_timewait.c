/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT: 28 bytes in a ring, in the order they expire (RFC 9293 s3.6.1, RFC 6191, RFC 1337). */
#include "tcp/tcp_parts.h"

/*
 * Every entry waits equally long, so the ring is a queue by time and needs neither timer nor link.
 * An entry that is taken over or restarted leaves a hole that is skipped when its turn comes.
 */
/* A restarted entry leaves a hole: not for less than this part of TIME-WAIT, or a peer that repeats
 * its FIN all the time would fill the ring with them and nobody else got a place. */
#define RESTART_PART 16u
/* Entries moved to find a place for one: 15 in 16 of a full ring may be live. */
#define MOVES_MAX 16u

static uint32_t
since(const struct tcp_stack *stack, const struct tcp_tw *tw)
{
	return (stack->env->now_ms - tw->since_ms) & TCP_TW_SINCE_MASK;
}

static uint32_t
next_slot(const struct tcp_stack *stack, uint32_t slot)
{
	return slot + 1 == stack->tw_slots ? 0 : slot + 1;
}

static bool
ring_full(const struct tcp_stack *stack)
{
	return next_slot(stack, stack->tw_tail) == stack->tw_head;
}

static uint64_t
hash_of(const struct tcp_stack *stack, const struct tcp_tw *tw)
{
	struct flow_key key = tcp_brief_key(stack, &tw->who);

	return tcp_flow_hash(stack, &key);
}

void
tcp_timewait_kill(struct tcp_stack *stack, uint32_t slot)
{
	struct tcp_tw *tw = &stack->tw[slot];

	flow_table_remove(&stack->flows, hash_of(stack, tw), TCP_REF_TW | slot);
	tcp_brief_give(stack, &tw->who);
	tw->live = 0;
	stack->tw_live--;
	stack->env->ctr->TimeWaits--;
	stack->env->ctr->state_count[TCPS_TIME_WAIT]--;
}

/* The place behind the youngest; the caller has checked that there is one. */
static uint32_t
push(struct tcp_stack *stack, const struct tcp_tw *tw)
{
	uint32_t slot = stack->tw_tail;

	stack->tw[slot] = *tw;
	stack->tw[slot].since_ms = stack->env->now_ms & TCP_TW_SINCE_MASK;
	stack->tw[slot].acked = 0;
	stack->tw[slot].live = 1;
	stack->tw_tail = next_slot(stack, slot);
	stack->flows_added++;
	stack->tw_live++;
	stack->env->ctr->TimeWaits++;
	stack->env->ctr->state_count[TCPS_TIME_WAIT]++;
	return slot;
}

/*
 * A place in a full ring, where holes are. A client that comes back with the same ports leaves one
 * each time, and an old entry before them keeps them: it moves behind the youngest. There it may
 * end late, by no more than the time the ring takes to go round.
 */
static bool
make_room(struct tcp_stack *stack)
{
	uint32_t len_ms = 1000 * stack->env->tun->tcp_timewait_len;

	for (unsigned int budget = MOVES_MAX; ring_full(stack); budget--) {
		uint32_t from = stack->tw_head, to = stack->tw_tail;
		struct tcp_tw *tw = &stack->tw[from];

		if (tw->live && since(stack, tw) >= len_ms) {
			stack->env->ctr->TW++;
			tcp_timewait_kill(stack, from);
		}
		stack->tw_head = next_slot(stack, from);
		if (!tw->live)
			break;
		stack->tw_tail = next_slot(stack, to);
		stack->tw[to] = *tw;
		tw->live = 0;
		flow_table_replace(
			&stack->flows, hash_of(stack, tw), TCP_REF_TW | from, TCP_REF_TW | to);
		if (budget == 0)
			return false;
	}
	return true;
}

/* The connection is over for its owner; only these 28 bytes answer the peer from now on. */
void
tcp_timewait_enter(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_tw tw = {
		.snd_nxt = c->write_seq + 1,
		.rcv_nxt = c->rcv_nxt,
		.ts_recent = c->ts_recent,
		.has_ts = (c->flags & TF_TS) != 0,
	};
	uint32_t cap = tcp_share(stack, stack->env->tun->tcp_max_tw_buckets);
	struct flow_key key = c->key;
	uint32_t hash = tcp_cold(stack, c)->flow_hash;
	uint32_t slot;

	/* An ACK it owes goes now: the connection is no more when the lists are flushed. */
	if (c->flags & (TF_ACK_NOW | TF_ACK_DELAY))
		tcp_send_empty(stack, c, c->snd_nxt, TCP_ACK);
	tcp_conn_end(stack, c, 0);
	if (stack->tw_live >= cap || !make_room(stack)) {
		stack->env->ctr->TCPTimeWaitOverflow++;
		return;
	}
	tcp_brief_take(stack, &key, &tw.who);
	slot = push(stack, &tw);
	if (flow_table_insert(&stack->flows, hash, TCP_REF_TW | slot) != 0) {
		tcp_brief_give(stack, &stack->tw[slot].who);
		stack->tw[slot].live = 0;
		stack->tw_live--;
		stack->env->ctr->TimeWaits--;
		stack->env->ctr->state_count[TCPS_TIME_WAIT]--;
		stack->env->ctr->TCPTimeWaitOverflow++;
	}
}

/* RFC 9293 s3.6.1: 2 MSL start again. */
static void
restart(struct tcp_stack *stack, uint32_t slot)
{
	struct tcp_tw tw = stack->tw[slot];
	uint64_t hash = hash_of(stack, &tw);
	uint32_t len_ms = 1000 * stack->env->tun->tcp_timewait_len;

	if (ring_full(stack) || since(stack, &tw) < len_ms / RESTART_PART)
		return;
	stack->tw[slot].live = 0;
	stack->tw_live--;
	stack->env->ctr->TimeWaits--;
	stack->env->ctr->state_count[TCPS_TIME_WAIT]--;
	flow_table_replace(&stack->flows, hash, TCP_REF_TW | slot, TCP_REF_TW | push(stack, &tw));
}

/* RFC 6191 s2: a SYN that can only belong to a new incarnation. */
static bool
is_new_incarnation(const struct tcp_tw *tw, const struct tcp_seg *seg)
{
	if (tw->has_ts && (seg->opts.present & TCP_OPT_TS))
		return seq32_gt(seg->opts.tsval, tw->ts_recent) ||
			(seg->opts.tsval == tw->ts_recent && seq32_gt(seg->seq, tw->rcv_nxt));
	return seq32_gt(seg->seq, tw->rcv_nxt);
}

/* RFC 7323 s4.3: what an answer echoes; of nobody who only guesses (attack A-25). */
static void
note_time(struct tcp_tw *tw, const struct tcp_seg *seg)
{
	if (tw->has_ts && (seg->opts.present & TCP_OPT_TS) && (seg->flags & TCP_ACK) &&
		seg->ack == tw->snd_nxt)
		tw->ts_recent = seg->opts.tsval;
}

static bool
is_stale(const struct tcp_tw *tw, const struct tcp_seg *seg)
{
	return tw->has_ts && (seg->opts.present & TCP_OPT_TS) &&
		seq32_lt(seg->opts.tsval, tw->ts_recent);
}

/*
 * An ACK without data could be an answer to ours and come back for ever (attack A-37): one answer
 * in each interval of tcp_invalid_ratelimit, counted from when TIME-WAIT began, for which 8 bits
 * are enough. Data and FINs are repeated by a peer until they are answered.
 */
static bool
is_rationed(const struct tcp_stack *stack, struct tcp_tw *tw, const struct tcp_seg *seg)
{
	uint32_t limit_ms = stack->env->tun->tcp_invalid_ratelimit;
	uint8_t interval;

	if (limit_ms == 0 || seg->len > 0 || (seg->flags & TCP_FIN))
		return false;
	interval = (uint8_t)(1 + since(stack, tw) / limit_ms);
	if (tw->acked == interval)
		return true;
	tw->acked = interval;
	return false;
}

static void
ack_again(struct tcp_stack *stack, struct tcp_tw *tw, const struct tcp_seg *seg, struct pkt *pkt,
	enum outcome out)
{
	/* Behind the peer's FIN there is nothing to offer room for. */
	const struct tcp_bare_ack answer = {
		.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.has_ts = tw->has_ts,
		.ts_recent = tw->ts_recent,
	};

	if (is_rationed(stack, tw, seg)) {
		stack->env->ctr->TCPACKSkippedTimeWait++;
		tcp_drop(stack, pkt, out);
		return;
	}
	tcp_outcome(stack, out);
	tcp_respond_ack(stack, seg, pkt, &answer);
}

bool
tcp_timewait_input(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg,
	struct pkt *pkt)
{
	struct tcp_tw *tw = &stack->tw[slot];

	if (is_stale(tw, seg) && !(seg->flags & TCP_RST)) {
		stack->env->ctr->PAWSEstab++;
		ack_again(stack, tw, seg, pkt, OUT_PAWS);
		return false;
	}
	if (seg->flags & TCP_RST) {
		/* RFC 1337: an old RST must not end TIME-WAIT. */
		if (stack->env->tun->tcp_rfc1337 || seg->seq != tw->rcv_nxt) {
			stack->env->ctr->TCPRfc1337Ignored++;
		} else {
			stack->env->ctr->TWKilled++;
			tcp_timewait_kill(stack, slot);
		}
		tcp_drop(stack, pkt, OUT_TW_RST);
		return false;
	}
	/* With FIN, or without a listener, nobody takes it: TIME-WAIT would end for nothing. */
	if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN &&
		is_new_incarnation(tw, seg) && tcp_listener_find(stack, &seg->key) != NULL) {
		stack->env->ctr->TWRecycled++;
		tcp_timewait_kill(stack, slot);
		return true;
	}
	/* The peer's FIN again: our ACK was lost. What is not plainly old gets one too. */
	if (tcp_seg_len(seg) == 0 && seg->seq == tw->rcv_nxt) {
		note_time(tw, seg);
		tcp_drop(stack, pkt, OUT_TW_ACK);
		return false;
	}
	if ((seg->flags & TCP_FIN) && seg->seq + tcp_seg_len(seg) == tw->rcv_nxt) {
		struct tcp_tw copy = *tw;

		restart(stack, slot);
		ack_again(stack, &copy, seg, pkt, OUT_TW_ACK);
		return false;
	}
	ack_again(stack, tw, seg, pkt, OUT_TW_OLD);
	return false;
}

/* Entries expire from the head; holes go with them. */
void
tcp_timewait_poll(struct tcp_stack *stack)
{
	uint32_t len_ms = 1000 * stack->env->tun->tcp_timewait_len;
	unsigned int budget = 256;

	while (stack->tw_head != stack->tw_tail && budget-- > 0) {
		struct tcp_tw *tw = &stack->tw[stack->tw_head];

		if (tw->live) {
			if (since(stack, tw) < len_ms)
				return;
			stack->env->ctr->TW++;
			tcp_timewait_kill(stack, stack->tw_head);
		}
		stack->tw_head = next_slot(stack, stack->tw_head);
	}
}

uint64_t
tcp_timewait_poll_at(const struct tcp_stack *stack)
{
	const struct tcp_tw *tw = &stack->tw[stack->tw_head];
	uint32_t len_ms = 1000 * stack->env->tun->tcp_timewait_len;

	if (stack->tw_head == stack->tw_tail)
		return UINT64_MAX;
	if (!tw->live || since(stack, tw) >= len_ms)
		return 0;
	return (stack->env->now_us / 1000 + len_ms - since(stack, tw)) * 1000;
}

/* RFC 6191, from our side: an active open may take over when its timestamps must be larger. */
bool
tcp_timewait_may_reuse(const struct tcp_stack *stack, uint32_t slot)
{
	const struct tcp_tw *tw = &stack->tw[slot];
	uint32_t mode = stack->env->tun->tcp_tw_reuse;
	struct flow_key key = tcp_brief_key(stack, &tw->who);

	if (mode == 0 || (mode == 2 && !ip_addr_is_loopback(&key.raddr)))
		return false;
	return tw->has_ts && since(stack, tw) > 1000;
}
