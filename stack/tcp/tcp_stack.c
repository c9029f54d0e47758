/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack's memory: slots, handles, the flow table, and the lists connections hang on. */
#include <stdlib.h>

#include "tcp/tcp_delivery.h"
#include "tcp/tcp_parts.h"

static int
check_params(const struct tcp_params *par)
{
	if (par->conns_max == 0 || par->conns_max >= TCP_REF_SYNQ || par->synq_max == 0 ||
		par->synq_max >= TCP_REF_SYNQ || par->timewait_max >= TCP_REF_SYNQ)
		return -EINVAL;
	if (par->workers == 0 || par->worker >= par->workers || par->local == NULL)
		return -EINVAL;
	if (par->mtu < 576 || par->ranges_max == 0)
		return -EINVAL;
	return 0;
}

static void
init_lists(struct tcp_stack *stack)
{
	const struct tcp_params *par = &stack->par;

	stack->conn_free = TCP_NONE;
	stack->cold_free = TCP_NONE;
	stack->synq_free = TCP_NONE;
	stack->ip6.free = TCP_NONE;
	stack->score_free = TCP_NONE;
	for (uint32_t i = 0; i < par->ranges_max; i++)
		stack->ranges[i].next = i + 1 < par->ranges_max ? &stack->ranges[i + 1] : NULL;
	for (uint32_t i = 0; i < 65536; i++)
		stack->port_listener[i] = TCP_LISTENERS_MAX;
	for (uint32_t i = 0; i < TCP_LISTENERS_MAX; i++)
		stack->listeners[i].gen = 1;
	stack->range_free = stack->ranges;
	stack->out_head = TCP_NONE;
	stack->out_link = &stack->out_head;
	stack->ev_head = TCP_NONE;
	stack->ev_link = &stack->ev_head;
}

static void
free_memory(struct tcp_stack *stack)
{
	const struct tcp_params *par = &stack->par;
	const struct mem_source *mem = &par->mem;

	flow_table_fini(&stack->flows);
	rate_table_fini(&stack->source.rates);
	count_sketch_fini(&stack->source.conns);
	wheel_fini(&stack->wheel);
	mem_give(mem, stack->conns, par->conns_max, sizeof(*stack->conns));
	mem_give(mem, stack->cold, par->conns_max, sizeof(*stack->cold));
	mem_give(mem, stack->park, par->conns_max, sizeof(*stack->park));
	mem_give(mem, stack->synq, par->synq_max, sizeof(*stack->synq));
	mem_give(mem, stack->tw, stack->tw_slots, sizeof(*stack->tw));
	mem_give(mem, stack->ip6.addrs, stack->ip6.size, sizeof(*stack->ip6.addrs));
	free(stack->notes);
	free(stack->extra);
	free(stack->delivery);
	free(stack->ranges);
	free(stack->scores);
	free(stack->listeners);
	free(stack->port_listener);
	free(stack->fastopen_peers);
	explicit_bzero(stack, sizeof(*stack));
	free(stack);
}

/* calloc, since a page that is never touched never becomes resident: limits may be generous. */
static bool
alloc_memory(struct tcp_stack *stack)
{
	const struct tcp_params *par = &stack->par;
	const struct mem_source *mem = &par->mem;

	stack->tw_slots = par->timewait_max + 1;
	stack->conns = mem_take(mem, par->conns_max, sizeof(*stack->conns));
	stack->cold = mem_take(mem, par->conns_max, sizeof(*stack->cold));
	stack->park = mem_take(mem, par->conns_max, sizeof(*stack->park));
	stack->synq = mem_take(mem, par->synq_max, sizeof(*stack->synq));
	stack->tw = mem_take(mem, stack->tw_slots, sizeof(*stack->tw));
	stack->ip6.size = par->synq_max + par->timewait_max;
	stack->ip6.addrs = mem_take(mem, stack->ip6.size, sizeof(*stack->ip6.addrs));
	stack->ranges = calloc(par->ranges_max, sizeof(*stack->ranges));
	stack->scores = calloc(par->conns_max, sizeof(*stack->scores));
	stack->extra = calloc(par->conns_max, sizeof(*stack->extra));
	stack->delivery = calloc(par->conns_max, sizeof(*stack->delivery));
	if (SLUICE_CONN_NOTES)
		stack->notes = calloc(par->conns_max, sizeof(*stack->notes));
	stack->listeners = calloc(TCP_LISTENERS_MAX, sizeof(*stack->listeners));
	stack->port_listener = calloc(65536, sizeof(*stack->port_listener));
	stack->fastopen_peers = calloc(TCP_FASTOPEN_PEERS, sizeof(*stack->fastopen_peers));
	return stack->conns != NULL && stack->cold != NULL && stack->park != NULL &&
		stack->synq != NULL && stack->tw != NULL && stack->ip6.addrs != NULL &&
		stack->ranges != NULL &&
		stack->scores != NULL && stack->listeners != NULL && stack->port_listener != NULL &&
		stack->fastopen_peers != NULL && stack->extra != NULL && stack->delivery != NULL &&
		(!SLUICE_CONN_NOTES || stack->notes != NULL);
}

