/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives one worker and watches what every port may rely on. */
#include <stdlib.h>
#include <string.h>

#include "lib/host.h"

#include "lib/fail.h"
#include "lib/view.h"

/* How often a worker is polled whose port takes nothing. */
#define STALLED_POLL_US 10000u
/* Rounds of worker_poll at one instant after which the worker is said to spin. */
#define ROUNDS_MAX 100000u

void
host_params_default(struct host_params *par)
{
	memset(par, 0, sizeof(*par));
	tunables_default(&par->tun);
	par->gateway4 = ip_addr_from_v4(0);
	par->mac = (struct mac_addr){ { 0x02, 0, 0, 0, 0, 1 } };
	par->seed = 1;
	par->start_us = 1000000;
	par->conns_max = 256;
	par->park_after_ms = TCP_PARK_AFTER_MS;
	par->synq_max = 256;
	par->timewait_max = 256;
	par->ranges_max = 1024;
	par->pkts = 4096;
	par->pkts_reserve = 64;
	par->mtu = 1500;
	par->workers = 1;
	par->rx_exact = true;
	par->tx_ring = HOST_RING_MAX;
}

void
host_params_add_addr(struct host_params *par, const char *addr, uint8_t prefix_len)
{
	struct local_addrs *local = &par->local;

	CHECK(local->count < LOCAL_ADDRS_MAX, "too many addresses");
	CHECK(ip_addr_parse(&local->addr[local->count], addr, strlen(addr)) == 0, "%s", addr);
	local->prefix_len[local->count++] = prefix_len;
}

static struct siphash_key
draw_key(struct rng *rng)
{
	struct siphash_key key = { { rng_u64(rng), rng_u64(rng) } };

	return key;
}

static void
fill_worker_params(struct host *h, struct worker_params *wp)
{
	const struct host_params *par = &h->par;
	struct rng rng;

	rng_seed(&rng, par->seed);
	memset(wp, 0, sizeof(*wp));
	wp->net.mac = par->mac;
	wp->net.mtu = par->mtu;
	wp->net.primary = par->worker == 0;
	wp->net.gateway4 = par->gateway4;
	wp->net.local = &h->par.local;
	wp->net.neigh_max = 256;
	wp->tcp.conns_max = par->conns_max;
	wp->tcp.park_after_ms = par->park_after_ms;
	wp->tcp.synq_max = par->synq_max;
	wp->tcp.timewait_max = par->timewait_max;
	wp->tcp.ranges_max = par->ranges_max;
	wp->tcp.mtu = par->mtu;
	wp->tcp.worker = par->worker;
	wp->tcp.workers = par->workers;
	wp->tcp.is_mine = par->is_mine;
	wp->tcp.is_mine_ctx = par->is_mine_ctx;
	wp->tcp.flow_key = draw_key(&rng);
	wp->tcp.isn_key = draw_key(&rng);
	wp->tcp.cookie_key[0] = draw_key(&rng);
	wp->tcp.cookie_key[1] = draw_key(&rng);
	wp->tcp.port_key = draw_key(&rng);
	wp->tcp.local = &h->par.local;
	wp->source = h->pkts.source;
	wp->pkts = par->pkts;
	wp->pkts_reserve = par->pkts_reserve;
	wp->payload_max = h->pkts.room;
	wp->pkt_stock = false;
	wp->tx_caps = par->tx_caps;
	wp->tun = par->tun;
	wp->seed = rng_u64(&rng) + par->worker;
}

void
host_init(struct host *h, const struct host_params *par,
	void (*out)(void *ctx, const uint8_t *buf, size_t len), void *out_ctx)
{
	struct worker_params wp;
	int rc;

	memset(h, 0, sizeof(*h));
	h->par = *par;
	h->now_us = par->start_us;
	h->out = out;
	h->out_ctx = out_ctx;
	test_pkts_init(&h->pkts, par->pkts, (uint16_t)(par->mtu + 64));
	fill_worker_params(h, &wp);
	rc = worker_init(&h->w, &wp, par->start_us);
	CHECK(rc == 0, "worker_init: %d", rc);
}

/* A frame's buffers in a row; returns how long it is. */
static size_t
gather(const struct pkt *p, uint8_t *to)
{
	size_t len = 0;

	for (; p != NULL; p = p->seg_next) {
		memcpy(to + len, pkt_data(p), p->data_len);
		len += p->data_len;
	}
	return len;
}

/* As rte_pktmbuf_free: what somebody else holds, too, keeps its link. */
static void
drop_reference(struct host *h, struct pkt *p)
{
	h->ring_bufs--;
	if (--p->refcnt > 0)
		return;
	p->refcnt = 1;
	pkt_unchain(p);
	h->pkts.source.free(h->pkts.source.ctx, &p, 1);
}

