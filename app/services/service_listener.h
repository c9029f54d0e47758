/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a service whose only state of its own is its listener. */
#ifndef SERVICES_SERVICE_LISTENER_H
#define SERVICES_SERVICE_LISTENER_H

#include "sluice/sluice.h"

/** Open a listener with these callbacks (ctx NULL). 0, -ENOMEM or as sluice_listen(). */
int service_listener_start(struct sluice *s, struct sluice_listen_params *params,
	const struct sluice_ops *ops, void **state);

/** Close the listener; for sluice_service.drain. */
void service_listener_drain(struct sluice *s, void *state);

/** Close it if that has not happened yet, and free the state; for sluice_service.stop. */
void service_listener_stop(struct sluice *s, void *state);

#endif