int
tcp_stack_create(const struct tcp_params *par, uint64_t now_us, struct tcp_stack **out)
{
	struct tcp_stack *stack;
	int err = check_params(par);

	if (err != 0)
		return err;
	stack = calloc(1, sizeof(*stack));
	if (stack == NULL)
		return -ENOMEM;
	stack->par = *par;
	if (!alloc_memory(stack))
		goto no_memory;
	if (flow_table_init(&stack->flows, par->conns_max + par->synq_max + par->timewait_max,
		    &par->mem) != 0)
		goto no_memory;
	if (wheel_init(&stack->wheel, par->conns_max + par->synq_max, (uint32_t)(now_us / 1000),
		    &par->mem) != 0)
		goto no_memory;
	if (rate_table_init(&stack->source.rates, TCP_RATE_SETS) != 0 ||
		count_sketch_init(&stack->source.conns, par->conns_max + par->synq_max) != 0)
		goto no_memory;
	init_lists(stack);
	stack->cookies.key[0] = par->cookie_key[0];
	stack->cookies.key[1] = par->cookie_key[1];
	stack->cookies.rotate_at_us = par->cookie_keys_stay ? UINT64_MAX : now_us;
	stack->rst_refill_us = now_us - 1000000;
	stack->park_ms = (uint32_t)(now_us / 1000);
	stack->fast_state = TCPS_ESTABLISHED;
	stack->keep_sweep.edge = UINT32_MAX;
	stack->mem.high = UINT64_MAX;
	stack->mem.bar_ms = UINT32_MAX;
	*out = stack;
	return 0;

no_memory:
	free_memory(stack);
	return -ENOMEM;
}

void
tcp_stack_destroy(struct tcp_stack *stack, struct env *env)
{
	stack->env = env;
	for (uint32_t i = 0; i < stack->conn_fresh; i++) {
		struct tcp_conn *c = &stack->conns[i];

		tcp_wake(stack, c);
		if (c->state != TCPS_CLOSED)
			tcp_conn_end(stack, c, -ECONNABORTED);
		if (c->key.w[2] != 0)
			tcp_conn_free(stack, c);
	}
	free_memory(stack);
}

uint64_t
tcp_flow_hash(const struct tcp_stack *stack, const struct flow_key *key)
{
	return siphash24_3w(&stack->par.flow_key, key->w);
}

bool
tcp_brief_ref_has_key(const struct tcp_stack *stack, uint32_t ref, const struct flow_key *key)
{
	uint32_t slot = ref & ~TCP_REF_TYPE;

	switch (ref & TCP_REF_TYPE) {
	case TCP_REF_SYNQ:
		return tcp_brief_is(stack, &stack->synq[slot].who, key);
	case TCP_REF_TW:
		return stack->tw[slot].live && tcp_brief_is(stack, &stack->tw[slot].who, key);
	default:
		return false;
	}
}

uint32_t
tcp_flow_find(const struct tcp_stack *stack, const struct flow_key *key, uint64_t hash)
{
	struct flow_iter it;
	uint32_t ref = flow_table_first(&stack->flows, hash, &it);

	while (ref != FLOW_REF_NONE && !tcp_ref_has_key(stack, ref, key))
		ref = flow_table_next(&stack->flows, &it);
	return ref;
}

/* Slots given back are used first; they are warm. */
static void
take_slot(struct tcp_stack *stack)
{
	if (stack->conn_free != TCP_NONE)
		stack->conn_free = stack->park[stack->conn_free].next;
	else
		stack->park[stack->conn_fresh++].gen = 1;
}

enum outcome
tcp_conn_refused(struct tcp_stack *stack)
{
	if (stack->mem.over) {
		stack->env->ctr->ConnMemRefused++;
		return OUT_MEM_LIMIT;
	}
	stack->env->ctr->ConnAllocFails++;
	return OUT_TABLE_FULL;
}

