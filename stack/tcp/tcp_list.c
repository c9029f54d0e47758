/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings of connections, in slices that never hold the worker up. */
#include "tcp/tcp_delivery.h"
#include "tcp/tcp_notes.h"
#include "tcp/tcp_parts.h"

#include "wire/ip6.h"

#define SLOTS_PER_CALL 1024u

/* Time until a deadline, or nothing. */
static uint32_t
until(const struct env *env, uint32_t at_ms)
{
	int32_t left = seq32_diff(at_ms, env->now_ms);

	return left > 0 ? (uint32_t)left : 0;
}

/* Data bytes that the sequence numbers stand for, SYN and FIN taken off. */
static void
fill_bytes(const struct tcp_cold *cold, const struct tcp_conn *c, struct tcp_conn_info *row)
{
	row->flight_bytes = c->snd_nxt - c->snd_una;
	if (!tcp_is_synchronised(c))
		return;
	row->acked_bytes = c->snd_una - cold->iss - 1 - tcp_fin_acked(c);
	row->received_bytes = c->rcv_nxt - cold->irs - 1 - ((c->flags & TF_FIN_RCVD) != 0);
}

static enum tcp_ca
ca_of(const struct tcp_conn *c, const struct tcp_score *sc)
{
	if (!tcp_is_synchronised(c))
		return TCP_CA_OPEN;
	if (c->flags & TF_RTO_DONE)
		return TCP_CA_LOSS;
	if (c->flags & TF_RECOVERY)
		return sc != NULL && (sc->flags & SC_CWR) ? TCP_CA_REDUCED : TCP_CA_RECOVERY;
	if (sc != NULL && sc->sacked_pkts > 0)
		return TCP_CA_DISORDER;
	return TCP_CA_OPEN;
}

/* What keeps data from going out just now; the peer's window first: no knob of ours widens it. */
static enum tcp_limit
limit_of(const struct tcp_conn *c, const struct tcp_conn_info *row, bool is_early)
{
	uint32_t next = row->flight_bytes + c->mss;

	if (!tcp_is_synchronised(c))
		return TCP_LIMIT_NONE;
	if (row->notsent_bytes == 0)
		return TCP_LIMIT_OWNER;
	if (next > c->snd_wnd)
		return TCP_LIMIT_PEER;
	if (next > c->cwnd)
		return TCP_LIMIT_CWND;
	return is_early ? TCP_LIMIT_PACING : TCP_LIMIT_NONE;
}

/* What of the flight is known to have arrived, or thought lost. */
static void
fill_path(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_cold *cold,
	struct tcp_conn_info *row)
{
	uint32_t ip = c->key.family == FLOW_FAMILY_V4 ? IP4_HDR_LEN : IP6_HDR_LEN;
	uint32_t ts = (c->flags & TF_TS) ? TCP_TS_LEN : 0;
	const struct tcp_score *sc = tcp_score(stack, c);

	row->has_ecn = (c->flags & TF_ECN) != 0;
	row->reorders = cold->reo_seen;
	row->ca = (uint8_t)ca_of(c, sc);
	row->adv_mss = (uint16_t)(tcp_own_mss(stack, &c->key) - ts);
	row->pmtu = (uint16_t)(c->mss + ip + TCP_HDR_LEN + ts);
	row->min_rtt_us = cold->min_rtt_us;
	/* Our FIN has a number, too. */
	if (seq32_gt(c->write_seq, c->snd_nxt))
		row->notsent_bytes = c->write_seq - c->snd_nxt;
	row->limit = (uint8_t)limit_of(c, row, cold->is_paced && tcp_pacing_is_early(stack, c));
	if (cold->is_paced) {
		row->pacing_rate = tcp_pacing_rate(stack, c, cold);
		row->max_pacing_rate = tcp_extra(stack, c)->wishes.max_pacing_rate;
	}
	row->delivery_rate = tcp_delivery_rate(stack, c, cold->gen);
	row->space_bytes = cold->rmem + cold->wmem;
	if (sc != NULL) {
		row->lost_bytes = sc->lost;
		row->sacked_bytes = sc->sacked;
		row->again_bytes = sc->retrans;
	}
}

/* Doubled by timeouts; probes of a closed window double only how far they are apart. */
static uint32_t
rto_of(const struct env *env, const struct tcp_conn *c, const struct tcp_cold *cold)
{
	if (c->snd_nxt == c->snd_una && (cold->probes > 0 || c->snd_wnd == 0))
		return cold->rto_ms;
	return (uint32_t)min_u64((uint64_t)cold->rto_ms << cold->backoff, env->tun->tcp_rto_max);
}

static void
fill_info(const struct env *env, const struct tcp_conn *c, const struct tcp_cold *cold,
	struct tcp_conn_info *row)
{
	fill_bytes(cold, c, row);
	row->has_ts = (c->flags & TF_TS) != 0;
	row->has_sack = (c->flags & TF_SACK) != 0;
	row->snd_wscale = c->snd_wscale;
	row->rcv_wscale = c->rcv_wscale;
	row->rexmits = cold->rexmits;
	row->probes = cold->probes;
	row->backoff = cold->backoff;
	row->ato_ms = cold->ato_ms;
	row->rcv_mss = cold->rcv_mss;
	row->rcvbuf_bytes = cold->rcvbuf;
	row->sndbuf_bytes = cold->sndbuf;
	row->idle_ms = env->now_ms - cold->last_rx_ms;
	row->data_idle_ms =
		row->received_bytes > 0 ? env->now_ms - cold->last_data_ms : UINT32_MAX;
	row->sent_idle_ms = row->acked_bytes > 0 || row->flight_bytes > 0
				    ? env->now_ms - cold->last_sent_ms
				    : UINT32_MAX;
}

