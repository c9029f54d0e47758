/* SPDX-License-Identifier: BSD-3-Clause */
/* Explicit congestion notification (RFC 3168): who has it, marks received, marks reported. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 *	sender          router         receiver
 *	  ---- ECT(0) data ---CE-------->		TF_ECN_ECE set
 *	  <------------------------- ECE ----		on every segment until ...
 *	  window reduced, once a round trip
 *	  ---- new data, CWR ------------>		... TF_ECN_ECE cleared
 *
 * Threat model. A receiver that hides marks gains what one gains that hides losses: nothing is
 * checked (RFC 3540 is historic). One that always says ECE slows only itself down, and by one
 * reduction per round trip at most. Marks count only on data that passed the checks of
 * sequence number and ACK, so that nobody beside the path can slow a connection down.
 */

#define MARK_QUICKACKS 2u	/* ACKs sent at once after a mark, as Linux */

bool
tcp_ecn_is_offered(const struct tcp_stack *stack, const struct tcp_listener *l,
	const struct tcp_seg *syn)
{
	const uint16_t setup = TCP_ECE | TCP_CWR;

	/* A SYN is never ECT (s6.1.1): one that is was played with on the way. */
	return (syn->flags & setup) == setup && syn->ecn == IP_ECN_NOT_ECT &&
		(stack->env->tun->tcp_ecn != 0 || tcp_cc_of_listener(stack, l)->needs_ecn);
}

bool
tcp_ecn_asks(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return stack->env->tun->tcp_ecn == 1 || tcp_cc_of(stack, c)->needs_ecn;
}

/* The ACK is not processed yet, so that the window that shrinks is the one the mark met. */
static void
ece_received(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	uint32_t acked = ack - c->snd_una;

	/*
	 * An old one, or none of this connection. What repeats the last counts while something is
	 * in flight: behind a gap a mark is told in no other way (as Linux).
	 */
	if (seq32_lt(ack, c->snd_una) || seq32_gt(ack, c->snd_nxt) || c->snd_una == c->snd_nxt)
		return;
	stack->env->ctr->TCPDeliveredCE += (acked + c->mss - 1) / c->mss;
	tcp_note_delivered_ce(stack, c, (acked + c->mss - 1) / c->mss);
	if (cc->on_ce != NULL)
		cc->on_ce(stack, c, acked);
	/* s6.1.2: once for a round trip, and what was sent before a reduction says nothing about
	 * the window after it. */
	if (tcp_recovery_is_over(stack, c, ack))
		tcp_recovery_rest(stack, c);
	if (c->flags & (TF_RECOVERY | TF_RTO_DONE))
		return;
	stack->env->ctr->EcnReductions++;
	tcp_recovery_enter(stack, c, TCP_RECOVERY_ECE);
}

/* s6.1.3: ECE from the first mark on until the peer says that it has reduced. */
static bool
echo_until_cwr(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->seg->ecn == IP_ECN_CE || ((c->flags & TF_ECN_ECE) && !(rx->flags & TCP_CWR));
}

/* Its window may be small: what comes next is acknowledged at once, unless it ends with a FIN. */
static void
ack_marks_quickly(struct tcp_stack *stack, struct tcp_conn *c)
{
	c->quickacks = (uint8_t)max_u32(c->quickacks, MARK_QUICKACKS);
	tcp_cold(stack, c)->ato_ms = (uint16_t)stack->env->tun->tcp_delack_min;
	c->flags &= ~TF_PINGPONG;
}

/* Something new; as Linux, if that is no more than the FIN behind data that came before, too. */
static bool
brings_text(const struct tcp_rx *rx)
{
	return rx->len > 0 || (rx->seg->len > 0 && (rx->flags & TCP_FIN));
}

void
tcp_ecn_text(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	bool exact = tcp_cc_of(stack, c)->needs_ecn;
	bool is_on = exact ? rx->seg->ecn == IP_ECN_CE : echo_until_cwr(c, rx);

	/* As Linux: there are senders that say so on an ACK. */
	if (rx->len == 0 && (rx->flags & TCP_CWR) && !exact)
		c->flags &= ~TF_ECN_ECE;
	/* Who has reduced its window may have no more than this to send: it waits for the ACK. */
	if (rx->len > 0 && (rx->flags & TCP_CWR) && !(c->flags & TF_FIN_RCVD))
		c->flags |= TF_ACK_NOW;
	/* Nor does it count what is ignored, from behind the peer's FIN. */
	if (!brings_text(rx) || (c->flags & TF_FIN_RCVD) || is_on == ((c->flags & TF_ECN_ECE) != 0))
		return;
	/* RFC 8257 s3.2: what came before this segment is acknowledged as it was marked. */
	if (exact && c->rcv_acked != c->rcv_nxt)
		tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK);
	c->flags ^= TF_ECN_ECE;
	/* The sender waits for neither news; as Linux, that of a mark may ride with an answer. */
	if (is_on && !exact)
		ack_marks_quickly(stack, c);
	else
		c->flags |= TF_ACK_NOW;
	tcp_want_output(stack, c);
}

void
tcp_ecn_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	stack->env->ctr->InCEPkts += rx->seg->ecn == IP_ECN_CE;
	/* ECE on a SYN-ACK that crossed ours grants ECN, and there is no window to reduce yet. */
	if (!tcp_is_synchronised(c) && !tcp_is_fastopen_child(c))
		return;
	if ((rx->flags & TCP_ECE) && tcp_is_synchronised(c))
		ece_received(stack, c, rx->ack);
}
