/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API on one worker: turns engine events into the callbacks of sluice.h. */
#ifndef SOCK_SOCK_H
#define SOCK_SOCK_H

#include "conf/env.h"
#include "sluice/sluice.h"
#include "tcp/tcp.h"
#include "wire/local.h"

/** What a struct sluice of the public API is. Only sock/ touches the members. */
struct sluice {
	struct tcp_stack *tcp;
	struct env *env;
	const struct local_addrs *local;
	unsigned int worker;
	unsigned int workers;
};

void sock_init(struct sluice *s, struct tcp_stack *tcp, struct env *env,
	const struct local_addrs *local, unsigned int worker, unsigned int workers);

/** Call the owners of connections and listeners for every pending event. */
void sock_dispatch(struct sluice *s);

#endif
