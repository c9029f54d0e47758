/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP_INFO in Linux's layout, as far as the engine knows; the rest is zero. */
#include <string.h>

#include "packetdrill/pd.h"
#include "packetdrill/pd_tcp_info.h"

#include "base/seq32.h"

#define SSTHRESH_INFINITE 0x7fffffffu

static uint32_t
segments(uint32_t bytes, uint32_t mss)
{
	return mss == 0 ? 0 : bytes / mss;
}

/* As Linux paces: twice cwnd per round trip in slow start, 1.2 times later. */
static uint64_t
pacing_rate(const struct tcp_details *d)
{
	uint64_t percent = d->row.cwnd_bytes < d->row.ssthresh_bytes / 2 ? 200 : 120;
	uint64_t cwnd = max_u32(d->row.cwnd_bytes, d->row.flight_bytes);

	return d->row.srtt_us == 0 ? UINT64_MAX : cwnd * percent * 10000 / d->row.srtt_us;
}

static void
fill_rates(const struct tcp_notes *n, uint32_t mss, struct pd_tcp_info *i)
{
	i->delivery_flags = (uint8_t)((n->is_rate_full ? 0 : PD_TCPI_RATE_APP_LIMITED) |
		(n->fastopen_fail & 3u) << 1);
	if (n->rate_us > 0)
		i->delivery_rate = 1000000ull * n->rate_segs * mss / n->rate_us;
	i->busy_time = n->busy_us;
	i->rwnd_limited = n->rwnd_limited_us;
	i->sndbuf_limited = n->sndbuf_limited_us;
	i->rcv_rtt = n->rcv_rtt_us8 >> 3;
}

static void
fill_path(const struct tcp_details *d, struct pd_tcp_info *i)
{
	uint32_t mss = d->row.mss;

	i->ca_state = (uint8_t)d->ca_state;
	/* A probe of a closed window is none of the segments sent again. */
	i->retransmits = d->row.snd_wnd == 0 ? 0 : d->rexmits;
	i->probes = d->probes;
	i->backoff = d->backoff;
	i->rto = 1000 * d->row.rto_ms;
	i->snd_mss = mss;
	i->rcv_mss = d->rcv_mss;
	i->unacked = d->unacked_segs;
	i->rtt = d->row.srtt_us;
	i->rttvar = d->row.rttvar_us;
	i->snd_ssthresh = d->row.ssthresh_bytes >= SSTHRESH_INFINITE / 2 ?
		SSTHRESH_INFINITE :
		segments(d->row.ssthresh_bytes, mss);
	i->snd_cwnd = segments(d->row.cwnd_bytes, mss);
	i->total_retrans = d->row.retrans;
	i->sacked = d->sacked_segs;
	i->lost = d->lost_segs;
	i->retrans = d->retrans_segs;
	i->min_rtt = d->min_rtt_us == 0 ? UINT32_MAX : d->min_rtt_us;
	i->dsack_dups = d->dsack_dups;
	i->reord_seen = d->reord_seen;
	i->total_rto = (uint16_t)d->total_rto;
	i->total_rto_recoveries = (uint16_t)d->rto_recoveries;
	i->total_rto_time = d->rto_time_ms;
	/* Each timeout takes another flow label or hash, which is to be another path. */
	i->rehash = d->total_rto;
	i->pacing_rate = pacing_rate(d);
	fill_rates(&d->row.notes, mss, i);
	i->snd_wnd = d->row.snd_wnd;
	i->rcv_wnd = d->row.rcv_wnd;
}

