/* SPDX-License-Identifier: BSD-3-Clause */
/* OPEN, active (RFC 9293 s3.10.1), and what an owner sets on its connection. */
#include "tcp/tcp_parts.h"

static int
choose_key(struct tcp_stack *stack, struct flow_key *key, uint64_t *hash)
{
	uint32_t ref;

	if (key->lport == 0)
		return tcp_port_choose(stack, key, hash);
	*hash = tcp_flow_hash(stack, key);
	ref = tcp_flow_find(stack, key, *hash);
	if (ref == TCP_NONE)
		return 0;
	if ((ref & TCP_REF_TYPE) != TCP_REF_TW ||
		!tcp_timewait_may_reuse(stack, ref & ~TCP_REF_TYPE))
		return -EADDRINUSE;
	stack->env->ctr->TWRecycled++;
	tcp_timewait_kill(stack, ref & ~TCP_REF_TYPE);
	return 0;
}

/* A connection in SYN-SENT whose SYN is still to be sent. */
static int
open_conn(struct tcp_stack *stack, struct env *env, const struct flow_key *to,
	struct tcp_conn **out)
{
	struct flow_key key = *to;
	struct tcp_cold *cold;
	struct tcp_conn *c;
	uint64_t hash = 0;
	int err;

	stack->env = env;
	if (key.rport == 0 || key.laddr_idx >= stack->par.local->count)
		return -EINVAL;
	err = choose_key(stack, &key, &hash);
	if (err != 0)
		return err;
	c = tcp_conn_new(stack, &key, hash);
	if (c == NULL)
		return -ENOBUFS;
	cold = tcp_cold(stack, c);
	cold->iss = tcp_isn(stack, &key);
	cold->snd_sml = cold->iss;
	c->snd_una = c->snd_nxt = cold->iss;
	c->write_seq = cold->iss + 1;
	c->flags |= TF_ACTIVE | TF_ACCEPTED;
	tcp_set_state(stack, c, TCPS_SYN_SENT);
	env->ctr->ActiveOpens++;
	*out = c;
	return 0;
}

int
tcp_connect(struct tcp_stack *stack, struct env *env, const struct flow_key *to, tcp_handle *out)
{
	struct tcp_conn *c;
	int err = open_conn(stack, env, to, &c);

	if (err != 0)
		return err;
	tcp_send_syn(stack, c);
	*out = tcp_conn_handle(stack, c);
	return 0;
}

ptrdiff_t
tcp_connect_early(struct tcp_stack *stack, struct env *env, const struct flow_key *to,
	const void *src, size_t len, tcp_handle *out)
{
	uint32_t taken = 0;
	struct tcp_conn *c;
	int err = open_conn(stack, env, to, &c);

	if (err != 0)
		return err;
	c->mss = tcp_fastopen_mss(stack, c);
	if (len > 0)
		taken = tcp_queue_early(stack, c, src, len);
	if (env->tun->tcp_fastopen & TCP_FASTOPEN_CLIENT)
		c->flags |= TF_FASTOPEN;
	tcp_send_syn(stack, c);
	*out = tcp_conn_handle(stack, c);
	return taken;
}

int
tcp_set_owner(struct tcp_stack *stack, tcp_handle conn, void *data, const void *ops)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	if (c == NULL)
		return -EBADF;
	tcp_cold(stack, c)->data = data;
	if (ops != NULL)
		tcp_cold(stack, c)->ops = ops;
	return 0;
}

int
tcp_set_app_timer(struct tcp_stack *stack, struct env *env, tcp_handle conn, uint32_t delay_ms)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	tcp_timers_app(stack, c, delay_ms);
	return 0;
}

int
tcp_get_key(struct tcp_stack *stack, tcp_handle conn, struct flow_key *key)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);

	if (c == NULL)
		return -EBADF;
	*key = c->key;
	return 0;
}

static void
set_flag(struct tcp_conn *c, uint32_t flag, bool on)
{
	c->flags = on ? c->flags | flag : c->flags & ~flag;
}

static void
set_keepalive(struct tcp_stack *stack, struct tcp_conn *c, bool on)
{
	set_flag(c, TF_KEEPALIVE, on);
	tcp_keep_arm(stack, c,
		on ? 1000ULL * stack->env->tun->tcp_keepalive_time : TCP_KEEP_NEVER);
}

int
tcp_setopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int value)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);
	struct tcp_cold *cold;

	stack->env = env;
	if (c == NULL || c->state == TCPS_CLOSED)
		return -EBADF;
	cold = tcp_cold(stack, c);
	switch (opt) {
	case TCP_SO_NODELAY:
		set_flag(c, TF_NODELAY, value != 0);
		/* As Linux: switched on, it also lets go what a cork holds. */
		if (value != 0)
			tcp_send_held(stack, c);
		tcp_want_output(stack, c);
		return 0;
	case TCP_SO_CORK:
		cold->is_corked = value != 0;
		tcp_want_output(stack, c);
		return 0;
	case TCP_SO_SNDBUF:
		if (value <= 0)
			return -EINVAL;
		cold->sndbuf = clamp_u32((uint32_t)value, env->tun->tcp_wmem[0],
			env->tun->tcp_wmem[2]);
		c->flags |= TF_SNDBUF_FIXED;
		return 0;
	case TCP_SO_RCVBUF:
		if (value <= 0)
			return -EINVAL;
		cold->rcvbuf = clamp_u32((uint32_t)value, env->tun->tcp_rmem[0],
			env->tun->tcp_rmem[2]);
		c->flags |= TF_RCVBUF_FIXED;
		return 0;
	case TCP_SO_KEEPALIVE:
		set_keepalive(stack, c, value != 0);
		return 0;
	case TCP_SO_LINGER:
		if (value < -1 || value > 32767)
			return -EINVAL;
		cold->linger_s = (int16_t)value;
		return 0;
	case TCP_SO_USER_TIMEOUT:
		if (value < 0)
			return -EINVAL;
		cold->user_timeout_ms = (uint32_t)value;
		return 0;
	case TCP_SO_CONGESTION:
		if (value < 0 || value >= TUN_CC_COUNT)
			return -EINVAL;
		tcp_cc_change(stack, c, (uint8_t)value);
		return 0;
	case TCP_SO_MAXSEG:
		return -EINVAL;
	}
	return -EINVAL;
}

int
tcp_getopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int *value)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);
	const struct tcp_cold *cold;

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	cold = tcp_cold(stack, c);
	switch (opt) {
	case TCP_SO_NODELAY:
		*value = (c->flags & TF_NODELAY) != 0;
		return 0;
	case TCP_SO_CORK:
		*value = cold->is_corked;
		return 0;
	case TCP_SO_SNDBUF:
		*value = (int)tcp_sndbuf(stack, c);
		return 0;
	case TCP_SO_RCVBUF:
		*value = (int)cold->rcvbuf;
		return 0;
	case TCP_SO_KEEPALIVE:
		*value = (c->flags & TF_KEEPALIVE) != 0;
		return 0;
	case TCP_SO_LINGER:
		*value = cold->linger_s;
		return 0;
	case TCP_SO_USER_TIMEOUT:
		*value = (int)cold->user_timeout_ms;
		return 0;
	case TCP_SO_MAXSEG:
		*value = c->mss;
		return 0;
	case TCP_SO_CONGESTION:
		*value = cold->cc;
		return 0;
	}
	return -EINVAL;
}
