/* SPDX-License-Identifier: BSD-3-Clause */
/* The call that the driver does not make: no frames, only the wish to go on. */
#include <stddef.h>
#include <sys/socket.h>

#include "io/nudge.h"

bool
nudge_send_rest(struct nudge *n, uint64_t now_us)
{
	if (now_us - n->at_us < NUDGE_US)
		return false;
	n->at_us = now_us;
	n->is_due = sendto(n->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) != 0;
	return n->is_due;
}
