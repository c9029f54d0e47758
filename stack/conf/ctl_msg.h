/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread asks of a worker, and the answer in the same place. */
#ifndef CONF_CTL_MSG_H
#define CONF_CTL_MSG_H

#include <stdint.h>

#include "conf/tunables.h"

struct tcp_conn_info;
struct tcp_listener_info;
struct tap;

/** Rows that one message asks for at most: bounds what a worker does in one go. */
#define CTL_ROWS_MAX 256u

/** cursor of CTL_LIST_CONNS once all was seen. */
#define CTL_CURSOR_END UINT64_MAX

enum ctl_op {
	CTL_SET_TUNABLES, /* take tunables over */
	CTL_LIST_CONNS, /* fill conns from cursor on */
	CTL_LIST_LISTENERS, /* fill listeners */
	CTL_TAP, /* copy frames to tap; NULL: no more */
	CTL_DRAIN, /* take no new connections */
	CTL_STOP, /* abort what is left and leave the loop */
};

/**
 * Owned by the control thread, lent to the worker between the two rings of a mailbox. Its memory
 * is taken once, at start.
 */
struct ctl_msg {
	enum ctl_op op;
	unsigned int worker; /* it goes to */
	uint64_t cursor; /* CTL_LIST_CONNS: 0 at first, moved on by the worker */
	uint32_t rows_max; /* room in the list asked for, at most CTL_ROWS_MAX */
	uint32_t rows; /* filled by the worker */
	struct tcp_conn_info *conns; /* room for CTL_ROWS_MAX */
	struct tcp_listener_info *listeners; /* the same */
	struct tunables tunables; /* CTL_SET_TUNABLES */
	struct tap *tap; /* CTL_TAP */
};

#endif
