/* SPDX-License-Identifier: BSD-3-Clause */
/* Run to completion: no lock, no allocation, one look at the clock per round. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <rte_launch.h>

#include "io/lcore.h"

#include "base/assert.h"
#include "io/mbuf.h"

/* Output is sent in between once this much waits, so that a burst always finds room for replies. */
#define TX_EARLY (PKT_TXQ_CAP / 4)
/* A port that takes nothing for this long has nobody at the other end: frames are thrown away. */
#define TX_STUCK_US 50000u
/* How soon to look again at a port that was full. */
#define TX_RETRY_US 20u

/* --- out ------------------------------------------------------------------------------------ */

/* Drop the first n frames, as a port would that sends them nowhere. */
static void
throw_away(struct lcore *lc, struct pkt **pkts, unsigned int n)
{
	mbuf_free_burst(pkts, n);
	lc->worker->ctr.TxDrops += n;
}

/* Give n frames to the port; returns how many are gone: sent, or impossible to send. */
static unsigned int
port_send(struct lcore *lc, struct pkt **pkts, unsigned int n)
{
	struct rte_mbuf **mbufs = mbuf_array_of(pkts);
	uint16_t ready = (uint16_t)n;
	uint16_t sent;

	if (lc->tx_prepare)
		ready = rte_eth_tx_prepare(lc->port_id, lc->queue, mbufs, (uint16_t)n);
	sent = rte_eth_tx_burst(lc->port_id, lc->queue, mbufs, ready);
	if (sent == ready && ready < n) {
		/* The device refuses this one for good; the ones behind it come next time. */
		throw_away(lc, pkts + ready, 1);
		sent++;
	}
	if (sent > 0)
		nudge_after_send(&lc->nudge);
	return sent;
}

/* Frames that nobody has taken for too long; returns true if they may be thrown away now. */
static bool
is_stuck(struct lcore *lc, unsigned int gone, uint64_t now_us)
{
	if (gone > 0) {
		lc->tx_moved_us = now_us;
		return false;
	}
	return now_us - lc->tx_moved_us > TX_STUCK_US;
}

/* Whose answers are gone? */
static void
note_left(struct lcore *lc)
{
	const struct worker *w = lc->worker;
	uint64_t sent = w->ctr.TxPackets;

	while (residence_may_leave(&lc->residence, sent, sent + w->frames.count))
		residence_leave(&lc->residence, rte_rdtsc());
}

/* Send, or hand to the worker that sends for us, what the engines have put out. */
static unsigned int
transmit(struct lcore *lc, uint64_t now_us)
{
	const struct handoff *h = lc->group->handoff;
	struct pkt_txq *q = &lc->worker->frames;
	unsigned int gone;

	if (q->count == 0) {
		lc->tx_moved_us = now_us;
		note_left(lc);
		return 0;
	}
	if (lc->owns_queue) {
		gone = port_send(lc, q->pkts, q->count);
	} else {
		gone = ring_put_burst(h->tx[lc->id], (void *const *)q->pkts, q->count);
		if (gone > 0)
			idle_wake(&lc->group->each[handoff_sender_of(h, lc->id)]->idle);
	}
	if (is_stuck(lc, gone, now_us)) {
		gone = q->count;
		lc->stats.tx_stuck += gone;
		throw_away(lc, q->pkts, gone);
	}
	worker_sent(lc->worker, gone);
	note_left(lc);
	return gone;
}

/* Send the frames of workers without a queue. */
static unsigned int
relay(struct lcore *lc)
{
	const struct handoff *h = lc->group->handoff;
	unsigned int total = 0;

	for (unsigned int from = h->owners + lc->id; from < h->workers; from += h->owners) {
		if (lc->relay_next == lc->relay_count) {
			lc->relay_next = 0;
			lc->relay_count =
				ring_get_burst(h->tx[from], (void **)lc->relay, LCORE_BURST_MAX);
		}
		if (lc->relay_next < lc->relay_count) {
			unsigned int n = port_send(
				lc, lc->relay + lc->relay_next, lc->relay_count - lc->relay_next);

			lc->relay_next += n;
			total += n;
		}
	}
	return total;
}

