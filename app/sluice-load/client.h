/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's clients: opens connections, asks, checks what comes, counts. Public API only. */
#ifndef SLUICE_LOAD_CLIENT_H
#define SLUICE_LOAD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"
#include "sluice/sluice.h"
#include "stats.h"

#define CLIENT_SOURCES_MAX 64u

struct client_params {
	struct sluice *s;
	const struct load_profile *profile; /* outlives the client */
	unsigned int worker, workers;
	uint64_t seed; /* of pauses, aborts and patterns */
	unsigned int source_count; /* our addresses, used in turn; of both versions */
	struct sluice_addr sources[CLIENT_SOURCES_MAX];
};

/** How far the look whether the targets are there has come. */
enum client_probe {
	CLIENT_PROBE_WAITS,
	CLIENT_PROBE_GOOD,
	CLIENT_PROBE_FAILED,
};

struct client;

/** Memory for all connections is taken here. 0 or -ENOMEM. */
int client_create(const struct client_params *par, struct client **out);

/** After the last connection is gone. */
void client_destroy(struct client *cl);

/** Open one connection to each target and close it again; not counted. */
void client_probe(struct client *cl);

/** The outcome; on failure the group's number and the error of its connection. */
enum client_probe client_probe_state(
	const struct client *cl, unsigned int *group, int *err);

/** The run begins at that time on the stack's clock, which may be to come. */
void client_start(struct client *cl, uint64_t at_us);

/** End before time: nothing new, what has been begun has the grace time. */
void client_stop(struct client *cl);

/** Reset what is left. */
void client_abort(struct client *cl);

/** Do what is due; bounded work, returns how much there was. */
unsigned int client_run(struct client *cl);

/** When there is something to do without an event; UINT64_MAX: never. */
uint64_t client_run_at(const struct client *cl);

/** Has everything ended? */
bool client_is_done(const struct client *cl);

/** Cells of a group; may be read by another thread at any time. */
const struct load_stats *client_stats(const struct client *cl, unsigned int group);

#endif
