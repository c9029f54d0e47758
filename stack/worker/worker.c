/* SPDX-License-Identifier: BSD-3-Clause */
/* One core's life as a pure step function: what happens to a burst, and in between. */
#include <errno.h>
#include <string.h>

#include "worker/worker.h"

#include "base/assert.h"
#include "base/compiler.h"

/* Received frames are looked at only while their answers find room. */
#define FRAMES_LOW_WATER (PKT_TXQ_CAP / 4)

_Static_assert(WORKER_BURST_MAX * 2 < FRAMES_LOW_WATER, "a burst's answers fit the low water");

void
worker_set_now(struct worker *w, uint64_t now_us)
{
	w->env.now_us = now_us;
	w->env.now_ms = (uint32_t)(now_us / 1000);
}

/*
 * The copy the engines read. TCP works out its shares itself; the net layer knows of no other
 * worker, so its limit for the whole appliance is shared out here, at least one each.
 */
static void
take_tunables(struct worker *w, const struct tunables *tun)
{
	uint32_t icmp = tun->icmp_msgs_per_sec;

	w->tun = *tun;
	if (icmp > 0)
		w->tun.icmp_msgs_per_sec = max_u32(icmp / w->workers, 1);
	w->tun.ipfrag_high_thresh /= w->workers;
}

int
worker_init(struct worker *w, const struct worker_params *par, uint64_t now_us)
{
	struct net_params net = par->net;
	int err;

	net.start_us = now_us;
	if (par->pkts_reserve >= par->pkts || par->tcp.workers == 0)
		return -EINVAL;
	memset(w, 0, sizeof(*w));
	w->id = par->tcp.worker;
	w->workers = par->tcp.workers;
	w->is_mine = par->tcp.is_mine;
	w->is_mine_ctx = par->tcp.is_mine_ctx;
	take_tunables(w, &par->tun);
	pkt_pool_init(&w->pool, &par->source, par->pkts, par->pkts_reserve, par->payload_max,
		par->pkt_stock);
	rng_seed(&w->rng, par->seed);
	w->env = (struct env){
		.tx_caps = par->tx_caps,
		.tun = &w->tun,
		.ctr = &w->ctr,
		.rng = &w->rng,
		.pool = &w->pool,
		.tx = &w->ip_tx,
	};
	worker_set_now(w, now_us);
	err = net_init(&w->net, &net);
	if (err != 0)
		return err;
	err = tcp_stack_create(&par->tcp, now_us, &w->tcp);
	if (err != 0) {
		net_fini(&w->net, &w->env);
		return err;
	}
	sock_init(&w->sluice, w->tcp, &w->env, par->net.local, par->tcp.worker, par->tcp.workers);
	return 0;
}

static void
free_queue(struct worker *w, struct pkt_txq *q)
{
	for (unsigned int i = 0; i < q->count; i++)
		pkt_free_chain(&w->pool, q->pkts[i]);
	q->count = 0;
}

void
worker_fini(struct worker *w, uint64_t now_us)
{
	worker_set_now(w, now_us);
	while (w->stray_count > 0)
		pkt_free(&w->pool, w->strays[--w->stray_count]);
	free_queue(w, &w->ip_tx);
	free_queue(w, &w->frames);
	tcp_stack_destroy(w->tcp, &w->env);
	net_fini(&w->net, &w->env);
	pkt_pool_flush(&w->pool);
}

/* What TCP wants sent gets its Ethernet header, as far as there is room for frames. */
static void
ip_output(struct worker *w)
{
	unsigned int done = 0;

	while (done < w->ip_tx.count && pkt_txq_room(&w->frames) >= 2)
		net_output(&w->net, &w->env, w->ip_tx.pkts[done++], &w->frames);
	if (done == 0)
		return;
	w->ip_tx.count -= done;
	memmove(w->ip_tx.pkts, w->ip_tx.pkts + done, w->ip_tx.count * sizeof(w->ip_tx.pkts[0]));
}

void
worker_set_tap(struct worker *w, struct tap *tap)
{
	w->tap = tap;
	w->tapped = w->frames.count;
}

/* What has been put out since the last look. */
static void
tap_output(struct worker *w)
{
	for (; w->tapped < w->frames.count; w->tapped++) {
		if (tap_hold(w->tap, w->env.now_us, w->frames.pkts[w->tapped], true))
			w->ctr.CaptureLost += !tap_keep(w->tap, TAP_SENT);
	}
}

/* Callbacks first, so that their data carries the ACKs the burst has made due. */
static void
finish(struct worker *w)
{
	sock_dispatch(&w->sluice);
	tcp_flush(w->tcp, &w->env);
	ip_output(w);
	if (w->tap != NULL)
		tap_output(w);
}

static void
drop_burst(struct worker *w, struct pkt **pkts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		w->ctr.outcome[OUT_NO_BUFFER]++;
		pkt_free(&w->pool, pkts[i]);
	}
}

/*
 * The fragments met here, but their connection may be another worker's. The last of them was one
 * more fragment then, and the datagram counts as received anew where it goes.
 */
