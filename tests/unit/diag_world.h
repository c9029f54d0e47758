/* SPDX-License-Identifier: BSD-3-Clause */
/* What diagnose looks at, made up: a busy, healthy daemon that a test then spoils. */
#ifndef UNIT_DIAG_WORLD_H
#define UNIT_DIAG_WORLD_H

#include "unit/tcp_unit.h"

#include "sluicectl/diag.h"

struct world {
	struct diag_snap before, now;
	struct diag d;
};

static struct world w;

/* A busy, healthy daemon, two seconds apart. */
static inline void
healthy(void)
{
	memset(&w, 0, sizeof(w));
	tunables_default(&w.now.tun);
	w.now.packets_total = 16384;
	w.now.packets_free = 16000;
	w.now.listener_count = 1;
	w.now.listeners[0] = (struct diag_listener){
		.name = "http",
		.port = 80,
		.syncookies = 1,
		.acceptq = 10,
		.acceptq_limit = 4096,
		.synq_limit = 8192,
	};
	w.now.core_count = 2;
	w.now.c.state_count[TCPS_ESTABLISHED] = 5000;
	w.now.conn_count = 1;
	w.now.conns[0] = (struct diag_conn){
		.key = "a",
		.srtt_us = 100000,
		.sndbuf = 16384,
		.rcvbuf = 131072,
	};
	w.before = w.now;
	w.now.ts_ns = 2000000000;
	w.now.c.InSegs = 1000000;
	w.now.c.OutSegs = 1000000;
	w.now.c.RetransSegs = 99;
	w.now.c.PassiveOpens = 20000;
	w.now.c.outcome[OUT_SYN_QUEUED] = 20100;
	w.now.cores[0] = (struct diag_core){ .busy_ns = 900, .idle_ns = 100 };
	w.now.cores[1] = (struct diag_core){ .worker = 1, .busy_ns = 500, .idle_ns = 500 };
}

#endif
