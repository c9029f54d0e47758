/* SPDX-License-Identifier: BSD-3-Clause */
/* When frames come faster than they can be answered: SYNs get a budget, repeated ones go first. */
#include "tcp/tcp_parts.h"

/*
 * Threat model. A flood of SYNs from forged addresses, more than the worker can answer, even with
 * cookies. What then finds no place in the port's ring is lost there, and the ring does not
 * ask whose it is: at twice of what can be answered, every other segment of every connection.
 *
 * To drop a SYN costs a fraction of answering it. So if the port was never empty for
 * tcp_overload_delay, a budget of answers for each millisecond is cut until it is empty again now
 * and then, and grows slowly while it is. What is not a SYN is never refused here.
 *
 * A budget alone would keep clients out in the same measure as the flood. But a client sends its
 * SYN again, a second later or more, and a forged one is not heard of again. So flows are
 * remembered for one to two seconds (recent_set.h), and who was refused then has a budget of his
 * own, as large as that of all the others: he is answered at his second try. A flood that repeats
 * each SYN after a second gets that budget too, and all it gains is the other half of the answers.
 */
#define INTERVAL_US 1000u
#define PERIOD_US 1000000u
/* Answers in an interval that are always given: 8000 a second. */
#define BUDGET_LEAST 8u
/* More than any worker answers in an interval. */
#define BUDGET_MOST (1u << 20)
/* The budget shrinks by one part in 8, and grows by one in 32. */
#define SHRINK 8u
#define GROW 32u
/* Intervals without a refused SYN after which it is over. */
#define CALM_INTERVALS 1000u

_Static_assert(GROW > SHRINK, "what is too much is taken back sooner than tried again");

uint32_t
tcp_overload_pairs(const struct tcp_params *par)
{
	uint32_t pairs = TCP_RECENT_LEAST;

	while (pairs < 4 * (uint64_t)par->synq_max && pairs < TCP_RECENT_MOST)
		pairs *= 2;
	return pairs;
}

static void
set_guards(struct tcp_stack *stack, bool on)
{
	for (uint32_t i = 0; i < TCP_LISTENERS_MAX; i++) {
		struct tcp_listener *l = &stack->listeners[i];

		l->guards = (uint8_t)((l->guards & ~TCP_GUARD_OVERLOAD) |
			(on ? TCP_GUARD_OVERLOAD : 0));
	}
	stack->overload.is_on = on;
}

static void
begin_interval(struct tcp_overload *o, uint64_t now_us)
{
	o->edge_us = now_us + INTERVAL_US;
	o->period = (uint32_t)(now_us / PERIOD_US);
	o->first = o->again = 0;
	o->is_empty = o->has_refused = false;
}

static void
start(struct tcp_stack *stack)
{
	struct tcp_overload *o = &stack->overload;

	set_guards(stack, true);
	o->budget = BUDGET_MOST;
	o->calm = 0;
	begin_interval(o, stack->env->now_us);
	stack->env->ctr->SynOverloads++;
}

/* What was answered in the first interval, which may have been longer, is where it begins. */
static uint32_t
first_budget(const struct tcp_overload *o, uint64_t now_us)
{
	uint64_t took_us = now_us - o->edge_us + INTERVAL_US;

	return (uint32_t)((uint64_t)(o->first + o->again) * INTERVAL_US / took_us);
}

static void
end_interval(struct tcp_stack *stack)
{
	struct tcp_overload *o = &stack->overload;

	if (!o->is_empty) {
		if (o->budget == BUDGET_MOST)
			o->budget = first_budget(o, stack->env->now_us);
		o->budget = max_u32(o->budget - o->budget / SHRINK, BUDGET_LEAST);
	} else if (o->has_refused) {
		o->budget = min_u32(o->budget + o->budget / GROW + 1, BUDGET_MOST - 1);
	}
	o->calm = o->is_empty && !o->has_refused ? o->calm + 1 : 0;
	if (o->calm >= CALM_INTERVALS || stack->env->tun->tcp_overload_delay == 0)
		set_guards(stack, false);
	begin_interval(o, stack->env->now_us);
}

void
tcp_overload_note(struct tcp_stack *stack, struct env *env, bool has_more)
{
	struct tcp_overload *o = &stack->overload;
	uint64_t now_us = env->now_us;

	stack->env = env;
	if (!has_more) {
		o->empty_us = now_us;
		o->is_empty = true;
	}
	if (o->is_on) {
		if (now_us >= o->edge_us)
			end_interval(stack);
	} else if (has_more && env->tun->tcp_overload_delay != 0 &&
		now_us - o->empty_us >= (uint64_t)env->tun->tcp_overload_delay * 1000) {
		start(stack);
	}
}

bool
tcp_overload_admits_syn(struct tcp_stack *stack, struct tcp_listener *l, uint64_t hash)
{
	struct tcp_overload *o = &stack->overload;
	bool is_again = recent_set_add(&o->seen, hash, o->period) == RECENT_BEFORE;
	uint32_t *answered = is_again ? &o->again : &o->first;

	ASSERT(o->is_on);
	if (*answered < o->budget) {
		(*answered)++;
		return true;
	}
	o->has_refused = true;
	l->syn_drops_overload++;
	stack->env->ctr->ListenDrops++;
	return false;
}
