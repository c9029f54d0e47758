/* SPDX-License-Identifier: BSD-3-Clause */
/* First to fourth step of RFC 9293 s3.10.7.4: sequence number, RST, SYN; with RFC 5961 and PAWS. */
#include "tcp/tcp_parts.h"

/*
 * Threat model: an attacker off the path sends segments into a connection whose ports it guessed.
 * Only the exact next sequence number resets (RFC 5961 s3); everything else in the window costs us
 * one ACK, one in tcp_invalid_ratelimit as for all that is not acceptable (as Linux), and at most
 * tcp_challenge_ack_limit a second. Neither limit is shared between connections, or it could be
 * watched from another one (CVE-2016-5696).
 */
void
tcp_challenge(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t now = stack->env->now_ms;

	if (now - cold->challenge_at_ms >= 1000) {
		cold->challenge_at_ms = now;
		cold->challenges = 0;
	}
	if (now - cold->dupack_sent_ms < stack->env->tun->tcp_invalid_ratelimit ||
		cold->challenges >= stack->env->tun->tcp_challenge_ack_limit) {
		stack->env->ctr->TCPACKSkippedChallenge++;
		return;
	}
	cold->dupack_sent_ms = now;
	cold->challenges++;
	stack->env->ctr->TCPChallengeACK++;
	tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK);
}

/* Linux keeps an orphan in FIN-WAIT-2 as it keeps TIME-WAIT, and counts for it apart. */
static void
count_skipped(struct tcp_stack *stack, const struct tcp_conn *c, uint64_t *usual)
{
	bool is_orphan = c->state == TCPS_FIN_WAIT_2 && (c->flags & TF_ORPHAN);

	(*(is_orphan ? &stack->env->ctr->TCPACKSkippedFinWait2 : usual))++;
}

/* An ACK for an unacceptable segment: one that takes no sequence numbers could be an ACK of ours
 * coming back and start an ACK war, so it is rationed. A FIN is sent again until it is answered. */
static void
dup_ack(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, uint64_t *skipped)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t now = stack->env->now_ms;

	if (tcp_seg_len(rx->seg) == 0 &&
		now - cold->dupack_sent_ms < stack->env->tun->tcp_invalid_ratelimit) {
		count_skipped(stack, c, skipped);
		return;
	}
	cold->dupack_sent_ms = now;
	if (c->state == TCPS_SYN_RECEIVED) {
		/* No data may go yet, and the ACK of a simultaneous open waits for none. */
		tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK);
		return;
	}
	/* As Linux: the ACK alone; data that waits for something goes on waiting. */
	if (tcp_send_empty(stack, c, tcp_bare_seq(c), TCP_ACK))
		return;
	c->flags |= TF_ACK_NOW;
	tcp_want_output(stack, c);
}

/* What has been acknowledged comes again: the ACK was lost, or late. */
static void
came_twice(struct tcp_stack *stack, struct tcp_conn *c, uint32_t seq, uint32_t len)
{
	stack->env->ctr->DelayedACKLost++;
	tcp_report_duplicate(stack, c, seq, len);
	tcp_ack_quickly_again(stack, c);
}

/* Older than what is remembered, unless the clock stood still for 24 days (RFC 7323 s5.5). */
static bool
is_older(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t tsval)
{
	/* Some put zero into SYNs and a clock into the rest: it is the future to half of them. */
	if (seq32_geq(tsval, c->ts_recent) || c->ts_recent == 0)
		return false;
	return stack->env->now_ms - tcp_cold(stack, c)->ts_recent_at_ms <= TCP_PAWS_IDLE_MS;
}

/* As Linux: what others overtook on the way, hardly by more than a timeout, is a duplicate ACK. */
static bool
is_late_duplicate(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_rx *rx)
{
	uint32_t rto_ms = tcp_rto_backed_off(stack, c);

	return rx->seq == c->rcv_nxt && rx->ack == c->snd_una &&
		!tcp_may_update_window(c, rx, c->snd_una) &&
		c->ts_recent - rx->seg->opts.tsval <= rto_ms + rto_ms / 5;
}

