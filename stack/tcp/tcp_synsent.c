/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN-SENT (RFC 9293 s3.10.7.3), and our own SYN and SYN-ACK of an active open. */
#include "tcp/tcp_parts.h"

/* What a SYN-ACK in SYN-RECEIVED offers: no more than the peer's SYN did. */
static void
synack_of(struct tcp_conn *c, struct tcp_emit *e, struct tcp_opts *opts)
{
	e->flags = TCP_SYN | TCP_ACK | (c->flags & TF_ECN ? TCP_ECE : 0);
	e->ack = c->rcv_nxt;
	opts->tsecr = c->ts_recent;
	if (!(c->flags & TF_TS))
		opts->present &= (uint8_t)~TCP_OPT_TS;
	if (!(c->flags & TF_SACK))
		opts->present &= (uint8_t)~TCP_OPT_SACK_OK;
	/* A shift of 0 both ways is the same as none. */
	if ((c->snd_wscale | c->rcv_wscale) == 0)
		opts->present &= (uint8_t)~TCP_OPT_WSCALE;
}

/* Fast Open: the option, and with a cookie the data that waits, in p. */
static void
add_early_data(struct tcp_stack *stack, struct tcp_conn *c, struct pkt *p, struct tcp_opts *opts)
{
	struct pkt *first = c->sendq_head;
	uint16_t len;

	if (!tcp_fastopen_ask(stack, c, opts) || first == NULL)
		return;
	len = (uint16_t)(first->app.end_seq - first->app.seq);
	memcpy(pkt_data(p), first->buf + first->app.payload_off, len);
	pkt_set_len(p, len);
	tcp_note_early_out(stack, c, len);
	first->app.sends = 1;
	first->app.sent_us = (uint32_t)stack->env->now_us;
}

/* Behind the SYN, and the data that went with it. */
static uint32_t
syn_end(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct pkt *first = c->sendq_head;

	return first != NULL && first->app.sends > 0 ? first->app.end_seq :
						       tcp_cold(stack, c)->iss + 1;
}

/* The SYN, or in SYN-RECEIVED (simultaneous or Fast Open) the SYN-ACK; again on retransmission. */
void
tcp_send_syn(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_wishes *w = &tcp_extra(stack, c)->wishes;
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_opts opts;
	struct tcp_emit e = {
		.key = &c->key,
		.seq = cold->iss,
		.wnd = (uint16_t)tcp_syn_window(stack, &c->key, w,
			tcp_is_fastopen_child(c) && (c->flags & TF_TS)),
		.flags = TCP_SYN,
		.opts = &opts,
	};
	struct pkt *p;

	if (!tcp_is_fastopen_child(c))
		c->snd_nxt = cold->iss + 1;
	tcp_timers_on_sent(stack, c);
	p = tcp_tx_has_room(stack) ? pkt_alloc(stack->env->pool) : NULL;
	if (p == NULL) {
		stack->env->ctr->TCPRetransFail++;
		return;
	}
	tcp_syn_options(stack, &c->key, w, cold->ts_off, &opts);
	/* Not on a repeated SYN: something on the way may drop it for that (RFC 3168 s6.1.1.1). */
	if (c->state == TCPS_SYN_SENT && cold->rexmits == 0 && tcp_ecn_asks(stack, c)) {
		e.flags |= TCP_ECE | TCP_CWR;
		c->flags |= TF_ECN;
	}
	if (c->state == TCPS_SYN_RECEIVED) {
		synack_of(c, &e, &opts);
		tcp_fastopen_renew(stack, c, &opts);
	} else if ((c->flags & TF_FASTOPEN) && cold->rexmits == 0) {
		add_early_data(stack, c, p, &opts);
	}
	if (cold->rexmits == 1 && c->state == TCPS_SYN_SENT && (c->flags & TF_FASTOPEN))
		tcp_fastopen_lost(stack, c);
	if (cold->rexmits > 0 || (c->state == TCPS_SYN_SENT && (c->flags & TF_SYN_RTX))) {
		stack->env->ctr->RetransSegs++;
		stack->env->ctr->TCPSynRetrans++;
		cold->total_retrans++;
		c->flags |= TF_SYN_RTX;
	} else if (tcp_is_fastopen_child(c)) {
		stack->env->ctr->OutSegs++;
	} else {
		stack->env->ctr->OutSegs++;
		/* The handshake's round trip starts here; a repeated SYN gives none (Karn). */
		cold->syn_sent_us = (uint32_t)stack->env->now_us;
	}
	tcp_note_out(stack, c);
	tcp_emit(stack, p, &e);
}