static void
fill_streams(const struct tcp_details *d, struct pd_tcp_info *i)
{
	i->options = (uint8_t)((d->has_ts ? PD_TCPI_TIMESTAMPS : 0) |
		(d->has_sack ? PD_TCPI_SACK : 0) | (d->has_wscale ? PD_TCPI_WSCALE : 0) |
		(d->row.has_ecn ? PD_TCPI_ECN : 0) |
		(d->row.notes.is_ect_seen ? PD_TCPI_ECN_SEEN : 0) |
		(d->row.notes.is_early_acked ? PD_TCPI_SYN_DATA : 0) |
		(d->row.notes.is_early_child ? PD_TCPI_TFO_CHILD : 0));
	i->wscales = (uint8_t)(d->snd_wscale | d->rcv_wscale << 4);
	i->last_data_sent = d->last_sent_ms;
	i->ato = 1000 * d->ato_ms;
	i->last_data_recv = d->last_data_ms;
	i->last_ack_recv = d->last_rx_ms;
	i->rcv_ssthresh = d->rcvbuf / 2;
	/* Linux counts the SYN of who opens, and 32 bits are enough for a script. */
	if (d->snd_una != d->iss)
		i->bytes_acked = d->snd_una - d->iss - !d->is_active;
	if (d->rcv_nxt != d->irs)
		i->bytes_received = d->rcv_nxt - d->irs - 1;
	i->bytes_sent = d->bytes_sent;
	i->bytes_retrans = d->bytes_retrans;
	i->segs_in = d->segs_in;
	i->segs_out = d->segs_out;
	i->data_segs_in = d->data_segs_in;
	i->data_segs_out = d->data_segs_out;
	i->delivered = d->delivered;
	i->delivered_ce = d->delivered_ce;
	i->rcv_ooopack = d->rcv_ooopack;
}

/* What the engine knows is how long a full segment is, which the peer may want shorter. */
uint32_t
pd_pmtu(const struct pd *pd, const struct tcp_details *d)
{
	uint32_t full = d->peer_mss - (d->has_ts ? 12u : 0);

	return d->row.mss < full && d->row.pmtu != 0 ? d->row.pmtu : pd->mtu;
}

/* Linux numbers a FIN as if it were a byte, and so does snd_nxt. */
uint32_t
pd_unsent(const struct pd_sock *s, const struct tcp_details *d)
{
	return d->write_seq + s->fin_sent - d->snd_nxt;
}

int
pd_info_tcp(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len)
{
	struct pd_tcp_info info = { 0 };
	struct tcp_details d = s->last;

	/* Of a connection that is gone nothing is in flight any more. */
	if (!pd_details(pd, s, &d))
		d.unacked_segs = d.sacked_segs = d.lost_segs = d.retrans_segs = 0;
	info.state = (uint8_t)pd_state(pd, s);
	/* Until the handshake is over there are no sequence numbers of the other side. */
	if (s->kind == PD_CONN) {
		fill_path(&d, &info);
		if (!s->connecting) {
			fill_streams(&d, &info);
			info.notsent_bytes = pd_unsent(s, &d);
		}
	}
	info.max_pacing_rate = s->value[PD_OPT_MAX_PACING_RATE] == -1 ?
		UINT64_MAX :
		(uint32_t)s->value[PD_OPT_MAX_PACING_RATE];
	info.pacing_rate = min_u64(info.pacing_rate, info.max_pacing_rate);
	info.advmss = pd->mtu - (s->domain == AF_INET ? 40u : 60u) - (d.has_ts ? 12u : 0);
	/* As Linux begins; what more the owner reads in a round trip makes the buffer grow. */
	info.rcv_space = d.rcvbuf > pd->tun.tcp_rmem[1] ? d.rcvbuf / 2 :
							  min_u32(d.rcvbuf / 2, 10 * info.advmss);
	info.pmtu = s->kind == PD_CONN && !s->connecting ? pd_pmtu(pd, &d) : pd->mtu;
	info.reordering = max_u32(pd->tun.tcp_reordering, d.reordering);
	return pd_copy_out(&info, sizeof(info), out, len);
}

/* No congestion control here has more to tell than TCP_INFO. */
int
pd_info_cc(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len)
{
	(void)pd, (void)s, (void)out;
	*len = 0;
	return 0;
}

/* In Linux's order: rmem, rcvbuf, wmem, sndbuf, forward, queued, options, backlog, drops. */
int
pd_info_mem(struct pd *pd, struct pd_sock *s, void *out, socklen_t *len)
{
	struct tcp_details d = { 0 };
	uint32_t mem[9] = { 0 };

	mem[1] = (uint32_t)s->value[PD_OPT_RCVBUF];
	mem[3] = (uint32_t)s->value[PD_OPT_SNDBUF];
	if (pd_details(pd, s, &d)) {
		mem[0] = d.row.recvq_bytes;
		mem[1] = d.rcvbuf;
		mem[3] = pd_room_sndbuf(pd, s);
		mem[5] = d.row.sendq_bytes;
	}
	return pd_copy_out(mem, sizeof(mem), out, len);
}