/* What Linux counts per segment, where we do, too. */
static void
fill_notes(const struct tcp_stack *stack, const struct env *env, const struct tcp_conn *c,
	struct tcp_conn_info *row)
{
	const struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	row->has_notes = true;
	row->notes = *n;
	tcp_notes_settle(&row->notes, env->now_us);
}

void
tcp_fill_row(const struct tcp_stack *stack, const struct env *env, const struct tcp_conn *c,
	struct tcp_conn_info *row)
{
	struct tcp_cold room;
	const struct tcp_cold *cold = tcp_cold_peek(stack, c, &room);
	uint32_t id = tcp_slot(stack, c);
	/* An acknowledged FIN is one more than what was written. */
	bool has_unacked = seq32_lt(c->snd_una, c->write_seq);

	*row = (struct tcp_conn_info){
		.key = c->key,
		.state = c->state,
		.recvq_bytes = c->recvq_bytes,
		.sendq_bytes = has_unacked ? c->write_seq - c->snd_una : 0,
		.srtt_us = cold->srtt_us,
		.rttvar_us = cold->rttvar_us,
		.rto_ms = rto_of(env, c, cold),
		.cwnd_bytes = c->cwnd,
		.ssthresh_bytes = cold->ssthresh,
		.mss = c->mss,
		.snd_wnd = c->snd_wnd,
		.rcv_wnd = tcp_rcv_wnd(c),
		.retrans = cold->total_retrans,
		.timer_ms = UINT32_MAX,
		.cc = tcp_cc_name(cold->cc),
		.orphan = (c->flags & TF_ORPHAN) != 0,
	};
	fill_info(env, c, cold, row);
	fill_path(stack, c, cold, row);
	fill_notes(stack, env, c, row);
	if (c->timers != 0 && wheel_is_armed(&stack->wheel, id))
		row->timer_ms = until(env, wheel_expires(&stack->wheel, id));
}

static bool
fill_synq(const struct tcp_stack *stack, const struct env *env, uint32_t slot,
	struct tcp_conn_info *row)
{
	const struct tcp_synq_entry *e = &stack->synq[slot];

	if (e->who.local == 0)
		return false;
	*row = (struct tcp_conn_info){
		.key = tcp_brief_key(stack, &e->who),
		.state = TCPS_SYN_RECEIVED,
		.mss = e->mss,
		.has_ts = e->has_ts,
		.has_sack = e->has_sack,
		.has_ecn = e->has_ecn,
		.snd_wscale = e->wscale,
		.retrans = e->retrans,
		.data_idle_ms = UINT32_MAX,
		.sent_idle_ms = UINT32_MAX,
		.timer_ms = until(env,
			wheel_expires(&stack->wheel, stack->par.conns_max + slot)),
	};
	return true;
}

static bool
fill_tw(const struct tcp_stack *stack, const struct env *env, uint32_t slot,
	struct tcp_conn_info *row)
{
	const struct tcp_tw *tw = &stack->tw[slot];
	uint32_t age = (env->now_ms - tw->since_ms) & TCP_TW_SINCE_MASK;
	uint32_t len_ms = 1000 * env->tun->tcp_timewait_len;

	if (!tw->live)
		return false;
	*row = (struct tcp_conn_info){
		.key = tcp_brief_key(stack, &tw->who),
		.state = TCPS_TIME_WAIT,
		.timer_ms = age < len_ms ? len_ms - age : 0,
		.has_ts = tw->has_ts,
		.idle_ms = age,
		.data_idle_ms = UINT32_MAX,
		.sent_idle_ms = UINT32_MAX,
	};
	return true;
}

/* The cursor runs over connection slots, then the SYN queue's, then TIME-WAIT's. */
unsigned int
tcp_list_conns(const struct tcp_stack *stack, const struct env *env, uint64_t *cursor,
	struct tcp_conn_info *rows, unsigned int max)
{
	uint64_t synq_at = stack->par.conns_max;
	uint64_t tw_at = synq_at + stack->par.synq_max;
	uint64_t end = tw_at + stack->tw_slots;
	unsigned int n = 0;

	for (unsigned int i = 0; i < SLOTS_PER_CALL && n < max && *cursor < end; i++) {
		uint64_t at = (*cursor)++;

		if (at >= tw_at) {
			n += fill_tw(stack, env, (uint32_t)(at - tw_at), &rows[n]);
		} else if (at >= synq_at) {
			n += fill_synq(stack, env, (uint32_t)(at - synq_at), &rows[n]);
		} else if (stack->conns[at].state != TCPS_CLOSED) {
			tcp_fill_row(stack, env, &stack->conns[at], &rows[n]);
			n++;
		}
	}
	if (*cursor >= end)
		*cursor = UINT64_MAX;
	return n;
}
