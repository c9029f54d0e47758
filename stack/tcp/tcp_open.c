/* SPDX-License-Identifier: BSD-3-Clause */
/* OPEN, active (RFC 9293 s3.10.1), and whose a connection is. */
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
tcp_connect_with(struct tcp_stack *stack, struct env *env, const struct flow_key *to,
	const struct tcp_connect_params *par, tcp_handle *out)
{
	uint32_t taken = 0;
	struct tcp_conn *c;
	int err = open_conn(stack, env, to, &c);

	if (err != 0)
		return err;
	tcp_extra_begin(stack, c, &par->wishes);
	if (par->fastopen) {
		c->mss = tcp_fastopen_mss(stack, c);
		if (par->len > 0)
			taken = tcp_queue_early(stack, c, par->src, par->len);
		if (env->tun->tcp_fastopen & TCP_FASTOPEN_CLIENT)
			c->flags |= TF_FASTOPEN;
	}
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
