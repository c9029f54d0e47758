/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's packet pool: a small private stock in front of the memory that was handed in. */
#ifndef PKT_POOL_H
#define PKT_POOL_H

#include <stdbool.h>

#include "base/compiler.h"
#include "pkt/pkt.h"

/** Packets moved between the stock and its source at a time. */
#define PKT_POOL_BULK 64u
#define PKT_POOL_STOCK_MAX (4u * PKT_POOL_BULK)

/**
 * Where packets come from. Both calls run on the pool's worker only.
 * alloc: writes up to n packets with refcnt 1, nb_segs 1, seg_next NULL; returns how many
 *        (all or none is fine).
 * free:  takes n packets over, each with refcnt 1, nb_segs 1, seg_next NULL.
 * avail: packets the source could still hand out; an estimate is enough.
 */
struct pkt_source {
	unsigned int (*alloc)(void *ctx, struct pkt **pkts, unsigned int n);
	void (*free)(void *ctx, struct pkt **pkts, unsigned int n);
	unsigned int (*avail)(void *ctx);
	void *ctx;
};

struct pkt_pool {
	unsigned int count;	/* packets in the stock */
	unsigned int stock_max;	/* 0: none is kept, so that a sanitizer sees each free */
	unsigned int bulk;	/* packets asked for at a time */
	unsigned int size;	/* packets the source owns in all */
	unsigned int reserve;	/* packets that application data may never take: RX lives on them */
	unsigned int source_avail; /* what the source had at the last refill */
	uint16_t payload_max;	/* bytes of payload a packet can hold behind its headroom */
	uint32_t charge;	/* bytes of memory a packet takes, however little is in it */
	uint64_t alloc_fails;	/* refused allocations, ever */
	int64_t held;		/* allocated minus freed by this worker: its gauge (I-6) */
	struct pkt_source src;
	struct pkt *stock[PKT_POOL_STOCK_MAX];
};

/**
 * Set up a pool over src. size: packets it owns; reserve: see the field; stock: false makes every
 * allocation and free go to the source. payload_max excludes PKT_HEADROOM.
 */
void pkt_pool_init(struct pkt_pool *pool, const struct pkt_source *src, unsigned int size,
	unsigned int reserve, uint16_t payload_max, bool stock);

/** Hand the whole stock back to the source. */
void pkt_pool_flush(struct pkt_pool *pool);

/**
 * Slow halves of the inline functions below. Not to be put in there after all: with a variable
 * whose address is taken each of their callers would need a stack protector.
 */
SLUICE_NOINLINE struct pkt *pkt_pool_refill(struct pkt_pool *pool);
SLUICE_NOINLINE void pkt_pool_release(struct pkt_pool *pool, struct pkt *p);

/** Packets that could still be allocated, stock included. */
unsigned int pkt_pool_avail(const struct pkt_pool *pool);

/** Ask the source again; the slow half of pkt_pool_has_spare. */
SLUICE_NOINLINE bool pkt_pool_recheck(struct pkt_pool *pool);

/**
 * True while data of applications may take a packet without touching the reserve. Works on the
 * source's count of the last refill and asks again only when that looks short.
 */
static inline bool
pkt_pool_has_spare(struct pkt_pool *pool)
{
	return pool->count + pool->source_avail > pool->reserve || pkt_pool_recheck(pool);
}

/** An empty packet with PKT_HEADROOM in front, or NULL (counted in alloc_fails). */
static inline struct pkt *
pkt_alloc(struct pkt_pool *pool)
{
	struct pkt *p;

	if (pool->count > 0)
		p = pool->stock[--pool->count];
	else
		p = pkt_pool_refill(pool);
	if (p == NULL)
		return NULL;
	pool->held++;
	p->data_off = PKT_HEADROOM;
	p->ol_flags = 0;
	p->tx_offload = 0;
	p->app.next = NULL;
	p->app.flags = 0;
	p->app.sends = 0;
	pkt_set_len(p, 0);
	return p;
}

/**
 * One more holder, so that a queue keeps what a driver sends. Only the worker that owns the pool
 * calls it, but a driver may drop its reference on another core: hence the atomic.
 */
static inline void
pkt_hold(struct pkt_pool *pool, struct pkt *p)
{
	pool->held++;
	if (p->refcnt == 1)
		p->refcnt = 2;
	else
		__atomic_add_fetch(&p->refcnt, 1, __ATOMIC_ACQ_REL);
}

/** True while somebody else (a driver) may still read the buffer: it must not be written. */
static inline bool
pkt_is_shared(const struct pkt *p)
{
	return __atomic_load_n(&p->refcnt, __ATOMIC_ACQUIRE) != 1;
}

/** Give one reference back; the last one returns the packet to the pool. */
static inline void
pkt_free(struct pkt_pool *pool, struct pkt *p)
{
	pool->held--;
	if (p->refcnt != 1) {
		if (__atomic_sub_fetch(&p->refcnt, 1, __ATOMIC_ACQ_REL) != 0)
			return;
		p->refcnt = 1;
		/* A driver gave it up just now, and left the links of its frame to the last. */
		pkt_unchain(p);
	}
	if (pool->count < pool->stock_max)
		pool->stock[pool->count++] = p;
	else
		pkt_pool_release(pool, p);
}

/**
 * Give back a frame of any number of buffers that no driver has. The pool counts it as one: of a
 * chain that is built here, all but the first are disowned.
 */
void pkt_free_chain(struct pkt_pool *pool, struct pkt *p);

/** The packet was received: the worker holds it from now on. */
static inline void
pkt_pool_adopt(struct pkt_pool *pool, unsigned int n)
{
	pool->held += n;
}

/** The packets went to a driver: the worker no longer holds these references. */
static inline void
pkt_pool_disown(struct pkt_pool *pool, unsigned int n)
{
	pool->held -= n;
}

#endif
