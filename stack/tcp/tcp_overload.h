/* SPDX-License-Identifier: BSD-3-Clause */
/* State of what limits SYNs while a worker cannot keep up (tcp_overload.c). */
#ifndef TCP_TCP_OVERLOAD_H
#define TCP_TCP_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "table/recent_set.h"

/** Guards of a listener: a limit of its own for sources, and tcp_overload.c while it limits. */
#define TCP_GUARD_SOURCE 1u
#define TCP_GUARD_OVERLOAD 2u

/** Least and most of what tcp_overload_pairs() says: 16 KiB to 64 MiB. */
#define TCP_RECENT_LEAST 1024u
#define TCP_RECENT_MOST (1u << 22)

/** SYNs while the worker cannot keep up (tcp_overload.c). */
struct tcp_overload {
	struct recent_set seen;	/* flows whose SYN came lately */
	uint64_t empty_us;	/* when the port was last found empty */
	uint64_t edge_us;	/* end of the present interval */
	uint32_t period;	/* of seen */
	uint32_t budget;	/* first SYNs answered in an interval, and as many repeated ones */
	uint32_t first, again;	/* ... answered in this one */
	uint32_t calm;		/* intervals in a row that needed no limit */
	bool is_empty;		/* the port was found empty in this interval */
	bool has_refused;	/* a SYN was dropped in this interval */
	bool is_on;
};

#endif
