/* SPDX-License-Identifier: BSD-3-Clause */
/* What diagnose looks at, and what it finds: rules are pure functions over two snapshots. */
#ifndef SLUICECTL_DIAG_H
#define SLUICECTL_DIAG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/counters.h"
#include "conf/tunables.h"

#define DIAG_LISTENERS_MAX 256u
#define DIAG_CORES_MAX 128u
#define DIAG_CONNS_MAX 256u
#define DIAG_FINDINGS_MAX 64u

struct diag_listener {
	char name[40];
	unsigned int port;
	int syncookies; /* mode */
	uint64_t acceptq, acceptq_limit, synq, synq_limit;
	uint64_t overflows, drops_full, drops_early;
};

struct diag_core {
	unsigned int worker;
	uint64_t busy_ns, idle_ns;
};

/** One connection of the sample. */
struct diag_conn {
	char key[120]; /* both ends */
	uint64_t srtt_us;
	uint64_t sndbuf, rcvbuf;
	uint32_t acked, received; /* modulo 2^32 */
	uint64_t retrans; /* segments sent again, ever */
};

/** The daemon at one moment. */
struct diag_snap {
	uint64_t ts_ns;
	struct counters c; /* of all workers; outcomes and states too */
	struct tunables tun;
	uint64_t packets_total, packets_free;
	struct diag_listener listeners[DIAG_LISTENERS_MAX];
	struct diag_core cores[DIAG_CORES_MAX];
	struct diag_conn conns[DIAG_CONNS_MAX];
	unsigned int listener_count, core_count, conn_count;
};

enum diag_severity {
	DIAG_WARNING, /* it will hurt, or hurts little */
	DIAG_ERROR, /* clients suffer now */
};

struct diag_finding {
	const char *rule;
	enum diag_severity severity;
	char what[500]; /* in plain words, with the figures */
	char fix[300]; /* commands to type or a change to the configuration */
};

struct diag {
	const struct diag_snap *before, *now;
	struct diag_finding found[DIAG_FINDINGS_MAX];
	unsigned int count;
	const char *rule; /* being run */
};

/** Run every rule over the two snapshots. */
void diag_run(struct diag *d, const struct diag_snap *before, const struct diag_snap *now);

/** How many rules there are. */
unsigned int diag_rule_count(void);

/** Parts of a snapshot from the daemon's answers to the commands of these names (diag_read.c). */
void diag_read_counters(struct diag_snap *s, const json_t *answer);
void diag_read_outcomes(struct diag_snap *s, const json_t *answer);
void diag_read_stats(struct diag_snap *s, const json_t *answer);
void diag_read_listeners(struct diag_snap *s, const json_t *answer);
void diag_read_cores(struct diag_snap *s, const json_t *answer);
void diag_read_tunables(struct diag_snap *s, const json_t *answer);
void diag_read_connections(struct diag_snap *s, const json_t *answer);

#endif