/* --- in ------------------------------------------------------------------------------------- */

/* A worker that does not drain its ring loses packets; the others do not notice. */
static void
flush_outbox(struct lcore *lc, unsigned int to)
{
	struct lcore_outbox *box = &lc->out[to];
	struct counters *ctr = &lc->worker->ctr;
	unsigned int put;

	if (box->count == 0)
		return;
	put = ring_put_burst_below(lc->group->handoff->rx[lc->id][to], (void *const *)box->pkts,
		box->count, lc->worker->tun.netdev_max_backlog);
	ctr->HandoverOut += put;
	if (put < box->count) {
		unsigned int lost = box->count - put;

		mbuf_free_burst(box->pkts + put, lost);
		ctr->RxPackets += lost;
		ctr->HandoverDrops += lost;
		ctr->outcome[OUT_HANDOVER_FULL] += lost;
	}
	box->count = 0;
	if (put > 0)
		idle_wake(&lc->group->each[to]->idle);
}

static void
copy_to_others(struct lcore *lc, struct pkt *p)
{
	for (unsigned int to = 0; to < lc->group->count; to++) {
		struct rte_mbuf *m;

		if (to == lc->id)
			continue;
		m = rte_pktmbuf_copy(mbuf_of(p), lc->group->pool, 0, UINT32_MAX);
		if (m != NULL)
			lc->out[to].pkts[lc->out[to].count++] = mbuf_pkt(m);
	}
}

/* Keep ours, pass on the others'; returns how many of pkts are ours now. */
static unsigned int
sort_out(struct lcore *lc, struct pkt **pkts, unsigned int n)
{
	uint32_t owners[LCORE_BURST_MAX];
	unsigned int mine = 0;

	steer_burst(lc->group->steer, pkts, n, owners);
	for (unsigned int i = 0; i < n; i++) {
		if (owners[i] == STEER_ALL)
			copy_to_others(lc, pkts[i]);
		if (owners[i] == STEER_ALL || owners[i] == lc->id) {
			pkts[mine++] = pkts[i];
		} else {
			struct lcore_outbox *box = &lc->out[owners[i]];

			box->pkts[box->count++] = pkts[i];
		}
	}
	for (unsigned int to = 0; to < lc->group->count; to++)
		flush_outbox(lc, to);
	return mine;
}

/* Datagrams whose fragments met here, to the workers that own their connections. */
static void
pass_on(struct lcore *lc)
{
	struct pkt *pkts[WORKER_BURST_MAX];
	unsigned int n = worker_take_strays(lc->worker, pkts);

	/* What comes back is ours after all: steering is what called it a stray. */
	n = sort_out(lc, pkts, n);
	if (n > 0)
		mbuf_free_burst(pkts, n);
}

static void
deliver(struct lcore *lc, struct pkt **pkts, unsigned int n, uint64_t now_us)
{
	worker_rx(lc->worker, now_us, pkts, n);
	if (lc->worker->stray_count > 0)
		pass_on(lc);
	if (lc->worker->frames.count >= TX_EARLY)
		(void)transmit(lc, now_us);
}

static unsigned int
receive(struct lcore *lc, uint64_t now_us)
{
	struct pkt *pkts[LCORE_BURST_MAX];
	unsigned int n, mine;
	uint64_t arrived;

	/*
	 * While the port sends nothing, frames wait in its ring: here they would be lost. Not where
	 * they may be for others, who are not to wait with us.
	 */
	if (lc->group->count == 1 && !worker_may_rx(lc->worker))
		return 0;
	n = rte_eth_rx_burst(lc->port_id, lc->queue, mbuf_array_of(pkts), (uint16_t)lc->burst);
	lc->burst = n == lc->burst ? LCORE_BURST_MAX : LCORE_BURST;
	if (n == 0)
		return 0;
	arrived = rte_rdtsc();
	mine = worker_drop_chained(lc->worker, pkts, n);
	if (lc->group->count > 1)
		mine = sort_out(lc, pkts, mine);
	if (mine > 0) {
		residence_enter(&lc->residence, arrived, mine);
		deliver(lc, pkts, mine, now_us);
	}
	return n;
}

