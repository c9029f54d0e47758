/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners (RFC 9293 s3.10.7.2): where they are found, their limits, and what a SYN gets. */
#include "tcp/tcp_parts.h"

#define TCP_DEFER_STEP_MAX_S 120u /* a SYN-ACK waits no longer for its answer */

struct tcp_listener *
tcp_listener_find(const struct tcp_stack *stack, const struct flow_key *key)
{
	uint16_t slot = stack->port_listener[key->lport];
	struct tcp_listener *any = NULL;

	for (; slot != TCP_LISTENERS_MAX; slot = stack->listeners[slot].next) {
		struct tcp_listener *l = &stack->listeners[slot];

		if (l->laddr_idx == key->laddr_idx)
			return l;
		if (l->laddr_idx < 0)
			any = l;
	}
	return any;
}

/* min(backlog, somaxconn), for all workers together. */
static uint32_t
whole_backlog(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	uint32_t somaxconn = stack->env->tun->somaxconn;

	return l->backlog == 0 ? somaxconn : min_u32(l->backlog, somaxconn);
}

/* This worker's share; a share of none still lets one in (tcp_acceptq_full, synq_full), or a small
 * backlog would shut some workers out. */
uint32_t
tcp_listener_backlog(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return tcp_share(stack, whole_backlog(stack, l));
}

/* The formula operators know: twice the smaller of the two limits. */
uint32_t
tcp_listener_synq_limit(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	uint32_t backlog = whole_backlog(stack, l);
	uint32_t syn_backlog = stack->env->tun->tcp_max_syn_backlog;

	return tcp_share(stack, 2 * min_u32(syn_backlog, backlog));
}

int
tcp_listener_cookie_mode(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return l->syncookies >= 0 ? l->syncookies : (int)stack->env->tun->tcp_syncookies;
}

static enum tcp_syn_verdict
refuse(struct tcp_stack *stack, enum outcome *why, enum outcome out)
{
	stack->env->ctr->ListenDrops++;
	*why = out;
	return TCP_SYN_DROP;
}

/* Queue full, or no entry left in the worker's pool, which serves all listeners. */
static bool
synq_full(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return l->synq >= max_u32(tcp_listener_synq_limit(stack, l), 1) ||
		!tcp_synq_available(stack);
}

/* Cookies off: the last quarter of tcp_max_syn_backlog is kept free. */
static bool
last_quarter(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	uint32_t max = tcp_share(stack, stack->env->tun->tcp_max_syn_backlog);

	return l->synq >= max || max - l->synq < max / 4;
}

enum tcp_syn_verdict
tcp_listen_judge(struct tcp_stack *stack, struct tcp_listener *l, enum outcome *why)
{
	int mode = tcp_listener_cookie_mode(stack, l);
	bool full;

	if (l->synq_young > 1 && tcp_acceptq_full(stack, l)) {
		l->acceptq_overflows++;
		l->syn_drops_accept++;
		stack->env->ctr->ListenOverflows++;
		return refuse(stack, why, OUT_SYN_ACCEPT_FULL);
	}
	if (mode == 2)
		return TCP_SYN_COOKIE;
	full = synq_full(stack, l);
	if (!full && (mode != 0 || !last_quarter(stack, l)))
		return TCP_SYN_QUEUE;
	l->synq_overflows++;
	if (!full) {
		l->syn_drops_early++;
		return refuse(stack, why, OUT_SYN_EARLY_DROP);
	}
	if (mode == 0) {
		l->syn_drops_full++;
		stack->env->ctr->TCPReqQFullDrop++;
		return refuse(stack, why, OUT_SYN_QUEUE_FULL);
	}
	stack->env->ctr->TCPReqQFullDoCookies++;
	return TCP_SYN_COOKIE;
}

static uint32_t
free_listener_slot(const struct tcp_stack *stack)
{
	uint32_t i;

	for (i = 0; i < TCP_LISTENERS_MAX && stack->listeners[i].open; i++)
		;
	return i;
}

static bool
address_taken(const struct tcp_stack *stack, uint16_t port, int laddr_idx)
{
	uint16_t slot = stack->port_listener[port];

	for (; slot != TCP_LISTENERS_MAX; slot = stack->listeners[slot].next)
		if (stack->listeners[slot].laddr_idx == laddr_idx)
			return true;
	return false;
}

/*
 * How many SYN-ACKs the seconds are, which is how Linux measures them. Of an embryo that has passed
 * more only the limits of tcp_synack_retries are left.
 */
static uint8_t
tries_of(uint32_t seconds)
{
	uint32_t wait_s = 1, sum_s = 1;
	uint8_t tries = seconds > 0;

	while (sum_s < seconds && tries < TCP_SYNQ_TRIES_MAX) {
		wait_s = min_u32(2 * wait_s, TCP_DEFER_STEP_MAX_S);
		sum_s += wait_s;
		tries++;
	}
	return tries;
}

static bool
is_valid(const struct tcp_stack *stack, const struct tcp_listen_params *par)
{
	return par->laddr_idx < (int)stack->par.local->count && par->syncookies <= 2 &&
		par->cc <= TUN_CC_COUNT && par->blackhole >= -1 && par->blackhole <= 1;
}