bool
tcp_early_too_big(struct tcp_stack *stack, struct tcp_conn *c, uint32_t mss)
{
	struct tcp_wishes *w = &tcp_extra_to_write(stack, c)->wishes;

	if (c->sendq_head == NULL || c->sendq_head->app.sends == 0 || (c->flags & TF_SYN_RTX))
		return false;
	w->mss_max = (uint16_t)(w->mss_max == 0 ? mss : min_u32(w->mss_max, mss));
	/* Without the option either, as a SYN that goes again after a timeout. */
	c->flags = (c->flags & ~TF_FASTOPEN) | TF_SYN_RTX;
	stack->env->ctr->TCPFastOpenActiveFail++;
	tcp_send_syn(stack, c);
	return true;
}

static void
take_options(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg)
{
	const struct tunables *tun = stack->env->tun;
	const struct tcp_opts *o = &seg->opts;

	if ((o->present & TCP_OPT_TS) && tun->tcp_timestamps) {
		c->flags |= TF_TS;
		c->ts_recent = o->tsval;
	}
	if ((o->present & TCP_OPT_SACK_OK) && tun->tcp_sack)
		c->flags |= TF_SACK;
	if ((o->present & TCP_OPT_WSCALE) && tun->tcp_window_scaling) {
		c->snd_wscale = o->wscale & 15u;
		c->rcv_wscale = tcp_own_wscale(stack, &tcp_extra(stack, c)->wishes) & 15u;
	}
	stack->env->ctr->WindowScaleClamped += o->wscale_clamped;
}

/* The peer's SYN: where its numbers start. */
static void
take_syn(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	const struct tcp_wishes *w = &tcp_extra(stack, c)->wishes;
	struct tcp_cold *cold = tcp_cold(stack, c);
	/* RFC 3168 s6.1.1: a SYN-ACK that accepts ECN has ECE alone. */
	uint16_t setup = rx->flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR;

	cold->irs = rx->seq;
	c->rcv_nxt = rx->seq + 1;
	c->rcv_acked = c->rcv_nxt;
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(stack, &c->key, w, false);
	take_options(stack, c, rx->seg);
	if ((rx->flags & (TCP_ECE | TCP_CWR)) != setup)
		c->flags &= ~TF_ECN;
	c->snd_wnd = cold->max_snd_wnd = rx->seg->wnd;
	c->snd_wl1 = rx->seq;
	cold->peer_mss = tcp_peer_mss(stack, &c->key, w, &rx->seg->opts);
}

/*
 * Fast Open: was the data of our SYN taken, too, and all of it? What was not goes out again at
 * once. False: there is such data.
 */
static bool
early_data_answered(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	struct pkt *first = c->sendq_head;
	bool all;

	/* What arrived is one segment, the SYN and its data. */
	if (first == NULL || first->app.sends == 0 || seq32_lt(ack, first->app.end_seq))
		tcp_note_delivered(stack, c);
	if (first == NULL || first->app.sends == 0)
		return true;
	all = ack == first->app.end_seq;
	c->snd_nxt = first->app.end_seq;
	c->send_next = first->app.next;
	if (c->flags & TF_SYN_RTX)
		first->app.sends = 2;
	if (seq32_gt(ack, first->app.seq))
		tcp_acked(stack, c, ack);
	if (all) {
		stack->env->ctr->TCPFastOpenActive++;
		tcp_note_early(stack, c, TCP_EARLY_TAKEN);
		return true;
	}
	tcp_note_early(
		stack, c, c->flags & TF_SYN_RTX ? TCP_EARLY_SYN_LOST : TCP_EARLY_NOT_TAKEN);
	/* A SYN lost was counted when it was. */
	stack->env->ctr->TCPFastOpenActiveFail += !(c->flags & TF_SYN_RTX);
	tcp_pmtu_send_again(stack, c);
	return false;
}

/* As Linux: who tried Fast Open takes what came with the SYN-ACK, too. */
static void
take_early_answer(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t len = min_u32(rx->len, tcp_rcv_wnd(c));
	bool fin = (rx->flags & TCP_FIN) && len == rx->len;

	rx->seq++;
	rx->len = len;
	if (len > 0)
		tcp_deliver(stack, c, rx);
	if (fin)
		tcp_process_fin(stack, c);
	rx->outcome = OUT_SYN_SENT_DONE;
}

