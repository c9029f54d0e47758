/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything about one connection, for its owner and for tools that show a single one. */
#include "tcp/tcp_parts.h"

static enum tcp_ca
ca_state(const struct tcp_conn *c)
{
	if (c->flags & TF_RTO_DONE)
		return TCP_CA_LOSS;
	if (c->flags & TF_RECOVERY)
		return TCP_CA_RECOVERY;
	return c->dupacks > 0 ? TCP_CA_DISORDER : TCP_CA_OPEN;
}

/* Packets of the send queue that were sent and are not acknowledged; our FIN alone is one, too. */
static uint32_t
in_flight(const struct tcp_conn *c)
{
	uint32_t n = 0;

	for (const struct pkt *p = c->sendq_head; p != NULL && p != c->send_next; p = p->app.next)
		n++;
	if (n == 0 && c->snd_nxt != c->snd_una)
		n = 1;
	return n;
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
		.ca_state = ca_state(c),
		.has_ts = (c->flags & TF_TS) != 0,
		.has_sack = (c->flags & TF_SACK) != 0,
		/* Ours is never 0 where it was negotiated: the largest buffer asks for more. */
		.has_wscale = c->rcv_wscale != 0,
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
		.unacked_segs = in_flight(c),
		.last_rx_ms = env->now_ms - cold->last_rx_ms,
		.last_data_ms = env->now_ms - cold->last_data_ms,
	};
	tcp_fill_row(stack, env, c, &out->row);
	return 0;
}
