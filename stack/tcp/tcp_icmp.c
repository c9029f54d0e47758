/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors about our segments: which are believed, and what they change (RFC 5927). */
#include "tcp/tcp_parts.h"

/*
 * Threat model. Whoever knows or guesses a connection's addresses and ports can send one. So
 *  - the quoted sequence number must be in flight (s4.1), which has to be guessed as well;
 *  - nothing ends a connection but a hard error while it is being opened (s5.2): later it is a
 *    reason to give should retransmission be given up, as are soft errors always (MUST-56);
 *  - a path MTU below the floor, or above what was sent, is a lie or no help (tcp_pmtu.c);
 *  - SYN-queue and TIME-WAIT entries hear nothing.
 */

static bool
is_in_flight(const struct tcp_conn *c, uint32_t seq)
{
	return seq32_geq(seq, c->snd_una) && seq32_lt(seq, c->snd_nxt);
}

static enum outcome
take(struct tcp_stack *stack, struct tcp_conn *c, const struct icmp_report *report)
{
	if (c->state == TCPS_CLOSED)
		return OUT_ICMP_ERROR_STRAY;
	tcp_wake(stack, c);
	if (!is_in_flight(c, report->seq)) {
		stack->env->ctr->OutOfWindowIcmps++;
		return OUT_ICMP_ERROR_STRAY;
	}
	if (report->kind == ICMP_REPORT_TOO_BIG)
		return tcp_pmtu_report(stack, c, report) ? OUT_ICMP_ERROR_USED :
							   OUT_ICMP_ERROR_STRAY;
	if (report->kind == ICMP_REPORT_HARD && c->state == TCPS_SYN_SENT) {
		tcp_raise(stack, c, TCP_EV_CONNECTED);
		tcp_conn_end(stack, c, -report->err);
		return OUT_ICMP_ERROR_USED;
	}
	tcp_cold(stack, c)->err = (int16_t)-report->err;
	return OUT_ICMP_ERROR_USED;
}

void
tcp_icmp_input(struct tcp_stack *stack, struct env *env, const struct icmp_report *report)
{
	enum outcome out = OUT_ICMP_ERROR_STRAY;
	uint32_t ref;

	stack->env = env;
	ref = tcp_flow_find(stack, &report->key, tcp_flow_hash(stack, &report->key));
	if (ref != TCP_NONE && (ref & TCP_REF_TYPE) == TCP_REF_CONN)
		out = take(stack, &stack->conns[ref], report);
	tcp_outcome(stack, out);
}
