/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the rings between workers. */
#include <errno.h>
#include <stdlib.h>

#include "io/handoff.h"

#include "base/assert.h"

/*
 * A ring uses all its slots in turn, so one for the largest depth would go through the cache each
 * time. It begins with room for a depth that is doubled, and may grow into the rest, which costs no
 * memory before.
 */
static struct ring *
make_ring(uint32_t depth, uint32_t depth_max)
{
	uint32_t capacity = 1, most;
	void *mem;

	while (capacity < 2 * depth)
		capacity *= 2;
	most = max_u32(capacity, depth_max);
	mem = aligned_alloc(
		CACHE_LINE, (ring_bytes(most) + CACHE_LINE - 1) & ~(CACHE_LINE - 1ul));
	return mem != NULL ? ring_init_growing(mem, capacity, most) : NULL;
}

int
handoff_init(struct handoff *h, unsigned int workers, unsigned int owners, uint32_t depth)
{
	bool ok = true;

	ASSERT(workers <= EAL_WORKERS_MAX);
	ASSERT(owners >= 1 && owners <= workers);
	ASSERT(depth <= HANDOFF_DEPTH_MAX);
	memset(h, 0, sizeof(*h));
	h->workers = workers;
	h->owners = owners;
	for (unsigned int from = 0; from < owners; from++)
		for (unsigned int to = 0; to < workers; to++) {
			if (from == to)
				continue;
			h->rx[from][to] = make_ring(depth, HANDOFF_DEPTH_MAX);
			ok = ok && h->rx[from][to] != NULL;
		}
	for (unsigned int from = owners; from < workers; from++) {
		h->tx[from] = make_ring(depth, 0);
		ok = ok && h->tx[from] != NULL;
	}
	if (ok)
		return 0;
	handoff_fini(h);
	return -ENOMEM;
}

void
handoff_fini(struct handoff *h)
{
	for (unsigned int from = 0; from < h->workers; from++) {
		for (unsigned int to = 0; to < h->workers; to++)
			free(h->rx[from][to]);
		free(h->tx[from]);
	}
	memset(h, 0, sizeof(*h));
}
