/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon runs on a worker's thread: services, static neighbours, the way to the end. */
#ifndef APPLIANCE_STATION_H
#define APPLIANCE_STATION_H

#include "appliance/appliance.h"

/** The hooks of a station's lcore. */
struct lcore_hooks station_hooks(struct station *st);

#endif
