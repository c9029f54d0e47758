/* SPDX-License-Identifier: BSD-3-Clause */
/* A bounded list of packets on their way out; engines append, the worker takes. */
#ifndef PKT_TXQ_H
#define PKT_TXQ_H

#include <stdbool.h>

#include "pkt/pkt.h"

#define PKT_TXQ_CAP 1024u

struct pkt_txq {
	unsigned int count;
	uint64_t octets;	/* of all frames ever put, where frames are counted */
	struct pkt *pkts[PKT_TXQ_CAP];
};

/** Packets that still fit. */
static inline unsigned int
pkt_txq_room(const struct pkt_txq *q)
{
	return PKT_TXQ_CAP - q->count;
}

/** Append p, taken over. The caller has checked the room. */
static inline void
pkt_txq_put(struct pkt_txq *q, struct pkt *p)
{
	q->pkts[q->count++] = p;
}

#endif