static unsigned int
take_over(struct lcore *lc, uint64_t now_us)
{
	const struct handoff *h = lc->group->handoff;
	struct pkt *pkts[LCORE_BURST_MAX];
	unsigned int total = 0;

	for (unsigned int from = 0; from < h->owners; from++) {
		unsigned int n;

		if (from == lc->id)
			continue;
		n = ring_get_burst(h->rx[from][lc->id], (void **)pkts, LCORE_BURST_MAX);
		if (n == 0)
			continue;
		lc->worker->ctr.HandoverIn += n;
		residence_enter(&lc->residence, rte_rdtsc(), n);
		deliver(lc, pkts, n, now_us);
		total += n;
	}
	return total;
}

/* --- the loop ------------------------------------------------------------------------------- */

/* Has anybody put something into our rings? */
static bool
has_work(const void *ctx)
{
	const struct lcore *lc = ctx;
	const struct handoff *h = lc->group->handoff;

	if (atomic_load_explicit(&lc->group->stop, memory_order_relaxed))
		return true;
	if (lc->hooks.has_mail != NULL && lc->hooks.has_mail(lc->hooks.ctx))
		return true;
	for (unsigned int from = 0; from < h->owners; from++)
		if (from != lc->id && ring_count(h->rx[from][lc->id]) > 0)
			return true;
	if (lc->owns_queue)
		for (unsigned int from = h->owners + lc->id; from < h->workers; from += h->owners)
			if (ring_count(h->tx[from]) > 0)
				return true;
	return false;
}

/* How long nothing will happen by itself. */
static uint64_t
quiet_us(const struct lcore *lc, uint64_t now_us)
{
	uint64_t at = worker_poll_at(lc->worker);

	if (lc->worker->frames.count > 0 || lc->relay_next < lc->relay_count)
		return TX_RETRY_US;
	if (lc->nudge.is_due)
		return NUDGE_US;
	if (lc->hooks.mail_at != NULL)
		at = min_u64(at, lc->hooks.mail_at(lc->hooks.ctx));
	return at > now_us ? at - now_us : 0;
}

/* One round; returns how much there was to do. */
static unsigned int
run_once(struct lcore *lc, uint64_t now_us)
{
	unsigned int work = 0;

	if (lc->owns_queue)
		work += receive(lc, now_us);
	if (lc->group->count > 1)
		work += take_over(lc, now_us);
	/* Answers do not wait for what timers have to do, nearly always nothing. */
	work += transmit(lc, now_us);
	if (lc->hooks.mail != NULL)
		work += lc->hooks.mail(lc->hooks.ctx, lc->worker, now_us);
	worker_poll(lc->worker, now_us);
	work += transmit(lc, now_us);
	if (lc->owns_queue)
		work += relay(lc);
	if (SLUICE_UNLIKELY(lc->nudge.is_due))
		lc->worker->ctr.TxRingStops += nudge_send_rest(&lc->nudge, now_us);
	return work;
}

/* The time between two looks at the clock belongs to the round in between. */
static void
account(struct lcore *lc, uint64_t ticks, unsigned int work)
{
	struct lcore_stats *stats = &lc->stats;
	bool has_slept = lc->idle.sleeps != stats->sleeps;

	stats->sleeps = lc->idle.sleeps;
	stats->loops++;
	if (SLUICE_UNLIKELY(ticks >= lc->stall_ticks) && !has_slept) {
		stats->stalls++;
		stats->stall_ticks += ticks;
	}
	if (work == 0) {
		stats->idle_ticks += ticks;
		return;
	}
	stats->busy_ticks += ticks;
	if (ticks > stats->loop_max_ticks)
		stats->loop_max_ticks = ticks;
}

static void
loop(struct lcore *lc)
{
	const struct tsc_clock *clock = lc->group->clock;
	uint64_t tsc = rte_rdtsc();

	while (!atomic_load_explicit(&lc->group->stop, memory_order_relaxed)) {
		uint64_t now_us = tsc_clock_at(clock, tsc);
		unsigned int work = run_once(lc, now_us);
		uint64_t next;

		if (work > 0)
			idle_reset(&lc->idle, now_us);
		else
			idle_wait(&lc->idle, now_us, quiet_us(lc, now_us), has_work, lc);
		next = rte_rdtsc();
		account(lc, next - tsc, work);
		tsc = next;
	}
}

