/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole machine: port, packets and workers for an application, built from a configuration. */
#ifndef APPLIANCE_APPLIANCE_H
#define APPLIANCE_APPLIANCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/config.h"
#include "ctl/mailbox.h"
#include "io/error.h"
#include "io/lcore.h"
#include "io/port.h"
#include "worker/worker.h"

/** How far the end has come; each worker follows on its own thread. */
enum appliance_phase {
	APPLIANCE_SERVING,
	APPLIANCE_DRAINING, /* listeners closed, connections go on */
	APPLIANCE_ABORTING, /* connections reset */
};

struct appliance;
struct station;

/**
 * What a program does on its workers: the daemon serves, the load generator asks. All calls come
 * on the worker's thread; members but start may be NULL.
 */
struct appliance_app {
	void *ctx;
	/**
	 * 0: keys are drawn anew. Else they follow from this, the same at every start: for a client
	 * that is started again and again, whose sequence numbers and timestamps then go on where a
	 * server still has the last connection in TIME-WAIT (RFC 6191). Never for a server, but one
	 * under a load test that forges its cookies.
	 */
	uint64_t keys_from;
	/** Before the first packet; sets st->state. Not 0: st->error says why. */
	int (*start)(void *ctx, struct station *st);
	/** No new connections from now on. */
	void (*drain)(void *ctx, struct station *st);
	/** Each round of the loop; bounded work. Returns how much there was to do. */
	unsigned int (*run)(void *ctx, struct station *st, uint64_t now_us);
	/** When run has something to do by itself; UINT64_MAX: never. */
	uint64_t (*run_at)(void *ctx, const struct station *st);
	/** Once no connection is left, also after a start that failed. */
	void (*stop)(void *ctx, struct station *st);
};

/** One worker and what runs on its thread beside it. */
struct station {
	struct appliance *appliance;
	struct worker *worker;
	struct steer_self self;
	void *state; /* of the application */
	struct mailbox *mailbox; /* of the control server */
	_Atomic int phase; /* enum appliance_phase reached; written by the worker */
	struct io_error error; /* of the start */
};

struct appliance {
	const struct config *conf; /* outlives the appliance */
	const struct appliance_app *app; /* so does this */
	struct eal_facts eal;
	struct port port;
	struct rte_mempool *pool;
	unsigned int packets; /* in the pool */
	struct tsc_clock clock;
	struct local_addrs local;
	struct steer steer;
	struct handoff handoff;
	struct lcore_group lcores;
	unsigned int workers;
	struct mail_hub hub; /* messages of the control server to the workers */
	struct station stations[EAL_WORKERS_MAX];
	_Atomic int phase; /* enum appliance_phase wanted */
	bool eal_started, port_attached, launched;
};

/**
 * Build everything and start the workers; DPDK is started for good. *out is the caller's, to be
 * given to appliance_stop. 0, or -errno with the reason and the fix in err.
 */
int appliance_start(const struct config *conf, const struct appliance_app *app,
	struct appliance **out, struct io_error *err);

/** Ask the workers to move on to a later phase. */
void appliance_enter(struct appliance *a, enum appliance_phase phase);

/** Connections left on all workers; UINT64_MAX while a worker has not reached the phase. */
uint64_t appliance_connections(const struct appliance *a);

/** Stop the workers: what they wrote may be read until appliance_stop. */
void appliance_halt(struct appliance *a);

/** Stop the workers, if they run, and give everything back. */
void appliance_stop(struct appliance *a);

#endif