/* RFC 7323 s5.3 R1; an RST is exempt. */
static enum tcp_verdict
check_timestamp(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	const struct tcp_opts *opts = &rx->seg->opts;
	uint32_t len = tcp_seg_len(rx->seg);
	bool is_ack = len == 0 && (rx->flags & TCP_ACK);

	if (!(c->flags & TF_TS) || (rx->flags & TCP_RST))
		return TCP_CONTINUE;
	if (!(opts->present & TCP_OPT_TS)) {
		/* RFC 7323 s3.2: dropped without an answer. */
		rx->outcome = OUT_NO_TIMESTAMP;
		return TCP_STOP;
	}
	if (!is_older(stack, c, opts->tsval))
		return TCP_CONTINUE;
	if (is_ack && is_late_duplicate(stack, c, rx))
		return TCP_CONTINUE;
	rx->outcome = OUT_PAWS;
	/* Deviates, as Linux: a late ACK has no news, and its sender gets none from an answer. */
	if (is_ack && seq32_lt(rx->seq, c->rcv_nxt)) {
		stack->env->ctr->PAWSOldAck++;
		return TCP_STOP;
	}
	stack->env->ctr->PAWSEstab++;
	if (len > 0 && !(rx->flags & TCP_SYN) && seq32_lt(rx->seq, c->rcv_nxt))
		came_twice(stack, c, rx->seq, min_u32(c->rcv_nxt - rx->seq, len));
	dup_ack(stack, c, rx, &stack->env->ctr->TCPACKSkippedPAWS);
	return TCP_STOP;
}

/* Take off the front what was received before. */
static void
trim_front(struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t dup = c->rcv_nxt - rx->seq;

	if (rx->flags & TCP_SYN) {
		rx->flags &= (uint16_t)~TCP_SYN;
		rx->seq++;
		dup--;
	}
	dup = min_u32(dup, rx->len);
	rx->seq += dup;
	rx->len -= dup;
	rx->payload_off += dup;
}

/*
 * RFC 9293 s3.10.7.4, first, the four cases of table 6:
 *
 *	length  window   acceptable if
 *	0       0        SEG.SEQ = RCV.NXT
 *	0       > 0      RCV.NXT <= SEG.SEQ < RCV.NXT + RCV.WND
 *	> 0     0        never (but its ACK, URG and RST are looked at: MUST-66)
 *	> 0     > 0      its first or its last byte is in the window, or all of the window in it
 */
static bool
is_acceptable(const struct tcp_conn *c, const struct tcp_rx *rx, uint32_t len)
{
	uint32_t wnd = tcp_rcv_wnd(c);
	uint32_t edge = c->rcv_adv;

	if (wnd == 0)
		return len == 0 && rx->seq == c->rcv_nxt;
	if (len == 0)
		return seq32_between(rx->seq, c->rcv_nxt, edge) || rx->seq == edge;
	return seq32_between(rx->seq, c->rcv_nxt, edge) ||
		seq32_between(rx->seq + len - 1, c->rcv_nxt, edge) ||
		seq32_between(c->rcv_nxt, rx->seq, rx->seq + len);
}

/* As Linux: a FIN takes no room, so that a reader who is slow still hears of the end. */
static bool
is_end_at_closed_window(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->seq == c->rcv_nxt && rx->len == 0 &&
		(rx->flags & (TCP_SYN | TCP_FIN)) == TCP_FIN;
}

/* Some number a RST as their FIN, which has been acknowledged since; as Linux, it is exact, too. */
static bool
is_rst_after_fin(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return (c->flags & TF_FIN_RCVD) && rx->seg->seq == c->rcv_nxt - 1;
}

static enum tcp_verdict
not_acceptable(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx, uint32_t len)
{
	bool is_old = seq32_leq(rx->seq + len, c->rcv_nxt);

	if (rx->flags & TCP_RST) {
		rx->outcome = OUT_RST_IGNORED;
		return is_rst_after_fin(c, rx) ? TCP_CONTINUE : TCP_STOP;
	}
	/* A SYN gets its challenge wherever it lies (RFC 5961 s4.2). */
	if (rx->flags & TCP_SYN)
		return TCP_CONTINUE;
	if (!is_old && tcp_rcv_wnd(c) == 0) {
		stack->env->ctr->TCPZeroWindowDrop += rx->len > 0;
		if (rx->len > 0 && rx->seq == c->rcv_nxt)
			tcp_ack_quickly_again(stack, c);
		rx->outcome = rx->len > 0 ? OUT_ZERO_WINDOW : OUT_OUT_OF_WINDOW;
		dup_ack(stack, c, rx, &stack->env->ctr->TCPACKSkippedSeq);
		/* MUST-66: its ACK still counts. */
		if (rx->seq != c->rcv_nxt || !(rx->flags & TCP_ACK))
			return TCP_STOP;
		rx->len = 0;
		rx->flags &= (uint16_t)~TCP_FIN;
		return TCP_CONTINUE;
	}
	if (is_old && len > 0)
		came_twice(stack, c, rx->seq, len);
	/* Without data in front of the window: a keepalive or zero-window probe of the peer. */
	if (is_old && rx->len <= 1 && rx->seq + 1 == c->rcv_nxt)
		rx->outcome = OUT_PROBE_ANSWERED;
	else
		rx->outcome = is_old ? OUT_OLD_DUPLICATE : OUT_OUT_OF_WINDOW;
	dup_ack(stack, c, rx, &stack->env->ctr->TCPACKSkippedSeq);
	return TCP_STOP;
}