static void
established(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t rtt_us = (uint32_t)stack->env->now_us - cold->syn_sent_us;
	bool asked;

	c->snd_una = cold->iss + 1;
	cold->rexmits = 0;
	cold->backoff = 0;
	tcp_timers_on_progress(stack, c);
	tcp_conn_setup(stack, c, cold->peer_mss);
	/* RFC 7323 s4.1: an echo tells which of several SYNs was answered. */
	if ((c->flags & (TF_SYN_RTX | TF_TS)) == (TF_SYN_RTX | TF_TS) &&
		rx->seg->opts.tsecr != 0)
		rtt_us = 1000 * (tcp_ts_now(stack, cold->ts_off) - rx->seg->opts.tsecr);
	else if (c->flags & TF_SYN_RTX)
		rtt_us = UINT32_MAX;
	rtt_us = max_u32(rtt_us, 1);
	if (rtt_us < 1000 * TCP_RTT_MAX_MS)
		tcp_rtt_sample(stack, c, rtt_us, rtt_us);
	else
		cold->rto_ms = TCP_RTO_SYN_LOST_MS;
	tcp_set_state(stack, c, TCPS_ESTABLISHED);
	tcp_keep_opened(stack, c);
	asked = (c->flags & TF_FASTOPEN) != 0;
	if (asked)
		tcp_fastopen_learn(stack, c, &rx->seg->opts);
	c->flags &= ~TF_FASTOPEN;
	if (early_data_answered(stack, c, rx->ack) && asked)
		take_early_answer(stack, c, rx);
	c->flags = (c->flags & ~TF_SYN_RTX) | TF_ACK_NOW | TF_CONNECTED;
	rx->outcome = OUT_SYN_SENT_DONE;
	tcp_raise(stack, c, TCP_EV_CONNECTED);
	tcp_want_output(stack, c);
}

/* Both ends opened at once (s3.5): their SYN crossed ours. */
static void
simultaneous_open(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	tcp_set_state(stack, c, TCPS_SYN_RECEIVED);
	rx->outcome = OUT_SYN_SENT_DONE;
	tcp_send_syn(stack, c);
}

static void
refused(struct tcp_stack *stack, struct tcp_conn *c)
{
	tcp_raise(stack, c, TCP_EV_CONNECTED);
	tcp_conn_end(stack, c, -ECONNREFUSED);
}

void
tcp_synsent_input(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool has_ack = (rx->flags & TCP_ACK) != 0;

	/* First: ACK. It can only acknowledge our SYN, and data that went with it. */
	if (has_ack && (seq32_leq(rx->ack, cold->iss) || seq32_gt(rx->ack, syn_end(stack, c)))) {
		rx->outcome = OUT_SYN_SENT_BAD_ACK;
		/* As Linux: an old connection of the peer's is out of the way now, or soon. */
		if (cold->rexmits == 0)
			tcp_timers_syn_soon(stack, c);
		if (!(rx->flags & TCP_RST))
			tcp_reply_rst(stack, rx);
		return;
	}
	/* RFC 7323 s5.2 note: an echo of what we never sent is not of this connection. */
	if (has_ack && (rx->seg->opts.present & TCP_OPT_TS) && !(rx->flags & TCP_RST) &&
		stack->env->tun->tcp_timestamps && rx->seg->opts.tsecr != 0 &&
		seq32_gt(rx->seg->opts.tsecr, tcp_ts_now(stack, tcp_cold(stack, c)->ts_off))) {
		stack->env->ctr->PAWSActive++;
		rx->outcome = OUT_SYN_SENT_BAD_ACK;
		return;
	}
	/* Second: RST, believed only with an acceptable ACK. */
	if (rx->flags & TCP_RST) {
		rx->outcome = has_ack ? OUT_RST_ACCEPTED : OUT_RST_IGNORED;
		if (has_ack)
			refused(stack, c);
		return;
	}
	/* Third, security, is skipped. Fourth: SYN. */
	if (!(rx->flags & TCP_SYN)) {
		rx->outcome = has_ack ? OUT_SYN_SENT_BAD_ACK : OUT_NO_ACK_FLAG;
		return;
	}
	take_syn(stack, c, rx);
	if (!has_ack) {
		simultaneous_open(stack, c, rx);
		return;
	}
	established(stack, c, rx);
	/* Other data or FIN on a SYN-ACK: the peer sends it again once it has our ACK. */
}
