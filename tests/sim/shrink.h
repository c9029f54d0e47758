/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a failing random run smaller. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/scenarios.h"

/** Play sc without one feature after the other, then for a shorter time; 0 if nothing fails. */
int shrink_run(const struct scenario *sc, struct run_opts opts);

#endif
