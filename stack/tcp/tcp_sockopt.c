/* SPDX-License-Identifier: BSD-3-Clause */
/* What an owner sets on its connection, and what of that few do. */
#include "tcp/tcp_parts.h"

#define LINGER2_MAX_S 120
#define KEEP_MAX_S 32767
#define KEEP_PROBES_MAX 127
#define LINGER_MAX_S 32767
#define CLAMP_MIN 1152 /* as Linux: half of the least receive buffer */

/* --- what few set --------------------------------------------------------------------------- */

struct tcp_extra *
tcp_extra_to_write(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_cold(stack, c)->has_extra = 1;
	return &stack->extra[tcp_slot(stack, c)];
}

/* The buffer as it is without a clamp, and then no more of it than the clamp lets be offered. */
static void
apply_buffer(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_wishes *w = &tcp_extra(stack, c)->wishes;
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (w->rcvbuf != 0)
		cold->rcvbuf = w->rcvbuf;
	if (w->window_clamp != 0 && cold->rcvbuf / 2 > w->window_clamp)
		cold->rcvbuf = 2 * w->window_clamp;
	c->flags |= TF_RCVBUF_FIXED;
}

void
tcp_extra_begin(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_wishes *w)
{
	if (w->mss_max == 0 && w->syn_retries == 0 && w->rcvbuf == 0 && w->window_clamp == 0 &&
		!w->no_cookie && w->max_pacing_rate == 0) {
		tcp_pacing_begin(stack, c);
		return;
	}
	tcp_extra_to_write(stack, c)->wishes = *w;
	tcp_pacing_begin(stack, c);
	if (w->rcvbuf != 0 || w->window_clamp != 0)
		apply_buffer(stack, c);
}
void
tcp_extra_refuse(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_extra_to_write(stack, c)->refuses = true;
}

void
tcp_extra_clear(struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (tcp_cold(stack, c)->has_extra)
		stack->extra[tcp_slot(stack, c)] = (struct tcp_extra){ 0 };
}

/* --- setting -------------------------------------------------------------------------------- */

static bool
is_within(int value, int least, int most)
{
	return value >= least && value <= most;
}

static void
set_flag(struct tcp_conn *c, uint32_t flag, bool on)
{
	c->flags = on ? c->flags | flag : c->flags & ~flag;
}

static int
set_buffer(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_sockopt opt, int value)
{
	const struct tunables *tun = stack->env->tun;

	if (value <= 0)
		return -EINVAL;
	if (opt == TCP_SO_SNDBUF) {
		tcp_cold(stack, c)->sndbuf =
			clamp_u32((uint32_t)value, tun->tcp_wmem[0], tun->tcp_wmem[2]);
		c->flags |= TF_SNDBUF_FIXED;
		return 0;
	}
	tcp_extra_to_write(stack, c)->wishes.rcvbuf =
		clamp_u32((uint32_t)value, tun->tcp_rmem[0], tun->tcp_rmem[2]);
	apply_buffer(stack, c);
	return 0;
}

/* What was offered stays so: the right edge does not move back. */
static int
set_clamp(struct tcp_stack *stack, struct tcp_conn *c, int value)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_wishes *w;

	if (value <= 0)
		return -EINVAL;
	w = &tcp_extra_to_write(stack, c)->wishes;
	w->window_clamp = max_u32((uint32_t)value, CLAMP_MIN);
	if (w->rcvbuf == 0)
		cold->rcvbuf = max_u32(cold->rcvbuf, stack->env->tun->tcp_rmem[1]);
	apply_buffer(stack, c);
	return 0;
}

static int
set_keepalive(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_sockopt opt, int value)
{
	if (opt == TCP_SO_KEEPALIVE) {
		/* As Linux: on again it changes nothing. */
		if (value != 0 && (c->flags & TF_KEEPALIVE))
			return 0;
		set_flag(c, TF_KEEPALIVE, value != 0);
		tcp_keep_changed(stack, c);
		return 0;
	}
	if (!is_within(value, 1, opt == TCP_SO_KEEPCNT ? KEEP_PROBES_MAX : KEEP_MAX_S))
		return -EINVAL;
	if (opt == TCP_SO_KEEPCNT)
		tcp_extra_to_write(stack, c)->keep_probes = (uint8_t)value;
	else if (opt == TCP_SO_KEEPINTVL)
		tcp_extra_to_write(stack, c)->keep_intvl_s = (uint16_t)value;
	else
		tcp_extra_to_write(stack, c)->keep_idle_s = (uint16_t)value;
	/* As Linux: what waits already goes on waiting; the first wait counts from what came. */
	if (opt == TCP_SO_KEEPIDLE && (c->flags & TF_KEEPALIVE))
		tcp_keep_idle_changed(stack, c);
	return 0;
}

/* An ACK that is owed goes at once; others do as long as the owner does not answer. */
static void
set_quickack(struct tcp_stack *stack, struct tcp_conn *c, int value)
{
	if (value == 0) {
		c->flags |= TF_PINGPONG;
		return;
	}
	c->flags &= ~TF_PINGPONG;
	if (c->flags & TF_ACK_DELAY) {
		c->flags |= TF_ACK_NOW;
		tcp_want_output(stack, c);
	}
}

