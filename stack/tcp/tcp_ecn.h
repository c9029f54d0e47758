/* SPDX-License-Identifier: BSD-3-Clause */
/* ECN on the way in and out of every segment: shifts and masks. */
#ifndef TCP_TCP_ECN_H
#define TCP_TCP_ECN_H

#include "tcp/tcp_int.h"

_Static_assert(TF_ECN >> 28 == IP_ECN_ECT0, "tcp_ecn_new_data");
_Static_assert(TF_ECN_ECE >> 24 == TCP_ECE, "tcp_ecn_echo");
_Static_assert(TF_ECN_CWR >> 24 == TCP_CWR, "tcp_ecn_new_data");
_Static_assert(TF_ECN << 2 == TF_ECN_CWR, "tcp_ecn_reduced");

/** ECE while the peer must be told of a mark (RFC 3168 s6.1.3). */
static inline uint16_t
tcp_ecn_echo(const struct tcp_conn *c)
{
	return (uint16_t)(c->flags >> 24 & TCP_ECE);
}

/** A segment of new data: CWR if it is due, and what its IP header says (s6.1.2). */
static inline uint16_t
tcp_ecn_new_data(struct tcp_conn *c, uint8_t *ecn)
{
	uint16_t cwr = (uint16_t)(c->flags >> 24 & TCP_CWR);

	*ecn = (uint8_t)(c->flags >> 28 & IP_ECN_ECT0);
	c->flags &= ~TF_ECN_CWR;
	return cwr;
}

/** The window was reduced, for whatever reason: the peer may stop saying ECE (s6.1.2). */
static inline void
tcp_ecn_reduced(struct tcp_conn *c)
{
	c->flags |= (c->flags & TF_ECN) << 2;
}

/** A bit beyond TCP_FLAGS_ALL if the segment was marked, so that one comparison sees both. */
static inline uint16_t
tcp_ecn_ce_bit(const struct tcp_seg *seg)
{
	return (uint16_t)((seg->ecn + 1) << 8 & 0x400);
}

#endif
