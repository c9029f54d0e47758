/* SPDX-License-Identifier: BSD-3-Clause */
/* One core's life as a pure step function: frames and time in, frames out. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "conf/counters.h"
#include "conf/env.h"
#include "conf/tunables.h"
#include "net/net.h"
#include "pkt/pool.h"
#include "pkt/txq.h"
#include "sock/sock.h"
#include "tcp/tcp.h"
#include "wire/local.h"
#include "worker/tap.h"

/** Frames that one call of worker_rx takes at most. */
#define WORKER_BURST_MAX TCP_BURST_MAX

struct worker_params {
	struct net_params net;
	struct tcp_params tcp;
	struct pkt_source source;	/* where packets come from */
	unsigned int pkts;		/* packets the source owns */
	unsigned int pkts_reserve;	/* kept for receiving and replies */
	uint16_t payload_max;		/* bytes behind PKT_HEADROOM in each */
	bool pkt_stock;			/* false in tests: every free is a free */
	uint32_t tx_caps;		/* ENV_TX_* */
	struct tunables tun;
	uint64_t seed;			/* of the engine's randomness that is not secret */
};

/**
 * Everything one core touches hangs off here; nothing is shared. The outside drives it:
 *
 *	worker_rx(w, now, frames, n);	a burst, n may be 0
 *	take w->strays[0 .. stray_count) with worker_take_strays() to their owners
 *	worker_poll(w, now);		timers, callbacks, output
 *	send w->frames.pkts[0 .. count), then worker_sent(w, how many were taken)
 *
 * and sleeps no longer than worker_poll_at() says.
 */
struct worker {
	struct env env;
	struct net net;
	struct tcp_stack *tcp;
	struct sluice sluice;
	struct pkt_txq ip_tx;		/* IP packets from TCP to the net layer */
	struct pkt_txq frames;		/* frames for the port, oldest first */
	struct pkt *strays[WORKER_BURST_MAX]; /* whole datagrams of fragments, for other workers */
	unsigned int stray_count;
	unsigned int tapped;		/* frames for the port that tap has seen */
	struct tap *tap;		/* copies of what comes and goes; NULL: nobody looks on */
	struct pkt_pool pool;
	struct tunables tun;
	struct rng rng;
	struct counters ctr;
	unsigned int id;
	unsigned int workers;		/* how many share the limits of the appliance */
	bool (*is_mine)(const void *ctx, const struct flow_key *key); /* NULL: all are */
	const void *is_mine_ctx;
	bool draining;			/* no new connections */
};

/** Memory for everything is taken here. -ENOMEM, -EINVAL; all or nothing. */
int worker_init(struct worker *w, const struct worker_params *par, uint64_t now_us);

/** Aborts what is left and frees everything; frames still queued are freed. */
void worker_fini(struct worker *w, uint64_t now_us);

/** False while so many frames wait for the port that worker_rx would drop what it is given. */
bool worker_may_rx(const struct worker *w);

/**
 * Drop the packets of several buffers among n that were received: the engines see one buffer per
 * packet, and no device is asked for more. Returns how many are left, in order, the caller's still.
 */
unsigned int worker_drop_chained(struct worker *w, struct pkt **pkts, unsigned int n);

/** Process n <= WORKER_BURST_MAX received frames, taken over. */
void worker_rx(struct worker *w, uint64_t now_us, struct pkt **pkts, unsigned int n);

/** The strays of the last burst, for out, WORKER_BURST_MAX at most, the caller's; how many. */
unsigned int worker_take_strays(struct worker *w, struct pkt **out);

/** Timers, owners' callbacks and output; bounded work. */
void worker_poll(struct worker *w, uint64_t now_us);

/** What time it is, for who uses the API between bursts; the calls above say so themselves. */
void worker_set_now(struct worker *w, uint64_t now_us);

/** The first n queued frames were taken by the port; the rest stays, in order. */
void worker_sent(struct worker *w, unsigned int n);

/** When worker_poll must be called again, in us; 0 at once, UINT64_MAX never. */
uint64_t worker_poll_at(const struct worker *w);

/** Copy to tap, the caller's, what comes and goes from now on; NULL: no more, it is free to go. */
void worker_set_tap(struct worker *w, struct tap *tap);

/** Other tunables from now on. */
void worker_set_tunables(struct worker *w, const struct tunables *tun);

#endif