/* What the port's completion does: its references go, the buffers are not ours any more. */
static void
release(struct host *h)
{
	struct host_tx *tx = &h->ring[h->ring_head];
	struct pkt *p = tx->p;

	if (tx->copy != NULL) {
		CHECK(gather(p, h->wire) == tx->len && memcmp(h->wire, tx->copy, tx->len) == 0,
			"a frame was changed while the port still read it");
		free(tx->copy);
	}
	h->ring_head = (h->ring_head + 1) % HOST_RING_MAX;
	h->ring_count--;
	while (p != NULL) {
		struct pkt *next = p->seg_next;

		drop_reference(h, p);
		p = next;
	}
}

static void
release_due(struct host *h)
{
	while (!h->stalled && h->ring_count > 0 &&
		h->ring[h->ring_head].release_us <= h->now_us)
		release(h);
}

/* One frame to the other end. */
static void
send_frame(struct host *h, const uint8_t *buf, size_t len)
{
	h->stats.frames_out++;
	h->stats.bytes_out += len;
	h->out(h->out_ctx, buf, len);
}

/* Cut the frame of len bytes in h->wire, as a port with TSO does. */
static void
cut(struct host *h, const struct pkt *p, size_t len)
{
	size_t l2 = p->tx_offload & 0x7f, l3 = p->tx_offload >> 7 & 0x1ff;
	size_t head = l2 + l3 + (p->tx_offload >> 16 & 0xff);
	size_t mss = p->tx_offload >> 24 & 0xffff;
	bool v4 = (p->ol_flags & PKT_TX_IPV4) != 0;
	uint32_t seq = load_be32(h->wire + l2 + l3 + 4);
	uint8_t flags = h->wire[l2 + l3 + 13];

	CHECK(h->par.tx_caps & ENV_TX_TSO, "offload the port lacks");
	CHECK(mss > 0 && len > head + mss && head + mss <= h->par.mtu + l2, "nothing to cut");
	CHECK(load_be16(h->wire + l2 + (v4 ? 2 : 4)) == len - l2 - (v4 ? 0 : l3),
		"the length of a packet to be cut");
	for (size_t at = head; at < len; at += mss) {
		size_t n = len - at < mss ? len - at : mss;
		uint8_t *tcp = h->piece + l2 + l3;

		memcpy(h->piece, h->wire, head);
		memcpy(h->piece + head, h->wire + at, n);
		store_be16(h->piece + l2 + (v4 ? 2 : 4),
			(uint16_t)(head + n - l2 - (v4 ? 0 : l3)));
		store_be32(tcp + 4, seq + (uint32_t)(at - head));
		tcp[13] = (uint8_t)(flags & ~(at > head ? 0x80 : 0) & ~(at + n < len ? 0x09 : 0));
		view_fill_csums(h->piece, head + n, v4, true);
		send_frame(h, h->piece, head + n);
	}
}

/* Take one frame as a port would: do what it offers to do, and keep a reference. */
static void
take(struct host *h, struct pkt *p)
{
	struct host_tx *tx = &h->ring[(h->ring_head + h->ring_count) % HOST_RING_MAX];
	size_t len = p->pkt_len;

	CHECK(len <= sizeof(h->wire), "a frame of %zu bytes was sent", len);
	CHECK(p->nb_segs == 1 || (p->ol_flags & PKT_TX_TCP_SEG), "a chain of buffers was sent");
	CHECK(gather(p, h->wire) == len, "a chain of another length than it says");
	for (const struct pkt *s = p; s != NULL; s = s->seg_next) {
		CHECK(s->refcnt >= 1, "a free packet was sent");
		h->ring_bufs++;
	}
	tx->p = p;
	tx->len = (uint32_t)len;
	tx->release_us = h->now_us + h->par.tx_hold_us;
	tx->copy = NULL;
	if (h->par.tx_hold_us > 0) {
		tx->copy = malloc(len);
		CHECK(tx->copy != NULL, "out of memory");
		memcpy(tx->copy, h->wire, len);
	}
	h->ring_count++;
	if (p->ol_flags & PKT_TX_TCP_SEG) {
		cut(h, p, len);
		return;
	}
	if (p->ol_flags & (PKT_TX_TCP_CSUM | PKT_TX_IP_CSUM)) {
		bool ip = (p->ol_flags & PKT_TX_IP_CSUM) != 0;
		bool tcp = (p->ol_flags & PKT_TX_TCP_CSUM) != 0;

		CHECK(!ip || (h->par.tx_caps & ENV_TX_IP_CSUM), "offload the port lacks");
		CHECK(!tcp || (h->par.tx_caps & ENV_TX_TCP_CSUM), "offload the port lacks");
		view_fill_csums(h->wire, len, ip, tcp);
	}
	send_frame(h, h->wire, len);
}