/*
 * RFC 7323 s4.3: remembered from what spans the last ACK sent: delayed ACKs echo the oldest. Only
 * once its acknowledgement is known to be possible: a blind segment with a time far ahead would
 * make PAWS refuse all that the peer sends (CVE-2005-0356, attack A-25).
 */
void
tcp_note_timestamp(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (!(c->flags & TF_TS) || !(rx->seg->opts.present & TCP_OPT_TS))
		return;
	if (seq32_gt(rx->seg->seq, c->rcv_acked) || is_older(stack, c, rx->seg->opts.tsval))
		return;
	c->ts_recent = rx->seg->opts.tsval;
	tcp_cold(stack, c)->ts_recent_at_ms = stack->env->now_ms;
}

enum tcp_verdict
tcp_check_sequence(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t len = tcp_seg_len(rx->seg);
	enum tcp_verdict verdict = check_timestamp(stack, c, rx);

	if (verdict == TCP_STOP)
		return verdict;
	if (!is_acceptable(c, rx, len) && !is_end_at_closed_window(c, rx))
		return not_acceptable(stack, c, rx, len);
	if (seq32_lt(rx->seq, c->rcv_nxt) && !(rx->flags & TCP_SYN))
		trim_front(c, rx);
	/* Beyond the right edge: cut off, and a FIN with it. */
	if (seq32_gt(rx->seq + rx->len, c->rcv_adv)) {
		rx->len -= rx->seq + rx->len - c->rcv_adv;
		rx->flags &= (uint16_t)~(TCP_FIN | TCP_PSH);
	}
	return TCP_CONTINUE;
}

/* Second: RST (RFC 9293 s3.10.7.4, RFC 5961 s3.2). */
enum tcp_verdict
tcp_check_rst(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	int err = -ECONNRESET;

	if (!(rx->flags & TCP_RST))
		return TCP_CONTINUE;
	if (rx->seg->seq != c->rcv_nxt && !is_rst_after_fin(c, rx)) {
		rx->outcome = OUT_CHALLENGE_RST;
		tcp_challenge(stack, c);
		return TCP_STOP;
	}
	rx->outcome = OUT_RST_ACCEPTED;
	if (tcp_is_fastopen_child(c))
		tcp_fastopen_reset(stack, c);
	if (c->state == TCPS_SYN_RECEIVED && (c->flags & TF_ACTIVE))
		err = -ECONNREFUSED;
	/* Nothing but our FIN is missing: the peer only forgot the connection. */
	if ((c->state == TCPS_CLOSING || c->state == TCPS_LAST_ACK) && c->snd_una == c->write_seq)
		err = 0;
	if (c->state == TCPS_ESTABLISHED || c->state == TCPS_CLOSE_WAIT)
		stack->env->ctr->EstabResets++;
	if (c->state == TCPS_SYN_RECEIVED && (c->flags & TF_ACTIVE))
		tcp_raise(stack, c, TCP_EV_CONNECTED);
	tcp_conn_end(stack, c, err);
	return TCP_STOP;
}

/* Fourth: SYN in a synchronised state gets a challenge ACK (RFC 5961 s4.2). */
enum tcp_verdict
tcp_check_syn(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	if (!(rx->flags & TCP_SYN))
		return TCP_CONTINUE;
	/* Simultaneous open: the peer's SYN-ACK repeats its SYN and acknowledges ours. */
	if (c->state == TCPS_SYN_RECEIVED && (rx->flags & TCP_ACK) &&
		rx->seq + 1 == c->rcv_nxt) {
		/* Ours was its answer; as Linux, it is told that its SYN came twice. */
		tcp_report_duplicate(stack, c, rx->seq, 1);
		c->flags |= TF_ACK_NOW;
		tcp_want_output(stack, c);
		trim_front(c, rx);
		return TCP_CONTINUE;
	}
	/* Fast Open: the very SYN again, so our SYN-ACK was lost. */
	if (c->state == TCPS_SYN_RECEIVED && tcp_is_fastopen_child(c) && !(rx->flags & TCP_ACK) &&
		rx->seg->seq == tcp_cold(stack, c)->irs) {
		rx->outcome = OUT_SYN_AGAIN;
		tcp_send_syn(stack, c);
		return TCP_STOP;
	}
	stack->env->ctr->TCPSYNChallenge++;
	rx->outcome = OUT_CHALLENGE_SYN;
	tcp_challenge(stack, c);
	return TCP_STOP;
}