static int
lcore_main(void *arg)
{
	struct lcore *lc = arg;
	const struct tsc_clock *clock = lc->group->clock;

	idle_prepare_thread();
	lc->tx_moved_us = tsc_clock_now(clock);
	worker_poll(lc->worker, lc->tx_moved_us);
	if (lc->hooks.start != NULL)
		lc->start_error = lc->hooks.start(lc->hooks.ctx, lc->worker, lc->tx_moved_us);
	atomic_store_explicit(&lc->started, true, memory_order_release);
	if (lc->start_error == 0)
		loop(lc);
	if (lc->hooks.stop != NULL)
		lc->hooks.stop(lc->hooks.ctx, lc->worker, tsc_clock_now(clock));
	return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

int
lcore_create(struct lcore_group *group, const struct lcore_params *par)
{
	const struct handoff *h = group->handoff;
	struct lcore *lc;
	bool owner = par->id < h->owners;
	int rx_fd, rc;

	ASSERT(par->id == group->count);
	ASSERT(group->count < EAL_WORKERS_MAX);
	lc = aligned_alloc(CACHE_LINE, sizeof(*lc));
	if (lc == NULL)
		return -ENOMEM;
	memset(lc, 0, sizeof(*lc));
	lc->group = group;
	lc->worker = par->worker;
	lc->hooks = par->hooks;
	lc->id = par->id;
	lc->port_id = group->port->id;
	lc->queue = (uint16_t)handoff_sender_of(h, par->id);
	lc->owns_queue = owner;
	lc->tx_prepare = group->port->tx_prepare;
	lc->stall_ticks = rte_get_tsc_hz() / 1000000 * LCORE_STALL_US;
	lc->burst = LCORE_BURST;
	lc->out = calloc(h->workers, sizeof(*lc->out));
	rx_fd = owner ? port_rx_fd(group->port, lc->queue) : -1;
	lc->nudge.fd = group->port->type->flags & PORT_F_RX_PACKET ? rx_fd : -1;
	rc = lc->out == NULL ? -ENOMEM
			     : idle_init(&lc->idle, rx_fd, owner && rx_fd < 0, par->spin_only,
				       par->spin_us);
	if (rc != 0) {
		free(lc->out);
		free(lc);
		return rc;
	}
	group->each[group->count++] = lc;
	return 0;
}

int
lcore_group_launch(struct lcore_group *group)
{
	int rc = 0;

	for (unsigned int i = 0; i < group->count && rc == 0; i++)
		rc = rte_eal_remote_launch(lcore_main, group->each[i], eal_lcore_of(i));
	if (rc != 0)
		return rc;
	for (unsigned int i = 0; i < group->count; i++) {
		const struct lcore *lc = group->each[i];
		const struct timespec tick = { .tv_nsec = 100000 };

		while (!atomic_load_explicit(&lc->started, memory_order_acquire))
			(void)nanosleep(&tick, NULL);
		if (rc == 0)
			rc = lc->start_error;
	}
	return rc;
}

void
lcore_group_stop(struct lcore_group *group)
{
	atomic_store_explicit(&group->stop, true, memory_order_relaxed);
	for (unsigned int i = 0; i < group->count; i++)
		lcore_wake(group, i);
	for (unsigned int i = 0; i < group->count; i++)
		(void)rte_eal_wait_lcore(eal_lcore_of(i));
}

void
lcore_group_destroy(struct lcore_group *group)
{
	for (unsigned int i = 0; i < group->count; i++) {
		idle_fini(&group->each[i]->idle);
		free(group->each[i]->out);
		free(group->each[i]);
	}
	group->count = 0;
}

void
lcore_wake(struct lcore_group *group, unsigned int worker)
{
	ASSERT(worker < group->count);
	idle_wake(&group->each[worker]->idle);
}
