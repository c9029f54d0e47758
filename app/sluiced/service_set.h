/* SPDX-License-Identifier: BSD-3-Clause */
/* The configured services of one worker: started, drained and stopped on its thread. */
#ifndef SLUICED_SERVICE_SET_H
#define SLUICED_SERVICE_SET_H

#include <stdbool.h>

#include "ctl/config.h"
#include "io/error.h"
#include "sluice/sluice.h"

/** One service that runs. */
struct service_run {
	const struct sluice_service *service;
	void *state; /* what its start function made */
};

struct service_set {
	unsigned int count; /* that run */
	bool draining; /* no new connections */
	struct service_run run[CONFIG_SERVICES_MAX];
};

/** The built-in services as the reader of the configuration wants them; name NULL at the end. */
const struct config_service_kind *service_set_kinds(void);

/** Start what conf asks for; what has started by the time of an error keeps running until stop. */
int service_set_start(
	struct service_set *set, struct sluice *s, const struct config *conf, struct io_error *err);

/** Close the listeners; connections go on. */
void service_set_drain(struct service_set *set, struct sluice *s);

/** End all; after the last connection is gone. */
void service_set_stop(struct service_set *set, struct sluice *s);

#endif
