/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection with SACK and a measured round trip, and its data by segment. */
#ifndef UNIT_RECOVERY_H
#define UNIT_RECOVERY_H

#include "unit/tcp_unit.h"

#define SEG 1460u		/* bytes of a segment */
#define RTT_MS 100u
#define FLIGHT_MAX 700u		/* segments */

/* count segments in flight, none of them read. */
static inline void
open_with_flight(struct bed_peer *p, struct tcp_bed *bed, uint8_t offer, uint32_t count)
{
	static const uint8_t data[FLIGHT_MAX * SEG];
	struct tcp_cold *cold;
	struct tcp_conn *c;
	ptrdiff_t n;

	bed_peer_init(p, bed);
	p->offer = offer | TCP_OPT_WSCALE;
	p->wscale = 10;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	c = bed_peer_conn(p);
	cold = tcp_cold(bed->stack, c);
	cold->srtt_us = cold->min_rtt_us = RTT_MS * 1000;
	cold->min_rtt_at_ms = bed->env.now_ms;
	cold->rttvar_us = 10000;
	cold->rto_ms = RTT_MS + 200;
	cold->sndbuf = sizeof(data);
	c->flags |= TF_SNDBUF_FIXED;
	tcp_cc_change(bed->stack, c, TUN_CC_RENO);
	c->cwnd = count * c->mss;
	n = tcp_send(bed->stack, &bed->env, p->h, data, (size_t)count * c->mss, 0);
	assert_int_equal(n, (ptrdiff_t)count * c->mss);
	tcp_bed_flush(bed);
	assert_int_equal(c->snd_nxt, c->write_seq);
	tcp_bed_discard(bed);
}

/* Sequence number of the n-th segment, from 1. */
static inline uint32_t
seq_of(const struct bed_peer *p, uint32_t n)
{
	return p->iss + 1 + (n - 1) * bed_peer_conn(p)->mss;
}

/* An ACK of the first acked segments, with one block of segments from..to; from 0: none. */
static inline struct tcp_seg
sack_seg(const struct bed_peer *p, uint32_t acked, uint32_t from, uint32_t to)
{
	struct tcp_seg seg = bed_peer_seg(p, TCP_ACK, 0);

	seg.ack = seq_of(p, acked + 1);
	if (from != 0) {
		seg.opts.present |= TCP_OPT_SACK;
		seg.opts.nsack = 1;
		seg.opts.sack[0][0] = seq_of(p, from);
		seg.opts.sack[0][1] = seq_of(p, to + 1);
	}
	return seg;
}

static inline void
send_sack(struct bed_peer *p, uint32_t acked, uint32_t from, uint32_t to)
{
	struct tcp_seg seg = sack_seg(p, acked, from, to);

	bed_peer_send_seg(p, &seg);
}

/* A segment of new data, of which the peer says nothing yet. */
static inline void
send_one_more(struct bed_peer *p)
{
	static const uint8_t data[SEG];

	assert_int_equal(tcp_send(p->bed->stack, &p->bed->env, p->h, data, SEG, 0), SEG);
	tcp_bed_flush(p->bed);
	tcp_bed_discard(p->bed);
}

static inline struct tcp_score *
score_of(const struct bed_peer *p)
{
	return tcp_score(p->bed->stack, bed_peer_conn(p));
}

/* Segments sent and not read, counted. */
#define assert_sent_count(p, n) assert_int_equal(tcp_bed_discard((p)->bed), n)

#endif
