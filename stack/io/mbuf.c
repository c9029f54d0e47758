/* SPDX-License-Identifier: BSD-3-Clause */
/* Compile-time proof that struct pkt mirrors rte_mbuf, and packet pools over mempools. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>

#include "io/mbuf.h"

#include "base/assert.h"

#define SAME_FIELD(ours, theirs)                                                                   \
	_Static_assert(                                                                            \
		offsetof(struct pkt, ours) == offsetof(struct rte_mbuf, theirs) &&                 \
			sizeof(((struct pkt *)0)->ours) == sizeof(((struct rte_mbuf *)0)->theirs), \
		#ours)

_Static_assert(sizeof(struct pkt) == sizeof(struct rte_mbuf), "same size");
_Static_assert(_Alignof(struct pkt) == _Alignof(struct rte_mbuf), "same alignment");
SAME_FIELD(buf, buf_addr);
SAME_FIELD(iova, buf_iova);
SAME_FIELD(data_off, data_off);
SAME_FIELD(refcnt, refcnt);
SAME_FIELD(nb_segs, nb_segs);
SAME_FIELD(port, port);
SAME_FIELD(ol_flags, ol_flags);
SAME_FIELD(packet_type, packet_type);
SAME_FIELD(pkt_len, pkt_len);
SAME_FIELD(data_len, data_len);
SAME_FIELD(vlan_tci, vlan_tci);
SAME_FIELD(rss_hash, hash.rss);
SAME_FIELD(hash_hi, hash.fdir.hi);
SAME_FIELD(vlan_tci_outer, vlan_tci_outer);
SAME_FIELD(buf_len, buf_len);
SAME_FIELD(mempool, pool);
SAME_FIELD(seg_next, next);
SAME_FIELD(tx_offload, tx_offload);
SAME_FIELD(shinfo, shinfo);
SAME_FIELD(priv_size, priv_size);
SAME_FIELD(timesync, timesync);

#define APP_OFFSET offsetof(struct pkt, app)
#define APP_BYTES sizeof(((struct pkt *)0)->app)

_Static_assert(APP_OFFSET >= offsetof(struct rte_mbuf, dynfield1), "within the dynamic fields");
_Static_assert(APP_OFFSET + APP_BYTES <= sizeof(struct rte_mbuf), "within the mbuf");

_Static_assert(PKT_RX_L4_CSUM_BAD == RTE_MBUF_F_RX_L4_CKSUM_BAD, "flag");
_Static_assert(PKT_RX_IP_CSUM_BAD == RTE_MBUF_F_RX_IP_CKSUM_BAD, "flag");
_Static_assert(PKT_RX_VLAN_STRIPPED == RTE_MBUF_F_RX_VLAN_STRIPPED, "flag");
_Static_assert(PKT_RX_IP_CSUM_GOOD == RTE_MBUF_F_RX_IP_CKSUM_GOOD, "flag");
_Static_assert(PKT_RX_L4_CSUM_GOOD == RTE_MBUF_F_RX_L4_CKSUM_GOOD, "flag");
_Static_assert(PKT_TX_TCP_SEG == RTE_MBUF_F_TX_TCP_SEG, "flag");
_Static_assert(PKT_TX_TCP_CSUM == RTE_MBUF_F_TX_TCP_CKSUM, "flag");
_Static_assert(PKT_TX_IP_CSUM == RTE_MBUF_F_TX_IP_CKSUM, "flag");
_Static_assert(PKT_TX_IPV4 == RTE_MBUF_F_TX_IPV4, "flag");
_Static_assert(PKT_TX_IPV6 == RTE_MBUF_F_TX_IPV6, "flag");
_Static_assert(PKT_HEADROOM == RTE_PKTMBUF_HEADROOM, "drivers put frames where pkt_alloc does");

/* Packets an lcore keeps of a pool before it touches the part that all share. */
#define LCORE_CACHE 256u
_Static_assert(LCORE_CACHE <= RTE_MEMPOOL_CACHE_MAX_SIZE, "mempool limit");

/* What a mempool adds to each object, and room for its ring and its headers. */
#define POOL_OBJECT_OVERHEAD 128u
#define POOL_FIXED_BYTES (4u << 20)

int
mbuf_claim_app_area(struct io_error *err)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "sluice_app",
		.size = APP_BYTES,
		.align = 8,
	};

	/* tx_offload is a union of bit fields, so its order cannot be asserted at compile time. */
	const struct rte_mbuf probe = {
		.l2_len = 14, .l3_len = 20, .l4_len = 32, .tso_segsz = 1448
	};

	if (probe.tx_offload != (14ULL | 20ULL << 7 | 32ULL << 16 | 1448ULL << 24))
		return io_fail(
			err, -ENOTSUP, "this DPDK orders the transmit offload bits in another way");
	if (rte_mbuf_dynfield_register_offset(&field, APP_OFFSET) < 0)
		return io_fail(err, -EBUSY,
			"a driver or library has taken the packet bytes that the stack needs (%s). "
			"Fix: leave out the port or DPDK option that was added last",
			rte_strerror(rte_errno));
	return 0;
}

