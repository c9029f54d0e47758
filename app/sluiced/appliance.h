/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole machine: port, packets, workers and their services, built from a configuration. */
#ifndef SLUICED_APPLIANCE_H
#define SLUICED_APPLIANCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/config.h"
#include "ctl/mailbox.h"
#include "io/error.h"
#include "io/lcore.h"
#include "io/port.h"
#include "service_set.h"
#include "worker/worker.h"

/** How far the end has come; each worker follows on its own thread. */
enum appliance_phase {
	APPLIANCE_SERVING,
	APPLIANCE_DRAINING, /* listeners closed, connections go on */
	APPLIANCE_ABORTING, /* connections reset */
};

struct appliance;

/** One worker and what runs on its thread beside it. */
struct station {
	struct appliance *appliance;
	struct worker *worker;
	struct steer_self self;
	struct service_set services;
	struct mailbox *mailbox; /* of the control server */
	_Atomic int phase; /* enum appliance_phase reached; written by the worker */
	struct io_error error; /* of the start */
};

struct appliance {
	const struct config *conf; /* outlives the appliance */
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
 * Build everything and start serving; DPDK is started for good. *out is the caller's, to be given
 * to appliance_stop. 0, or -errno with the reason and the fix in err.
 */
int appliance_start(const struct config *conf, struct appliance **out, struct io_error *err);

/** Ask the workers to move on to a later phase. */
void appliance_enter(struct appliance *a, enum appliance_phase phase);

/** Connections left on all workers; UINT64_MAX while a worker has not reached the phase. */
uint64_t appliance_connections(const struct appliance *a);

/** Stop the workers and give everything back. */
void appliance_stop(struct appliance *a);

#endif
