/* SPDX-License-Identifier: BSD-3-Clause */
/* SEGMENT ARRIVES in the states after SYN-SENT (RFC 9293 s3.10.7.4), one function per step. */
#include "tcp/tcp_parts.h"

/* Data for an owner that has closed, or refuses it. True: the segment is dealt with. */
static bool
refuse_data(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	/* Also a FIN from further on: it has data before it. */
	if (!seq32_gt(rx->seq + rx->len, c->rcv_nxt) || !(c->flags & TF_RD_SHUT) ||
		(rx->len == 0 && !(rx->flags & TCP_FIN)))
		return false;
	if (!(c->flags & TF_ORPHAN) && !tcp_extra(stack, c)->refuses)
		return false;
	if (c->state != TCPS_FIN_WAIT_1 && c->state != TCPS_FIN_WAIT_2)
		return false;
	/* Nobody will read it; the peer must know that it was lost (RFC 9293 SHLD-3). */
	stack->env->ctr->TCPAbortOnData++;
	rx->outcome = OUT_AFTER_CLOSE;
	tcp_reply_rst(stack, rx);
	tcp_conn_end(stack, c, c->flags & TF_ORPHAN ? -ECONNABORTED : -ECONNRESET);
	return true;
}

/*
 * What the first step has cut off the front came twice (RFC 2883 s4); nobody forges it lightly. As
 * Linux, a report that still waits for an ACK gives way to what comes next.
 */
static void
report_overlap(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (tcp_seg_len(rx->seg) > 0 && !(rx->seg->flags & TCP_SYN))
		c->flags &= ~TF_DSACK;
	if (rx->seq != rx->seg->seq && !(rx->seg->flags & TCP_SYN))
		tcp_report_duplicate(stack, c, rx->seg->seq, rx->seq - rx->seg->seq);
}

void
tcp_segment_arrives(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	tcp_cold(stack, c)->last_rx_ms = stack->env->now_ms;
	/* First: sequence number. */
	if (tcp_check_sequence(stack, c, rx) == TCP_STOP)
		return;
	/* Second: RST. */
	if (tcp_check_rst(stack, c, rx) == TCP_STOP)
		return;
	/* Third: security and compartment, skipped: neither exists here. */
	/* Fourth: SYN. */
	if (tcp_check_syn(stack, c, rx) == TCP_STOP)
		return;
	/* Fifth: ACK. Without it nothing of the segment counts. */
	if (!(rx->flags & TCP_ACK)) {
		rx->outcome = OUT_NO_ACK_FLAG;
		return;
	}
	if (c->flags & TF_ECN)
		tcp_ecn_input(stack, c, rx);
	if (tcp_process_ack(stack, c, rx) == TCP_STOP)
		return;
	report_overlap(stack, c, rx);
	if (c->flags & TF_ECN)
		tcp_ecn_text(stack, c, rx);
	/* Sixth: URG. Urgent data is ordinary data; deviates: no notification yet (RFC 6093). */
	if (refuse_data(stack, c, rx))
		return;
	/* Seventh: text; eighth: FIN, which counts only when all before it is there. */
	tcp_process_text(stack, c, rx);
}