uint64_t
mbuf_pool_bytes(unsigned int count, unsigned int payload_max)
{
	uint64_t object =
		sizeof(struct rte_mbuf) + PKT_HEADROOM + payload_max + POOL_OBJECT_OVERHEAD;

	return POOL_FIXED_BYTES + count * (object + 2 * sizeof(void *));
}

/*
 * As rte_pktmbuf_pool_create, but where devices use virtual addresses a packet may lie across
 * pages: otherwise each would take a whole one of ordinary memory.
 */
static struct rte_mempool *
make_pool(const struct mbuf_pool_params *par)
{
	/* A ring whose users wait for each other in turn is slow to recover from preemption. */
	const char *ops = par->oversubscribed ? "ring_mt_rts" : "ring_mp_mc";
	struct rte_pktmbuf_pool_private room = {
		.mbuf_data_room_size = (uint16_t)(PKT_HEADROOM + par->payload_max),
	};
	unsigned int flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	struct rte_mempool *pool = rte_mempool_create_empty(par->name, par->count,
		(unsigned int)sizeof(struct rte_mbuf) + room.mbuf_data_room_size, LCORE_CACHE,
		sizeof(room), par->socket, flags);

	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, ops, NULL) != 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_pktmbuf_pool_init(pool, &room);
	if (rte_mempool_populate_default(pool) != (int)par->count) {
		rte_mempool_free(pool);
		return NULL;
	}
	(void)rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

/*
 * All packets out and in again: the pool's ring has up to twice as many places as packets, and
 * those it has not used yet would become memory one by one while it works.
 */
static int
go_round(struct rte_mempool *pool, unsigned int count)
{
	void **all = malloc(count * sizeof(*all));
	int rc;

	if (all == NULL)
		return -ENOMEM;
	rc = rte_mempool_get_bulk(pool, all, count);
	if (rc == 0)
		rte_mempool_put_bulk(pool, all, count);
	free(all);
	return rc;
}

int
mbuf_pool_create(const struct mbuf_pool_params *par, struct rte_mempool **out, struct io_error *err)
{
	if (par->payload_max > UINT16_MAX - PKT_HEADROOM)
		return io_fail(
			err, -EINVAL, "packet buffers of %u bytes are too large", par->payload_max);
	*out = make_pool(par);
	if (*out != NULL && go_round(*out, par->count) != 0) {
		rte_mempool_free(*out);
		*out = NULL;
	}
	if (*out == NULL)
		return io_fail(err, -ENOMEM,
			"no memory for %u packet buffers of %u bytes: %s. "
			"Fix: lower memory.packets, or give the machine more memory",
			par->count, par->payload_max, rte_strerror(rte_errno));
	return 0;
}

unsigned int
mbuf_pool_avail(const struct rte_mempool *pool)
{
	return rte_mempool_avail_count(pool);
}

static unsigned int
source_alloc(void *ctx, struct pkt **pkts, unsigned int n)
{
	/* Objects at rest in a pktmbuf pool have refcnt 1, one segment and no next. */
	return rte_mempool_get_bulk(ctx, (void **)pkts, n) == 0 ? n : 0;
}

static void
source_free(void *ctx, struct pkt **pkts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		ASSERT_SLOW(pkts[i]->mempool == ctx && pkts[i]->refcnt == 1 &&
			    pkts[i]->nb_segs == 1 && pkts[i]->seg_next == NULL);
	rte_mempool_put_bulk(ctx, (void *const *)pkts, n);
}

/* What the shared part holds plus our own cache; other lcores' caches are out of our reach. */
static unsigned int
source_avail(void *ctx)
{
	const struct rte_mempool *pool = ctx;
	struct rte_mempool_cache *cache = rte_mempool_default_cache(ctx, rte_lcore_id());
	unsigned int n = rte_mempool_get_ops(pool->ops_index)->get_count(pool);

	return cache != NULL ? n + cache->len : n;
}

struct pkt_source
mbuf_source(struct rte_mempool *pool)
{
	return (struct pkt_source){
		.alloc = source_alloc,
		.free = source_free,
		.avail = source_avail,
		.ctx = pool,
	};
}

void
mbuf_free_burst(struct pkt **pkts, unsigned int n)
{
	rte_pktmbuf_free_bulk(mbuf_array_of(pkts), n);
}
