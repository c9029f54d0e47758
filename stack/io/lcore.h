/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that drives one worker on its lcore: packets in, time, packets out, sleep. */
#ifndef IO_LCORE_H
#define IO_LCORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/handoff.h"
#include "io/idle.h"
#include "io/nudge.h"
#include "io/port.h"
#include "io/steer.h"
#include "io/tsc_clock.h"
#include "worker/residence.h"
#include "worker/worker.h"

/** Frames asked of the port at a time; more once it keeps delivering that many. */
#define LCORE_BURST 32u
#define LCORE_BURST_MAX WORKER_BURST_MAX
_Static_assert(LCORE_BURST_MAX <= STEER_BURST_MAX, "a burst is steered at once");

/** A loop takes microseconds: where one took so long, most often something else had the CPU. */
#define LCORE_STALL_US 1000u

/** Plain cells, written by the lcore only, read by the control thread at any time. */
struct lcore_stats {
	uint64_t loops;
	uint64_t busy_ticks; /* of loops that had work; TSC */
	uint64_t idle_ticks; /* of the others, sleep included */
	uint64_t loop_max_ticks; /* longest loop that had work */
	uint64_t stalls; /* loops of LCORE_STALL_US and more, those that slept apart */
	uint64_t stall_ticks; /* of these */
	uint64_t sleeps;
	uint64_t tx_stuck; /* frames thrown away because the port had not moved for long */
};

/** What else runs on a worker's thread. Members may be NULL. */
struct lcore_hooks {
	void *ctx;
	/** Before the first packet, with the time set; not 0: the loop ends at once. */
	int (*start)(void *ctx, struct worker *w, uint64_t now_us);
	/** Every loop: messages of the control thread; bounded work. Returns how many there were.
	 */
	unsigned int (*mail)(void *ctx, struct worker *w, uint64_t now_us);
	bool (*has_mail)(const void *ctx);
	/** When mail has something to do without anybody's message; UINT64_MAX: never. */
	uint64_t (*mail_at)(const void *ctx);
	/** After the last packet. */
	void (*stop)(void *ctx, struct worker *w, uint64_t now_us);
};

struct lcore;

/** All lcores of the process and what they share; read-only once they run, but for stop. */
struct lcore_group {
	const struct port *port;
	const struct tsc_clock *clock;
	const struct steer *steer;
	const struct handoff *handoff;
	struct rte_mempool *pool; /* for copies of what goes to all */
	unsigned int count;
	struct lcore *each[EAL_WORKERS_MAX];
	_Atomic bool stop;
};

/** Packets on their way to another worker. */
struct lcore_outbox {
	unsigned int count;
	struct pkt *pkts[LCORE_BURST_MAX];
};

struct lcore {
	/* read-only while running */
	struct lcore_group *group;
	struct worker *worker;
	struct lcore_hooks hooks;
	unsigned int id; /* the worker's number */
	uint16_t port_id;
	uint16_t queue; /* of the port; own if owns_queue */
	bool owns_queue;
	bool tx_prepare;
	uint64_t stall_ticks; /* LCORE_STALL_US */
	/* the loop's own */
	struct nudge nudge;
	unsigned int burst; /* frames asked for next time */
	uint64_t tx_moved_us; /* when the port last took a frame, or had none to take */
	unsigned int relay_count; /* frames of others that the port did not take yet */
	unsigned int relay_next;
	struct pkt *relay[LCORE_BURST_MAX];
	struct lcore_outbox *out; /* one per worker */
	struct lcore_stats stats;
	struct residence residence; /* in TSC ticks */
	int start_error; /* of hooks.start; read after lcore_group_wait_started() */
	_Atomic bool started;
	/* written by others */
	struct idle idle;
};

struct lcore_params {
	struct worker *worker;
	struct lcore_hooks hooks;
	unsigned int id;
	bool spin_only; /* never sleep */
	uint32_t spin_us; /* time without work before the first sleep */
};

/** Memory of one more lcore of group; the port is started. -ENOMEM or the error of idle_init. */
int lcore_create(struct lcore_group *group, const struct lcore_params *par);

/** Start all; returns when every hooks.start has returned: 0 or the first error among them. */
int lcore_group_launch(struct lcore_group *group);

/** Ask all to end, and wait for it; then free them. */
void lcore_group_stop(struct lcore_group *group);
void lcore_group_destroy(struct lcore_group *group);

/** Wake a worker: its mailbox is not empty. Any thread. */
void lcore_wake(struct lcore_group *group, unsigned int worker);

#endif