static bool
is_stray(struct worker *w, const struct tcp_seg *seg)
{
	if (w->is_mine == NULL || w->is_mine(w->is_mine_ctx, &seg->key))
		return false;
	ASSERT(w->stray_count < WORKER_BURST_MAX);
	w->strays[w->stray_count++] = w->net.whole;
	w->ctr.outcome[OUT_FRAG_HELD]++;
	return true;
}

unsigned int
worker_take_strays(struct worker *w, struct pkt **out)
{
	unsigned int n = w->stray_count;

	memcpy(out, w->strays, n * sizeof(out[0]));
	pkt_pool_disown(&w->pool, n);
	w->stray_count = 0;
	return n;
}

bool
worker_may_rx(const struct worker *w)
{
	return pkt_txq_room(&w->frames) >= FRAMES_LOW_WATER;
}

unsigned int
worker_drop_chained(struct worker *w, struct pkt **pkts, unsigned int n)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (pkts[i]->nb_segs == 1) {
			pkts[kept++] = pkts[i];
			continue;
		}
		w->ctr.RxPackets++;
		w->ctr.RxOctets += pkts[i]->pkt_len;
		w->ctr.outcome[OUT_RX_CHAINED]++;
		pkt_pool_adopt(&w->pool, 1);
		pkt_free_chain(&w->pool, pkts[i]);
	}
	return kept;
}

/* Through the layers, all of the burst in each. */
static void
input(struct worker *w, struct pkt **pkts, unsigned int n)
{
	struct tcp_seg segs[WORKER_BURST_MAX];
	struct pkt *tcp_pkts[WORKER_BURST_MAX];
	unsigned int ntcp = 0;
	uint64_t octets = 0;

	for (unsigned int i = 0; i < n; i++) {
		enum net_verdict verdict;

		octets += pkts[i]->data_len;
		verdict = net_input(&w->net, &w->env, pkts[i], &segs[ntcp], &w->frames);
		if (verdict == NET_TCP)
			tcp_pkts[ntcp++] = pkts[i];
		else if (verdict == NET_REPORT)
			tcp_icmp_input(w->tcp, &w->env, &w->net.report);
		else if (verdict == NET_TCP_WHOLE && !is_stray(w, &segs[ntcp]))
			tcp_pkts[ntcp++] = w->net.whole;
	}
	w->ctr.RxOctets += octets;
	tcp_input_burst(w->tcp, &w->env, segs, tcp_pkts, ntcp);
}

/* Which outcome was counted meanwhile? The engines count and tell nobody. */
static unsigned int
outcome_since(const struct worker *w, const uint64_t before[OUTCOME_MAX])
{
	for (unsigned int i = 0; i < OUTCOME_MAX; i++) {
		if (w->ctr.outcome[i] != before[i])
			return i;
	}
	return TAP_SENT + 1;
}

/* Somebody looks on: one frame after the other, so that each is known by its outcome. */
static void
input_tapped(struct worker *w, struct pkt **pkts, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t before[OUTCOME_MAX];
		/* Copied before the engines write their answer into its buffer. */
		bool is_held = tap_hold(w->tap, w->env.now_us, pkts[i], false);

		memcpy(before, w->ctr.outcome, sizeof(before));
		input(w, &pkts[i], 1);
		if (is_held)
			w->ctr.CaptureLost += !tap_keep(w->tap, outcome_since(w, before));
	}
}

void
worker_rx(struct worker *w, uint64_t now_us, struct pkt **pkts, unsigned int n)
{
	ASSERT(n <= WORKER_BURST_MAX);
	ASSERT(w->stray_count == 0);
	worker_set_now(w, now_us);
	pkt_pool_adopt(&w->pool, n);
	w->ctr.RxPackets += n;
	/* The port takes nothing: without a place for answers, receiving more would lose them. */
	if (!worker_may_rx(w)) {
		drop_burst(w, pkts, n);
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		prefetch0(pkt_data(pkts[i]));
	if (w->tap == NULL)
		input(w, pkts, n);
	else
		input_tapped(w, pkts, n);
	finish(w);
}

void
worker_poll(struct worker *w, uint64_t now_us)
{
	worker_set_now(w, now_us);
	if (worker_may_rx(w)) {
		net_poll(&w->net, &w->env, &w->frames);
		tcp_poll(w->tcp, &w->env);
	}
	finish(w);
	w->ctr.PktsInUse = (uint64_t)w->pool.held;
	w->ctr.PktAllocFails = w->pool.alloc_fails;
	w->ctr.TxOctets = w->frames.octets;
}

void
worker_sent(struct worker *w, unsigned int n)
{
	struct pkt_txq *q = &w->frames;

	ASSERT(n <= q->count);
	pkt_pool_disown(&w->pool, n);
	w->ctr.TxPackets += n;
	q->count -= n;
	w->tapped -= min_u32(w->tapped, n);
	memmove(q->pkts, q->pkts + n, q->count * sizeof(q->pkts[0]));
}

uint64_t
worker_poll_at(const struct worker *w)
{
	if (w->ip_tx.count > 0)
		return 0;
	return min_u64(net_poll_at(&w->net), tcp_poll_at(w->tcp));
}

void
worker_set_tunables(struct worker *w, const struct tunables *tun)
{
	take_tunables(w, tun);
}
