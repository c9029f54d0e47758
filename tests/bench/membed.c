/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker over an in-memory driver: frames are written, taken over, answered and read. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/membed.h"

#include "base/compiler.h"
#include "io/pages.h"

#define BUF_LEN 2176u
#define BURST 64u
#define MEMBED_WASTE "SLUICE_BENCH_WASTE" /* environment: membed.waste */

static unsigned int
drv_alloc(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct membed_driver *d = ctx;

	if (d->nfree < n)
		return 0;
	d->nfree -= n;
	memcpy(pkts, d->free + d->nfree, n * sizeof(*pkts));
	return n;
}

static void
drv_free(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct membed_driver *d = ctx;

	memcpy(d->free + d->nfree, pkts, n * sizeof(*pkts));
	d->nfree += n;
}

static unsigned int
drv_avail(void *ctx)
{
	const struct membed_driver *d = ctx;

	return d->nfree;
}

static void
drv_init(struct membed_driver *d, unsigned int size)
{
	d->size = size;
	d->pkts = bench_alloc(size, sizeof(*d->pkts));
	d->bufs = bench_alloc(size, BUF_LEN);
	d->free = bench_alloc(size, sizeof(struct pkt *));
	for (unsigned int i = 0; i < size; i++) {
		struct pkt *p = &d->pkts[i];

		p->buf = d->bufs + (size_t)i * BUF_LEN;
		p->buf_len = BUF_LEN;
		p->refcnt = 1;
		p->nb_segs = 1;
		d->free[d->nfree++] = p;
	}
}

void
membed_open_sized(struct membed *m, const struct membed_sizes *sizes)
{
	struct worker_params par = {
		.net = {
			.mac = peer_server_mac,
			.mtu = 1500,
			.trust_rx_csum = true,
			.neigh_max = 1024,
			.neigh_key = { { 1, 2 } },
			.gateway4 = ip_addr_from_v4(PEER_GATEWAY_ADDR),
		},
		.tcp = {
			.conns_max = sizes->conns,
			.park_after_ms = TCP_PARK_AFTER_MS,
			.synq_max = sizes->synq,
			.timewait_max = sizes->time_wait,
			.ranges_max = 4096,
			.mtu = 1500,
			.workers = 1,
			.flow_key = { { 3, 4 } },
			.isn_key = { { 5, 6 } },
			.cookie_key = { { { 7, 8 } }, { { 9, 10 } } },
			.port_key = { { 11, 12 } },
			.mem = pages_source(),
		},
		.pkts = 16384,
		.pkts_reserve = 1024,
		.payload_max = BUF_LEN - PKT_HEADROOM,
		.pkt_stock = true,
		.tx_caps = ENV_TX_IP_CSUM | ENV_TX_TCP_CSUM,
		.seed = 1,
	};
	struct ip_addr gw = ip_addr_from_v4(PEER_GATEWAY_ADDR);

	memset(m, 0, sizeof(*m));
	drv_init(&m->drv, par.pkts);
	m->now_us = 1000000000;
	m->local.count = 1;
	m->local.addr[0] = ip_addr_from_v4(PEER_SERVER_ADDR);
	m->local.prefix_len[0] = 24;
	if (sizes->has_ip6) {
		memcpy(m->local.addr[1].b, peer_server_ip6, sizeof(peer_server_ip6));
		m->local.prefix_len[m->local.count++] = 64;
	}
	par.net.local = &m->local;
	par.tcp.local = &m->local;
	if (getenv(MEMBED_WASTE) != NULL)
		m->waste = strtoull(getenv(MEMBED_WASTE), NULL, 10);
	par.source = (struct pkt_source){ drv_alloc, drv_free, drv_avail, &m->drv };
	tunables_default(&par.tun);
	if (worker_init(&m->w, &par, m->now_us) != 0)
		abort();
	net_set_neighbour(&m->w.net, &m->w.env, &gw, &peer_gateway_mac);
}