/* Returns how many frames the ring had no room for. */
static unsigned int
drain(struct host *h)
{
	unsigned int n = 0;

	release_due(h);
	while (n < h->w.frames.count && h->ring_count < h->par.tx_ring && !h->stalled) {
		take(h, h->w.frames.pkts[n++]);
		release_due(h);
	}
	worker_sent(&h->w, n);
	release_due(h);
	return h->w.frames.count;
}

static void
move_clock(struct host *h, uint64_t now_us)
{
	CHECK(now_us >= h->now_us, "the clock went back");
	h->now_us = now_us;
	h->stats.steps++;
}

/* A receive buffer with the frame in it, or NULL when the port would have had none. */
static struct pkt *
fill_buffer(struct host *h, const uint8_t *buf, size_t len)
{
	struct pkt *p;

	/* The worker counts as its own what it receives; until then nobody's pool does. */
	if (h->par.rx_exact)
		return test_pkts_wrap(&h->pkts, &h->pkts.pool, buf, len);
	if (h->pkts.source.alloc(h->pkts.source.ctx, &p, 1) == 0)
		return NULL;
	CHECK(len <= (size_t)(p->buf_len - PKT_HEADROOM), "frame longer than a buffer");
	p->data_off = PKT_HEADROOM;
	p->ol_flags = 0;
	memcpy(pkt_data(p), buf, len);
	pkt_set_len(p, (uint16_t)len);
	return p;
}

void
host_rx(struct host *h, uint64_t now_us, const uint8_t *const *bufs, const size_t *lens,
	unsigned int n)
{
	struct pkt *pkts[WORKER_BURST_MAX];
	unsigned int done = 0;

	move_clock(h, now_us);
	do {
		unsigned int burst = 0;

		while (done < n && burst < WORKER_BURST_MAX) {
			struct pkt *p = fill_buffer(h, bufs[done], lens[done]);

			h->stats.bytes_in += lens[done++];
			if (p == NULL)
				h->stats.rx_no_buffer++;
			else
				pkts[burst++] = p;
		}
		h->stats.frames_in += burst;
		worker_rx(&h->w, now_us, pkts, burst);
		drain(h);
	} while (done < n);
}

void
host_run(struct host *h, uint64_t now_us)
{
	unsigned int rounds = 0;

	move_clock(h, now_us);
	for (;;) {
		worker_poll(&h->w, now_us);
		/* A full ring is the port's to empty, later. */
		if (drain(h) > 0 || worker_poll_at(&h->w) > now_us)
			break;
		CHECK(++rounds < ROUNDS_MAX, "worker_poll_at() stays in the past");
	}
}

uint64_t
host_next_at(const struct host *h)
{
	uint64_t at = h->w.frames.count > 0 ? UINT64_MAX : worker_poll_at(&h->w);

	if (h->stalled)
		return h->w.frames.count > 0 ? h->now_us + STALLED_POLL_US : at;
	if (h->ring_count > 0 && h->ring[h->ring_head].release_us < at)
		at = h->ring[h->ring_head].release_us;
	return at < h->now_us ? h->now_us : at;
}

void
host_check(const struct host *h, bool deep)
{
	const struct counters *ctr = &h->w.ctr;
	uint64_t outcomes = counters_ok(ctr) + counters_drops(ctr);

	/* I-12: each received packet is counted exactly once. */
	CHECK(outcomes == h->stats.frames_in,
		"I-12: %llu frames came in, %llu outcomes were counted",
		(unsigned long long)h->stats.frames_in, (unsigned long long)outcomes);
	/* I-6: no packet without an owner: the worker's references and the port's cover all. */
	CHECK(h->w.pool.held >= 0, "more packets freed than held");
	CHECK((uint64_t)h->w.pool.held + h->ring_bufs >= h->pkts.outstanding,
		"I-6: %u packets exist, %lld references are held", h->pkts.outstanding,
		(long long)h->w.pool.held + h->ring_bufs);
	if (deep)
		tcp_check_invariants(h->w.tcp, &h->w.env);
}

void
host_check_idle(const struct host *h)
{
	host_check(h, true);
	CHECK(tcp_conn_count(h->w.tcp) == 0, "%u connections left", tcp_conn_count(h->w.tcp));
	CHECK(h->w.ctr.TimeWaits == 0, "TIME-WAITs left");
	CHECK(tcp_poll_at(h->w.tcp) == UINT64_MAX, "a TCP timer is left, due %lld us from now",
		(long long)(tcp_poll_at(h->w.tcp) - h->now_us));
	CHECK(h->w.pool.held == 0, "%lld packets still held", (long long)h->w.pool.held);
	CHECK(h->pkts.outstanding == h->ring_bufs, "%u packets leaked", h->pkts.outstanding);
}

void
host_fini(struct host *h)
{
	worker_fini(&h->w, h->now_us);
	while (h->ring_count > 0)
		release(h);
	test_pkts_check_none(&h->pkts);
}