struct tcp_conn *
tcp_conn_new(struct tcp_stack *stack, const struct flow_key *key, uint64_t hash)
{
	uint32_t slot = stack->conn_free != TCP_NONE ? stack->conn_free : stack->conn_fresh;
	struct tcp_conn *c;
	struct tcp_cold *cold;

	if (!tcp_conn_available(stack) ||
		flow_table_insert(&stack->flows, hash, TCP_REF_CONN | slot) != 0) {
		tcp_conn_refused(stack);
		return NULL;
	}
	c = &stack->conns[slot];
	/* A slot that was used before may still have its tcp_cold. */
	cold = slot == stack->conn_fresh || c->cold == TCP_NONE ? tcp_cold_take(stack, c) :
								  tcp_cold(stack, c);
	take_slot(stack);
	stack->flows_added++;
	stack->conns_used++;
	stack->env->ctr->ConnsInUse++;
	/* A slot can still be on a list from its last life; the lists skip what needs nothing. */
	*c = (struct tcp_conn){
		.key = *key,
		.flags = c->flags & (TF_OUTPUT | TF_EVENT),
		.cold = c->cold,
		.quickacks = TCP_QUICKACKS,
	};
	*cold = (struct tcp_cold){
		.owner = slot,
		.gen = stack->park[slot].gen,
		.ts_off = (uint32_t)(hash >> 32),
		.flow_hash = (uint32_t)hash,
		.ev_next = cold->ev_next,
		.out_next = cold->out_next,
		.next = TCP_NONE,
		.listener = TCP_LISTENERS_MAX,
		.linger_s = -1,
		.cc = (uint8_t)stack->env->tun->tcp_congestion_control,
		.rcv_mss = TCP_RCV_MSS_INIT,
		.rto_ms = TCP_RTO_INIT_MS,
		.reo_mult = 1,
		.last_rx_ms = stack->env->now_ms,
		.last_sent_ms = stack->env->now_ms,
		.last_data_ms = stack->env->now_ms - TCP_NO_DATA_MS,
		.moved_ticks = (uint16_t)(stack->env->now_ms >> TCP_MOVED_SHIFT),
		.rcvbuf = stack->env->tun->tcp_rmem[1],
		.sndbuf = stack->env->tun->tcp_wmem[1],
		.user_timeout_ms = stack->env->tun->tcp_user_timeout,
		.ssthresh = TCP_SSTHRESH_INFINITE,
		.dupack_sent_ms = stack->env->now_ms - stack->env->tun->tcp_invalid_ratelimit,
	};
	if (tcp_notes(stack, c) != NULL)
		*tcp_notes(stack, c) = (struct tcp_notes){ 0 };
	return c;
}

void
tcp_conn_free(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_park *park = &stack->park[tcp_slot(stack, c)];

	ASSERT(c->state == TCPS_CLOSED);
	tcp_extra_clear(stack, c);
	tcp_timers_stop(stack, c);
	tcp_recvq_free(stack, c);
	c->key = (struct flow_key){ 0 };
	c->ev = 0;
	park->gen = park->gen == UINT32_MAX ? 1 : park->gen + 1;
	tcp_cold(stack, c)->gen = park->gen;
	park->next = stack->conn_free;
	stack->conn_free = tcp_slot(stack, c);
	stack->conns_used--;
	stack->env->ctr->ConnsInUse--;
}

void
tcp_conn_end(struct tcp_stack *stack, struct tcp_conn *c, int err)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	flow_table_remove(&stack->flows, cold->flow_hash, TCP_REF_CONN | tcp_slot(stack, c));
	tcp_timers_keep_app(stack, c);
	tcp_source_conn_ended(stack, c);
	tcp_score_free(stack, c);
	tcp_sendq_free(stack, c);
	tcp_reass_free(stack, c);
	if (c->flags & TF_ORPHAN) {
		stack->orphans--;
		stack->env->ctr->Orphans--;
	}
	if (c->state == TCPS_SYN_SENT || c->state == TCPS_SYN_RECEIVED)
		stack->env->ctr->AttemptFails++;
	if (c->state == TCPS_SYN_RECEIVED && tcp_is_fastopen_child(c))
		tcp_fastopen_settled(stack, c);
	tcp_set_state(stack, c, TCPS_CLOSED);
	cold->err = (int16_t)err;
	/* Nobody knows of a connection that still waits to be accepted. */
	if (!(c->flags & TF_ACCEPTED)) {
		tcp_acceptq_remove(stack, c);
		tcp_conn_free(stack, c);
		return;
	}
	/* An orderly end leaves the owner time to read and close; the slot stays until then. */
	if (err == 0 && !(c->flags & TF_ORPHAN))
		tcp_raise(stack, c, TCP_EV_READABLE);
	else
		tcp_raise(stack, c, TCP_EV_CLOSED);
}

struct tcp_conn *
tcp_conn_get_parked(struct tcp_stack *stack, tcp_handle handle)
{
	uint32_t slot = (uint32_t)handle;
	struct tcp_conn *c;

	if (slot >= stack->conn_fresh)
		return NULL;
	c = &stack->conns[slot];
	/* Who is awake was not found by this handle. */
	if (c->key.w[2] == 0 || c->cold != TCP_NONE || stack->park[slot].gen != handle >> 32)
		return NULL;
	tcp_wake(stack, c);
	return c;
}

