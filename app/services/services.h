/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in services and their configuration, for the daemon that starts them. */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/sluice.h"

/** All built-in services, NULL-terminated, in the order of their ports; without one: last. */
extern const struct sluice_service *const services_all[];

extern const struct sluice_service service_echo;	/* RFC 862, port 7 */
extern const struct sluice_service service_discard;	/* RFC 863, port 9 */
extern const struct sluice_service service_chargen;	/* RFC 864, port 19 */
extern const struct sluice_service service_http;	/* RFC 9110 and 9112, port 80 */
extern const struct sluice_service service_forward;	/* no port of its own */

/**
 * What sluice_service.start() takes as config; NULL means all defaults. It is read during start()
 * only. Numeric members come from service_options.def; a value outside its range is -EINVAL.
 */
struct service_config {
	/** http: the directory to serve; NULL: only the built-in pages. */
	const char *root;
	/** http: seconds since 1970; NULL: time(). Called about once per second. */
	int64_t (*wall_clock_s)(void);
	/** forward: where each connection goes; port 0: nowhere, which start() refuses. */
	struct sluice_addr to;
#define SERVICE_OPTION(name, dflt, min, max, services, help) uint32_t name;
#include "services/service_options.def"
#undef SERVICE_OPTION
};

/** One numeric member of struct service_config, for config parsers and help texts. */
struct service_option {
	const char *name;	/* the key, and the member's name */
	size_t offset;		/* of the uint32_t in struct service_config */
	uint32_t dflt;
	uint32_t min;
	uint32_t max;
	const char *services;	/* names of the services that use it, separated by spaces */
	const char *help;	/* one line */
};

/** All of them, ended by a row whose name is NULL. */
extern const struct service_option service_options[];

/** Set every member to its default: no root, time() as the clock. */
void service_config_default(struct service_config *config);

/** 0, or -EINVAL if a numeric member is outside its range; *bad (may be NULL) names it. */
int service_config_check(const struct service_config *config, const struct service_option **bad);

#endif
