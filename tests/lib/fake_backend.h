/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up daemon behind the control server: two workers with figures of their own and no packets.
 */
#ifndef LIB_FAKE_BACKEND_H
#define LIB_FAKE_BACKEND_H

#include "ctl/backend.h"
#include "ctl/config.h"
#include "ctl/mailbox.h"

#define FAKE_WORKERS 2u

struct fake_backend {
	struct ctl_backend backend; /* hand this to the server */
	struct mail_hub hub;
	struct config conf;
	struct local_addrs local;
	struct tunables tunables; /* the control thread's */
	struct tunables worker_tunables[FAKE_WORKERS]; /* as the workers got them */
	struct counters counters[FAKE_WORKERS];
	struct residence residence[FAKE_WORKERS]; /* in ticks of 2 ns */
	struct drop_watch drops;
	uint64_t conn_count; /* of each worker; conn i's remote port is i's low 16 bits */
	uint64_t now_us; /* the clock; moves only by hand unless real_time */
	uint64_t tick_us; /* added each time the clock is read */
	bool real_time;
	bool use_largest; /* figures of connections as long as can be */
	uint64_t overflows; /* of each accept queue, on each worker */
	bool workers_asleep; /* no mail is answered */
	unsigned int draining, stopping; /* orders seen */
	struct tap *taps[FAKE_WORKERS]; /* that somebody looks at; a SYN and its answer each turn */
};

/** Everything set up, the clock at 1000 s, started at 990 s. Aborts without memory. */
void fake_backend_init(struct fake_backend *fake);
/** Tunables and orders as at the beginning; no listing may be under way. */
void fake_backend_reset(struct fake_backend *fake);

void fake_backend_fini(struct fake_backend *fake);

/** The workers' turn: answer what is in their mailboxes. */
void fake_backend_turn(struct fake_backend *fake);

#endif
