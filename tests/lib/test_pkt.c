/* SPDX-License-Identifier: BSD-3-Clause */
/* Heap packets; no test framework here, since fuzzers and the simulation use them too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/test_pkt.h"

#include "base/assert.h"

static struct pkt *
new_pkt(struct test_pkts *tp, uint16_t buf_len)
{
	struct pkt *p = aligned_alloc(_Alignof(struct pkt), sizeof(*p));

	ASSERT(p != NULL);
	memset(p, 0, sizeof(*p));
	p->buf = malloc(buf_len);
	ASSERT(p->buf != NULL);
	p->buf_len = buf_len;
	p->data_off = PKT_HEADROOM;
	p->refcnt = 1;
	p->nb_segs = 1;
	tp->outstanding++;
	return p;
}

static unsigned int
source_alloc(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct test_pkts *tp = ctx;
	unsigned int done;

	for (done = 0; done < n; done++) {
		tp->allocs++;
		if (tp->fail_nth > 0 && --tp->fail_nth == 0) {
			tp->fail_nth = tp->fail_every;
			break;
		}
		if (tp->outstanding >= tp->size)
			break;
		pkts[done] = new_pkt(tp, (uint16_t)(PKT_HEADROOM + tp->room));
	}
	return done;
}

static void
source_free(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct test_pkts *tp = ctx;

	for (unsigned int i = 0; i < n; i++) {
		ASSERT(pkts[i]->refcnt == 1);
		ASSERT(pkts[i]->nb_segs == 1);
		ASSERT(pkts[i]->seg_next == NULL);
		ASSERT(tp->outstanding > 0);
		tp->outstanding--;
		free(pkts[i]->buf);
		free(pkts[i]);
	}
}

static unsigned int
source_avail(void *ctx)
{
	const struct test_pkts *tp = ctx;

	return tp->outstanding < tp->size ? tp->size - tp->outstanding : 0;
}

void
test_pkts_init(struct test_pkts *tp, unsigned int size, uint16_t room)
{
	memset(tp, 0, sizeof(*tp));
	tp->size = size;
	tp->room = room;
	tp->source = (struct pkt_source){ source_alloc, source_free, source_avail, tp };
	pkt_pool_init(&tp->pool, &tp->source, size, 0, room, false);
}

struct pkt *
test_pkts_wrap(struct test_pkts *tp, struct pkt_pool *pool, const void *frame, size_t len)
{
	struct pkt *p;

	ASSERT(len + tp->tail <= UINT16_MAX - PKT_HEADROOM);
	p = new_pkt(tp, (uint16_t)(PKT_HEADROOM + len + tp->tail));
	if (len > 0)
		memcpy(pkt_data(p), frame, len);
	pkt_set_len(p, (uint16_t)len);
	pkt_pool_adopt(pool, 1);
	return p;
}

void
test_pkts_check_none(const struct test_pkts *tp)
{
	if (tp->outstanding == 0)
		return;
	fprintf(stderr, "%u packets were never freed\n", tp->outstanding);
	abort();
}
