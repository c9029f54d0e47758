/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets on the heap for tests: each buffer is an allocation of its own and exactly as long. */
#ifndef LIB_TEST_PKT_H
#define LIB_TEST_PKT_H

#include <stddef.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "pkt/pool.h"

/**
 * A struct pkt_source over malloc. A sanitizer sees a read or write one byte beyond any buffer,
 * and every use of a packet after it was freed.
 */
struct test_pkts {
	struct pkt_pool pool;		/* to be used as a worker's pool; keeps no stock */
	struct pkt_source source;	/* the same packets, for who makes a pool of its own */
	unsigned int size;		/* packets that may exist at a time */
	unsigned int outstanding;	/* packets that exist */
	unsigned int allocs;		/* allocations asked for, failed ones included */
	unsigned int fail_nth;		/* that allocation fails, 1 the next; 0 none; counts down */
	unsigned int fail_every;	/* then every so many fail; 0: only that one */
	uint16_t room;			/* bytes behind the headroom of an allocated packet */
	uint16_t tail;			/* bytes behind the frame of a received one; 0 at first */
};

/** size packets of room bytes behind PKT_HEADROOM; no reserve. */
void test_pkts_init(struct test_pkts *tp, unsigned int size, uint16_t room);

/** A received packet: its buffer ends tail bytes behind the frame. Held by pool. Never NULL. */
struct pkt *test_pkts_wrap(
	struct test_pkts *tp, struct pkt_pool *pool, const void *frame, size_t len);

/** Ends the program, saying how many, if a packet still exists. */
void test_pkts_check_none(const struct test_pkts *tp);

#endif
