/* SPDX-License-Identifier: BSD-3-Clause */
/* Eighth step of RFC 9293 s3.10.7.4, the FIN, and how connections end. */
#include "tcp/tcp_parts.h"

void
tcp_process_fin(struct tcp_stack *stack, struct tcp_conn *c)
{
	/* Nothing can follow it: what the peer sent from beyond is no longer held, nor SACKed. */
	if (c->flags & TF_OOO)
		tcp_reass_free(stack, c);
	c->rcv_nxt++;
	if (seq32_lt(c->rcv_adv, c->rcv_nxt))
		c->rcv_adv = c->rcv_nxt;
	c->flags |= TF_FIN_RCVD | TF_ACK_DELAY;
	tcp_raise(stack, c, TCP_EV_READABLE);
	tcp_want_output(stack, c);
	switch ((enum tcp_state)c->state) {
	case TCPS_ESTABLISHED:
		/* As Linux: the peer has no more to send, and learns nothing from it. */
		c->flags &= ~TF_DSACK;
		tcp_set_state(stack, c, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT_1:
		/* Our FIN is not acknowledged yet, or the fifth step had moved on. As Linux, at
		 * once: what of ours still waits may have to wait for longer. */
		if (!tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK))
			c->flags |= TF_ACK_NOW;
		tcp_set_state(stack, c, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		c->flags |= TF_ACK_NOW;
		tcp_timewait_enter(stack, c);
		break;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCPS_TIME_WAIT:
		break;
	}
}

uint32_t
tcp_fin_timeout_s(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	int own = tcp_extra(stack, c)->linger2_s;

	if (own < 0)
		return 0;
	return own > 0 ? (uint32_t)own : stack->env->tun->tcp_fin_timeout;
}

bool
tcp_fin_acked_now(struct tcp_stack *stack, struct tcp_conn *c)
{
	switch ((enum tcp_state)c->state) {
	case TCPS_FIN_WAIT_1:
		tcp_set_state(stack, c, TCPS_FIN_WAIT_2);
		/* Only one that nobody owns is timed; a half-closed one stays with its owner. */
		if (!(c->flags & TF_ORPHAN))
			return false;
		if (tcp_fin_timeout_s(stack, c) == 0) {
			tcp_conn_end(stack, c, 0);
			return true;
		}
		tcp_timers_keep(stack, c, 1000ULL * tcp_fin_timeout_s(stack, c));
		return false;
	case TCPS_CLOSING:
		tcp_timewait_enter(stack, c);
		return true;
	case TCPS_LAST_ACK:
		tcp_conn_end(stack, c, 0);
		return true;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
	case TCPS_TIME_WAIT:
		return false;
	}
	return false;
}

void
tcp_reset(struct tcp_stack *stack, struct tcp_conn *c, int err)
{
	/* RFC 9293 s3.10.5: the states whose peer knows about us. */
	if (c->state != TCPS_SYN_SENT &&
		!tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_RST | TCP_ACK))
		stack->env->ctr->TCPAbortFailed++;
	if (c->state == TCPS_ESTABLISHED || c->state == TCPS_CLOSE_WAIT)
		stack->env->ctr->EstabResets++;
	tcp_conn_end(stack, c, err);
}

/* TT_KEEP of an orphan fired: FIN-WAIT-2 or linger, by state. */
void
tcp_close_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (c->state == TCPS_FIN_WAIT_2) {
		stack->env->ctr->TCPAbortOnLinger++;
		tcp_conn_end(stack, c, 0);
	} else {
		/* SO_LINGER: the time for the rest of the data is over. */
		tcp_reset(stack, c, -ECONNABORTED);
	}
}
