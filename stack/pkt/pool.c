/* SPDX-License-Identifier: BSD-3-Clause */
/* The slow half of the packet pool: exchange with the source, in bulk. */
#include <string.h>

#include "pkt/pool.h"

#include "base/assert.h"

void
pkt_pool_init(struct pkt_pool *pool, const struct pkt_source *src, unsigned int size,
	unsigned int reserve, uint16_t payload_max, bool stock)
{
	ASSERT(reserve < size);
	memset(pool, 0, sizeof(*pool));
	pool->src = *src;
	pool->size = size;
	pool->reserve = reserve;
	pool->payload_max = payload_max;
	pool->charge = (uint32_t)sizeof(struct pkt) + PKT_HEADROOM + payload_max;
	pool->stock_max = stock ? PKT_POOL_STOCK_MAX : 0;
	pool->bulk = stock ? PKT_POOL_BULK : 1;
	pool->source_avail = size;
}

void
pkt_pool_flush(struct pkt_pool *pool)
{
	if (pool->count > 0)
		pool->src.free(pool->src.ctx, pool->stock, pool->count);
	pool->count = 0;
}

struct pkt *
pkt_pool_refill(struct pkt_pool *pool)
{
	unsigned int n;

	ASSERT(pool->count == 0);
	n = pool->src.alloc(pool->src.ctx, pool->stock, pool->bulk);
	/* A source near its end may refuse a bulk and still have one. */
	if (n == 0 && pool->bulk > 1)
		n = pool->src.alloc(pool->src.ctx, pool->stock, 1);
	if (n == 0) {
		pool->alloc_fails++;
		return NULL;
	}
	pool->count = n - 1;
	pool->source_avail = pool->src.avail(pool->src.ctx);
	return pool->stock[n - 1];
}

/* The stock is full: half of it goes back, so that the next frees are cheap again. */
void
pkt_pool_release(struct pkt_pool *pool, struct pkt *p)
{
	unsigned int keep = pool->stock_max / 2;

	if (pool->stock_max == 0) {
		pool->src.free(pool->src.ctx, &p, 1);
		return;
	}
	pool->src.free(pool->src.ctx, pool->stock + keep, pool->count - keep);
	pool->count = keep;
	pool->stock[pool->count++] = p;
}

void
pkt_free_chain(struct pkt_pool *pool, struct pkt *p)
{
	pkt_pool_adopt(pool, p->nb_segs - 1u);
	while (p != NULL) {
		struct pkt *next = p->seg_next;

		pkt_unchain(p);
		pkt_free(pool, p);
		p = next;
	}
}

unsigned int
pkt_pool_avail(const struct pkt_pool *pool)
{
	return pool->count + pool->src.avail(pool->src.ctx);
}

bool
pkt_pool_recheck(struct pkt_pool *pool)
{
	pool->source_avail = pool->src.avail(pool->src.ctx);
	return pool->count + pool->source_avail > pool->reserve;
}
