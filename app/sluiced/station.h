/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon runs on a worker's thread: services, static neighbours, the way to the end. */
#ifndef SLUICED_STATION_H
#define SLUICED_STATION_H

#include "appliance.h"

/** The hooks of a station's lcore. */
struct lcore_hooks station_hooks(struct station *st);

#endif
