/* SPDX-License-Identifier: BSD-3-Clause */
/* The only writer of a connection's state: asserts the edge and counts it (RFC 9293 figure 5). */
#include "tcp/tcp_parts.h"

#define TO(state) (1u << TCPS_##state)

/*
 * Edges of a struct tcp_conn. LISTEN is a listener, SYN-RECEIVED of a passive open an entry of the
 * SYN queue and TIME-WAIT an entry of its ring; so a passive connection begins in ESTABLISHED (in
 * SYN-RECEIVED with Fast Open), and the way to TIME-WAIT ends in CLOSED here.
 */
static const uint16_t edges[TCP_STATE_COUNT] = {
	[TCPS_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
	[TCPS_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCPS_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
	[TCPS_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCPS_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(CLOSED),
	[TCPS_FIN_WAIT_2] = TO(CLOSED),
	[TCPS_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[TCPS_CLOSING] = TO(CLOSED),
	[TCPS_LAST_ACK] = TO(CLOSED),
};

static bool
is_current(enum tcp_state state)
{
	return state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT;
}

void
tcp_set_state(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_state state)
{
	struct counters *ctr = stack->env->ctr;
	enum tcp_state old = c->state;

	ASSERT((edges[old] & (1u << state)) != 0);
	c->state = (uint8_t)state;
	if (old != TCPS_CLOSED)
		ctr->state_count[old]--;
	if (state != TCPS_CLOSED)
		ctr->state_count[state]++;
	ctr->CurrEstab += is_current(state);
	ctr->CurrEstab -= is_current(old);
}

bool
tcp_may_send_data(const struct tcp_conn *c)
{
	switch ((enum tcp_state)c->state) {
	case TCPS_ESTABLISHED:
	case TCPS_CLOSE_WAIT:
	case TCPS_FIN_WAIT_1:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		return true;
	case TCPS_SYN_RECEIVED:
		return tcp_is_fastopen_child(c);
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_FIN_WAIT_2:
	case TCPS_TIME_WAIT:
		return false;
	}
	return false;
}