static int
set_on_wire(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_sockopt opt, int value)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (opt == TCP_SO_NODELAY) {
		set_flag(c, TF_NODELAY, value != 0);
		/* As Linux: switched on, it also lets go what a cork holds. */
		if (value != 0)
			tcp_send_held(stack, c);
	} else {
		cold->is_corked = value != 0;
		/* ... and pulling one out also lets go what a write said goes on. */
		if (value == 0)
			tcp_nothing_follows(c);
	}
	tcp_want_output(stack, c);
	return 0;
}

/* As Linux: none is all ones. What waits for its turn may have one now. */
static int
set_pacing(struct tcp_stack *stack, struct tcp_conn *c, int value)
{
	if (value < -1)
		return -EINVAL;
	tcp_extra_to_write(stack, c)->wishes.max_pacing_rate = value < 0 ? 0 : (uint32_t)value;
	tcp_pacing_begin(stack, c);
	tcp_want_output(stack, c);
	return 0;
}

int
tcp_setopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int value)
{
	struct tcp_conn *c = tcp_conn_get(stack, conn);

	stack->env = env;
	if (c == NULL || c->state == TCPS_CLOSED)
		return -EBADF;
	switch (opt) {
	case TCP_SO_NODELAY:
	case TCP_SO_CORK:
		return set_on_wire(stack, c, opt, value);
	case TCP_SO_SNDBUF:
	case TCP_SO_RCVBUF:
		return set_buffer(stack, c, opt, value);
	case TCP_SO_WINDOW_CLAMP:
		return set_clamp(stack, c, value);
	case TCP_SO_KEEPALIVE:
	case TCP_SO_KEEPIDLE:
	case TCP_SO_KEEPINTVL:
	case TCP_SO_KEEPCNT:
		return set_keepalive(stack, c, opt, value);
	case TCP_SO_QUICKACK:
		set_quickack(stack, c, value);
		return 0;
	case TCP_SO_LINGER:
		if (!is_within(value, -1, LINGER_MAX_S))
			return -EINVAL;
		tcp_cold(stack, c)->linger_s = (int16_t)value;
		return 0;
	case TCP_SO_LINGER2:
		value = value < LINGER2_MAX_S ? value : LINGER2_MAX_S;
		tcp_extra_to_write(stack, c)->linger2_s = (int16_t)(value < 0 ? -1 : value);
		return 0;
	case TCP_SO_USER_TIMEOUT:
		if (value < 0)
			return -EINVAL;
		tcp_cold(stack, c)->user_timeout_ms = (uint32_t)value;
		return 0;
	case TCP_SO_CONGESTION:
		if (!is_within(value, 0, TUN_CC_COUNT - 1))
			return -EINVAL;
		tcp_cc_change(stack, c, (uint8_t)value);
		return 0;
	case TCP_SO_MAX_PACING_RATE:
		return set_pacing(stack, c, value);
	case TCP_SO_MAXSEG:
		/* It is agreed on with the SYN: tcp_wishes. */
		return -EINVAL;
	}
	return -EINVAL;
}

/* --- getting -------------------------------------------------------------------------------- */

int
tcp_getopt(struct tcp_stack *stack, struct env *env, tcp_handle conn, enum tcp_sockopt opt,
	int *value)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);
	const struct tcp_extra *x;
	const struct tcp_cold *cold;

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	cold = tcp_cold(stack, c);
	x = tcp_extra(stack, c);
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
		*value = (int)(x->wishes.rcvbuf != 0 ? x->wishes.rcvbuf : cold->rcvbuf);
		return 0;
	case TCP_SO_WINDOW_CLAMP:
		*value = (int)(x->wishes.window_clamp != 0 ? x->wishes.window_clamp :
							     cold->rcvbuf / 2);
		return 0;
	case TCP_SO_KEEPALIVE:
		*value = (c->flags & TF_KEEPALIVE) != 0;
		return 0;
	case TCP_SO_KEEPIDLE:
		*value = (int)tcp_keep_idle_s(stack, c);
		return 0;
	case TCP_SO_KEEPINTVL:
		*value = (int)tcp_keep_intvl_s(stack, c);
		return 0;
	case TCP_SO_KEEPCNT:
		*value = (int)tcp_keep_probes(stack, c);
		return 0;
	case TCP_SO_QUICKACK:
		*value = !(c->flags & TF_PINGPONG);
		return 0;
	case TCP_SO_LINGER:
		*value = cold->linger_s;
		return 0;
	case TCP_SO_LINGER2:
		*value = x->linger2_s < 0 ? -1 : (int)tcp_fin_timeout_s(stack, c);
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
	case TCP_SO_MAX_PACING_RATE:
		*value = x->wishes.max_pacing_rate == 0 ? -1 : (int)x->wishes.max_pacing_rate;
		return 0;
	}
	return -EINVAL;
}
