/* SPDX-License-Identifier: BSD-3-Clause */
/* One service running over the fake API, for tests and fuzzers of services. */
#ifndef LIB_SERVICE_WORLD_H
#define LIB_SERVICE_WORLD_H

#include <stdint.h>

#include "lib/fake_sluice.h"
#include "services/services.h"
#include "sluice/sluice.h"

struct service_world {
	struct sluice *s;
	const struct sluice_service *service;
	void *state;
};

/** Start a service on its default port; config and params may be NULL. It has to succeed. */
void service_world_start(struct service_world *w, const struct sluice_service *service,
	const struct service_config *config, const struct fake_params *params);

/** Stop it. Every connection must be gone by then and every buffer given back. */
void service_world_stop(struct service_world *w);

/** A new connection from a greedy client, accepted. */
sluice_conn service_world_connect(struct service_world *w);

/** Send a string, or bytes, and let the service work. */
void service_world_say(struct service_world *w, sluice_conn c, const char *text);
void service_world_say_bytes(struct service_world *w, sluice_conn c, const void *data, size_t len);

/** What the client has received so far. */
const char *service_world_heard(struct service_world *w, sluice_conn c);

/** The client finishes; the service has to finish as well. */
void service_world_leave(struct service_world *w, sluice_conn c);

/** The clock of tests: seconds since 1970, moving with the virtual time of the last world. */
int64_t service_world_clock_s(void);

/** What service_world_clock_s() says when a world starts: Sun, 06 Nov 1994 08:49:37 GMT. */
#define SERVICE_WORLD_START_S 784111777

#endif