tcp_handle
tcp_conn_handle(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return (uint64_t)tcp_cold(stack, c)->gen << 32 | tcp_slot(stack, c);
}

void
tcp_list_event(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_cold *cold)
{
	c->flags |= TF_EVENT;
	cold->ev_next = TCP_NONE;
	*stack->ev_link = tcp_slot(stack, c);
	stack->ev_link = &cold->ev_next;
}

void
tcp_raise(struct tcp_stack *stack, struct tcp_conn *c, uint8_t what)
{
	/* Who closed hears only of the end. */
	c->ev |= c->flags & TF_ORPHAN ? what & TCP_EV_CLOSED : what;
	if (c->ev == 0)
		return;
	if ((c->flags & (TF_EVENT | TF_ACCEPTED)) == TF_ACCEPTED)
		tcp_list_event(stack, c, tcp_cold(stack, c));
}

void
tcp_list_output(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	c->flags |= TF_OUTPUT;
	cold->out_next = TCP_NONE;
	*stack->out_link = tcp_slot(stack, c);
	stack->out_link = &cold->out_next;
}

/* The next listener with a waiting connection; each gets its turn. */
static bool
next_listener_event(struct tcp_stack *stack, struct tcp_event *ev)
{
	while (stack->listener_events > 0) {
		uint32_t i = stack->listener_scan;
		struct tcp_listener *l = &stack->listeners[i];

		stack->listener_scan = (i + 1) % TCP_LISTENERS_MAX;
		if (!l->ev)
			continue;
		l->ev = false;
		stack->listener_events--;
		*ev = (struct tcp_event){
			.handle = (uint64_t)l->gen << 32 | i,
			.data = l->data,
			.ops = l->ops,
			.what = TCP_EV_ACCEPTABLE,
		};
		return true;
	}
	return false;
}

/*
 * The next thing c has to say; CLOSED comes last and ends the handle. One at a time: the callback
 * for it may give the connection another owner or close it, which the next event must know.
 */
static void
take_event(struct tcp_stack *stack, uint32_t slot, const struct tcp_cold *cold,
	struct tcp_event *ev)
{
	struct tcp_conn *c = &stack->conns[slot];
	uint8_t what = (uint8_t)(c->ev & -c->ev);

	*ev = (struct tcp_event){
		.handle = (uint64_t)cold->gen << 32 | slot,
		.data = cold->data,
		.ops = cold->ops,
		.what = what,
		.err = c->state == TCPS_CLOSED ? cold->err : 0,
	};
	if (what == TCP_EV_CLOSED) {
		tcp_conn_free(stack, c);
		return;
	}
	if (what == TCP_EV_CONNECTED && (c->flags & TF_CONNECTED))
		ev->err = 0;
	c->ev ^= what;
	if (c->ev != 0)
		tcp_raise(stack, c, c->ev);
}

bool
tcp_next_event(struct tcp_stack *stack, struct tcp_event *ev)
{
	while (stack->ev_head != TCP_NONE) {
		uint32_t slot = stack->ev_head;
		struct tcp_conn *c = &stack->conns[slot];
		const struct tcp_cold *cold = tcp_cold(stack, c);

		stack->ev_head = cold->ev_next;
		if (stack->ev_head == TCP_NONE)
			stack->ev_link = &stack->ev_head;
		c->flags &= ~TF_EVENT;
		/* Most often there is data and nothing else. */
		if (c->ev == TCP_EV_READABLE) {
			c->ev = 0;
			*ev = (struct tcp_event){
				.handle = (uint64_t)cold->gen << 32 | slot,
				.data = cold->data,
				.ops = cold->ops,
				.what = TCP_EV_READABLE,
			};
			return true;
		}
		if (c->ev != 0) {
			take_event(stack, slot, cold, ev);
			return true;
		}
	}
	return next_listener_event(stack, ev);
}

void
tcp_flush(struct tcp_stack *stack, struct env *env)
{
	const uint32_t *last = stack->out_link;

	stack->env = env;
	/* Only what is listed now: a connection that cannot finish goes to the end again. */
	while (stack->out_head != TCP_NONE && tcp_tx_has_room(stack)) {
		struct tcp_conn *c = &stack->conns[stack->out_head];
		const struct tcp_cold *cold = tcp_cold(stack, c);

		stack->out_head = cold->out_next;
		if (stack->out_head == TCP_NONE)
			stack->out_link = &stack->out_head;
		c->flags &= ~TF_OUTPUT;
		if (c->state != TCPS_CLOSED)
			tcp_output(stack, c);
		if (&cold->out_next == last)
			break;
	}
}

uint32_t
tcp_conn_count(const struct tcp_stack *stack)
{
	return stack->conns_used + stack->synq_used;
}
