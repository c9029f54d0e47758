/* SPDX-License-Identifier: BSD-3-Clause */
/* The configured services of each worker: started, drained and stopped on its thread. */
#ifndef SLUICED_SERVICE_SET_H
#define SLUICED_SERVICE_SET_H

#include "appliance/appliance.h"
#include "ctl/config.h"

/** The built-in services as the reader of the configuration wants them; name NULL at the end. */
const struct config_service_kind *service_set_kinds(void);

/** What the daemon does on its workers: the services that the configuration names. */
extern const struct appliance_app service_set_app;

#endif
