/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet socket whose link drops a frame leaves the rest of its ring until the next system call,
 * which the driver makes with the next frames only: the last of a burst would wait for a timeout.
 * So the call is repeated until it says that nothing was left. One thread's own.
 */
#ifndef IO_NUDGE_H
#define IO_NUDGE_H

#include <stdbool.h>
#include <stdint.h>

/* How long frames may lie in a ring that stopped in the middle. */
#define NUDGE_US 200u

struct nudge {
	int fd; /* the packet socket; -1: the port has none */
	bool is_due; /* frames may be left in its ring */
	uint64_t at_us; /* of the last call */
};

/* The driver has been given frames. */
static inline void
nudge_after_send(struct nudge *n)
{
	n->is_due = n->fd >= 0;
}

/* If it is time: tell the socket to go on. True if it was stopped, and may be again. */
bool nudge_send_rest(struct nudge *n, uint64_t now_us);

#endif
