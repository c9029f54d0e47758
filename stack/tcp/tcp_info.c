/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything about one connection, for its owner and for tools that show a single one. */
#include "tcp/tcp_parts.h"

/* Packets of the send queue that were sent and are not acknowledged; our FIN alone is one, too. */
static void
count_flight(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_details *d)
{
	const struct tcp_score *sc = tcp_score(stack, c);

	for (const struct pkt *p = c->sendq_head; p != NULL && p != c->send_next; p = p->app.next) {
		d->unacked_segs++;
		d->sacked_segs += (p->app.flags & PKT_F_SACKED) != 0;
		d->lost_segs += (p->app.flags & PKT_F_LOST) != 0;
		d->retrans_segs += (p->app.flags & PKT_F_RETRANS) != 0;
	}
	/* A FIN that went alone. */
	if (d->unacked_segs == 0 && c->snd_nxt != c->snd_una)
		d->unacked_segs = 1;
	else if ((c->flags & TF_FIN_SENT) && !tcp_fin_acked(c) && c->sendq_tail != NULL &&
		!(c->sendq_tail->app.flags & PKT_F_FIN))
		d->unacked_segs++;
	/* Without SACK each duplicate ACK stands for a segment that arrived. */
	if (!(c->flags & TF_SACK) && sc != NULL)
		d->sacked_segs = min_u32(sc->sacked_pkts,
			d->unacked_segs - max_u32(d->lost_segs, d->unacked_segs > 0));
}

static void
copy_notes(const struct tcp_notes *n, uint32_t now_ms, struct tcp_details *d)
{
	d->bytes_sent = n->bytes_sent;
	d->bytes_retrans = n->bytes_retrans;
	d->busy_us = n->busy_us;
	d->segs_in = n->segs_in;
	d->segs_out = n->segs_out;
	d->data_segs_in = n->data_segs_in;
	d->data_segs_out = n->data_segs_out;
	d->delivered = n->delivered;
	d->delivered_ce = n->delivered_ce;
	d->dsack_dups = n->dsack_dups;
	d->reord_seen = n->reord_seen;
	d->reordering = n->reordering;
	d->rcv_ooopack = n->rcv_ooopack;
	d->total_rto = n->total_rto;
	d->rto_recoveries = n->rto_recoveries;
	d->rto_time_ms = n->rto_time_ms + (n->in_rto ? now_ms - n->rto_since_ms : 0);
}

int
tcp_get_details(struct tcp_stack *stack, struct env *env, tcp_handle conn, struct tcp_details *out)
{
	const struct tcp_conn *c = tcp_conn_get(stack, conn);
	const struct tcp_cold *cold;

	stack->env = env;
	if (c == NULL)
		return -EBADF;
	cold = tcp_cold(stack, c);
	*out = (struct tcp_details){
		.has_ts = (c->flags & TF_TS) != 0,
		.has_sack = (c->flags & TF_SACK) != 0,
		/* Where it was negotiated both are 0 only between two small buffers. */
		.has_wscale = (c->rcv_wscale | c->snd_wscale) != 0,
		.snd_wscale = c->snd_wscale,
		.rcv_wscale = c->rcv_wscale,
		.rexmits = cold->rexmits,
		.probes = cold->probes,
		.peer_mss = cold->peer_mss,
		.rcv_mss = cold->rcv_mss,
		.iss = cold->iss,
		.irs = cold->irs,
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_nxt,
		.write_seq = c->write_seq,
		.rcv_nxt = c->rcv_nxt,
		.rcvbuf = cold->rcvbuf,
		.sndbuf = tcp_sndbuf(stack, c),
		.min_rtt_us = cold->min_rtt_us,
		.last_sent_ms = env->now_ms - cold->last_sent_ms,
		.ato_ms = cold->ato_ms,
		.backoff = cold->backoff,
		.is_active = (c->flags & TF_ACTIVE) != 0,
		.last_rx_ms = env->now_ms - cold->last_rx_ms,
		.last_data_ms = env->now_ms - cold->last_data_ms -
			(c->rcv_nxt == cold->irs + 1 ? TCP_NO_DATA_MS : 0),
	};
	count_flight(stack, c, out);
	tcp_fill_row(stack, env, c, &out->row);
	copy_notes(&out->row.notes, env->now_ms, out);
	out->ca_state = (enum tcp_ca)out->row.ca;
	return 0;
}