/* All that may change while it listens. */
static void
take_params(struct tcp_listener *l, const struct tcp_listen_params *par)
{
	l->nodelay = par->nodelay;
	l->fastopen = par->fastopen;
	l->fastopen_key = par->fastopen_key != NULL ? *par->fastopen_key :
						      (struct tun_secret){ 0 };
	l->syncookies = (int8_t)(par->syncookies < 0 ? -1 : par->syncookies);
	l->cc = (uint8_t)par->cc;
	l->blackhole = (int8_t)par->blackhole;
	l->has_source_limits = (par->source_syn_rate | par->source_conns) != 0;
	l->source_syn_rate = par->source_syn_rate;
	l->source_conns = par->source_conns;
	l->first_byte_s = par->first_byte_s;
	l->idle_s = par->idle_s;
	l->backlog = par->backlog;
	l->wishes = par->wishes;
	l->defer_tries = tries_of(par->defer_s);
	l->name = par->name;
	l->data = par->data;
	l->ops = par->ops;
}

int
tcp_listen(struct tcp_stack *stack, struct env *env, const struct tcp_listen_params *par,
	tcp_handle *out)
{
	uint32_t slot = free_listener_slot(stack);
	struct tcp_listener *l;
	uint32_t gen, pending;

	stack->env = env;
	if (par->port == 0 || !is_valid(stack, par))
		return -EINVAL;
	if (address_taken(stack, par->port, par->laddr_idx))
		return -EADDRINUSE;
	if (slot == TCP_LISTENERS_MAX)
		return -ENOBUFS;
	l = &stack->listeners[slot];
	gen = l->gen;
	pending = l->fastopen_pending;
	*l = (struct tcp_listener){
		.open = true,
		.fastopen_pending = pending,
		.laddr_idx = par->laddr_idx < 0 ? -1 : par->laddr_idx,
		.port = par->port,
		.next = stack->port_listener[par->port],
		.gen = gen,
		.acceptq_head = TCP_NONE,
		.acceptq_tail = TCP_NONE,
	};
	take_params(l, par);
	stack->port_listener[par->port] = (uint16_t)slot;
	stack->source.is_forced |= par->source_conns != 0;
	*out = (uint64_t)gen << 32 | slot;
	return 0;
}

static struct tcp_listener *
listener_get(const struct tcp_stack *stack, tcp_handle handle)
{
	uint32_t slot = (uint32_t)handle;

	if (slot >= TCP_LISTENERS_MAX || !stack->listeners[slot].open ||
		stack->listeners[slot].gen != handle >> 32)
		return NULL;
	return &stack->listeners[slot];
}

int
tcp_listener_change(struct tcp_stack *stack, struct env *env, tcp_handle listener,
	const struct tcp_listen_params *par)
{
	struct tcp_listener *l = listener_get(stack, listener);

	stack->env = env;
	if (l == NULL)
		return -EBADF;
	if (!is_valid(stack, par))
		return -EINVAL;
	take_params(l, par);
	stack->source.is_forced |= par->source_conns != 0;
	return 0;
}

int
tcp_listener_close(struct tcp_stack *stack, struct env *env, tcp_handle handle)
{
	struct tcp_listener *l = listener_get(stack, handle);
	uint16_t slot = (uint16_t)handle;
	uint16_t *link;

	stack->env = env;
	if (l == NULL)
		return -EBADF;
	for (link = &stack->port_listener[l->port]; *link != slot;)
		link = &stack->listeners[*link].next;
	*link = l->next;
	tcp_synq_drop_listener(stack, slot);
	tcp_acceptq_drop_all(stack, l);
	if (l->ev) {
		l->ev = false;
		stack->listener_events--;
	}
	l->open = false;
	l->gen++;
	return 0;
}

int
tcp_accept(struct tcp_stack *stack, struct env *env, tcp_handle listener, tcp_handle *out)
{
	struct tcp_listener *l = listener_get(stack, listener);
	struct tcp_cold *cold;
	struct tcp_conn *c;

	stack->env = env;
	if (l == NULL)
		return -EBADF;
	c = tcp_acceptq_take(stack, l);
	if (c == NULL)
		return -EAGAIN;
	cold = tcp_cold(stack, c);
	cold->data = l->data;
	cold->ops = l->ops;
	c->flags |= TF_ACCEPTED;
	l->accepted++;
	if (c->ev != 0)
		tcp_raise(stack, c, c->ev);
	*out = tcp_conn_handle(stack, c);
	return 0;
}

unsigned int
tcp_list_listeners(const struct tcp_stack *stack, const struct env *env,
	struct tcp_listener_info *rows, unsigned int max)
{
	unsigned int n = 0;

	(void)env;
	for (uint32_t i = 0; i < TCP_LISTENERS_MAX && n < max; i++) {
		const struct tcp_listener *l = &stack->listeners[i];

		if (!l->open)
			continue;
		rows[n++] = (struct tcp_listener_info){
			.name = l->name,
			.laddr_idx = l->laddr_idx,
			.port = l->port,
			.syncookies = tcp_listener_cookie_mode(stack, l),
			.acceptq = l->acceptq,
			.acceptq_limit = tcp_listener_backlog(stack, l),
			.synq = l->synq,
			.synq_limit = tcp_listener_synq_limit(stack, l),
			.accepted = l->accepted,
			.cookies_sent = l->cookies_sent,
			.cookies_valid = l->cookies_valid,
			.cookies_invalid = l->cookies_invalid,
			.acceptq_overflows = l->acceptq_overflows,
			.synq_overflows = l->synq_overflows,
			.syn_drops_full = l->syn_drops_full,
			.syn_drops_early = l->syn_drops_early,
			.syn_drops_accept = l->syn_drops_accept,
			.fastopen = tcp_fastopen_is_on(stack, l),
			.fastopen_pending = tcp_fastopen_pending(stack, l),
			.fastopen_limit = tcp_fastopen_limit(stack),
			.fastopen_opened = l->fastopen_opened,
			.fastopen_failed = l->fastopen_failed,
			.syn_drops_source = l->syn_drops_source,
		};
	}
	return n;
}