void
membed_open(struct membed *m, uint32_t conns)
{
	membed_open_sized(m, &(struct membed_sizes){
		.conns = conns + 1024,
		.synq = 65536,
		.time_wait = 65536,
	});
}

void
membed_close(struct membed *m)
{
	worker_fini(&m->w, m->now_us);
	free(m->drv.pkts);
	free(m->drv.bufs);
	free(m->drv.free);
}

/* The frame as a port delivers it that checks checksums. */
static void
write_frame(struct pkt *p, const struct peer_frame *f)
{
	p->data_off = PKT_HEADROOM;
	pkt_set_len(p, peer_frame_write(p->buf + PKT_HEADROOM, f));
	p->ol_flags = PKT_RX_IP_CSUM_GOOD |
		(f->lie == PEER_BAD_CHECKSUM ? PKT_RX_L4_CSUM_BAD : PKT_RX_L4_CSUM_GOOD);
}

/* The port has sent them: their references go back to where they came from. */
static void
driver_sent(struct membed *m, unsigned int n)
{
	struct pkt_txq *q = &m->w.frames;

	for (unsigned int i = 0; i < n; i++) {
		struct pkt *p = q->pkts[i];

		if (p->refcnt != 1)
			__atomic_sub_fetch(&p->refcnt, 1, __ATOMIC_ACQ_REL);
		else
			drv_free(&m->drv, &p, 1);
	}
	worker_sent(&m->w, n);
}

void
membed_idle(struct membed *m, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		m->now_us += 10000;
		membed_burst(m, NULL, 0, NULL, 0);
	}
}

/* For the test of the gate. */
static void
waste(struct membed *m)
{
	uint64_t start = bench_now(), spent = 0;

	while (spent < m->waste)
		spent = bench_now() - start;
	m->cycles += spent;
}

/* What has been put out, at most max of it. */
static void
read_replies(const struct membed *m, struct peer_reply *replies, unsigned int max)
{
	for (unsigned int i = 0; i < m->w.frames.count && i < max; i++)
		peer_reply_read(pkt_data(m->w.frames.pkts[i]), &replies[i]);
}

/* What timers have put out, behind the first n. */
static unsigned int
send_rest(struct membed *m, struct peer_reply *replies, unsigned int n, unsigned int max)
{
	unsigned int count = m->w.frames.count;
	uint64_t start;

	if (n < max)
		read_replies(m, replies + n, max - n);
	start = bench_now();
	driver_sent(m, count);
	m->cycles += bench_now() - start;
	return count;
}

unsigned int
membed_burst(struct membed *m, const struct peer_frame *frames, unsigned int n,
	struct peer_reply *replies, unsigned int max)
{
	struct pkt *pkts[BURST];
	unsigned int count;
	uint64_t start;

	if (drv_alloc(&m->drv, pkts, n) != n)
		abort();
	for (unsigned int i = 0; i < n; i++)
		write_frame(pkts[i], &frames[i]);
	m->now_us++;
	start = bench_now();
	/* As the loop of an lcore does; it reads the counter without a fence. */
	if (n > 0)
		residence_enter(&m->residence, bench_ticks(), n);
	worker_rx(&m->w, m->now_us, pkts, n);
	m->cycles += bench_now() - start;
	if (m->waste > 0 && n > 0)
		waste(m);
	count = m->w.frames.count;
	read_replies(m, replies, max);
	start = bench_now();
	driver_sent(m, count);
	if (residence_may_leave(&m->residence, m->w.ctr.TxPackets, m->w.ctr.TxPackets))
		residence_leave(&m->residence, bench_ticks());
	m->sent_at = m->cycles + bench_ticks() - start;
	worker_poll(&m->w, m->now_us);
	m->cycles += bench_now() - start;
	if (m->w.frames.count > 0)
		count += send_rest(m, replies, count, max);
	return count;
}
