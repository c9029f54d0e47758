/* SPDX-License-Identifier: BSD-3-Clause */
/* The signals of a program that owns ports; for its main thread alone. */
#ifndef APPLIANCE_SIGNALS_H
#define APPLIANCE_SIGNALS_H

#include <stdbool.h>

/*
 * From now on TERM, INT and HUP are counted. HUP: a wish to reload, or one more to stop. PIPE is
 * ignored: it is for programs that write without looking.
 */
void signals_catch(bool reloads);

/* Around the start of other threads: they inherit that these signals are not for them. */
void signals_hold(void);
void signals_release(void);

/* How often the program was told to stop. */
int signals_stops(void);

/* Has HUP come since it was asked last? */
bool signals_take_reload(void);

#endif
