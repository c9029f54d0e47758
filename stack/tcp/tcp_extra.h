/* SPDX-License-Identifier: BSD-3-Clause */
/* What few owners set on their connections: kept apart, and not resident where nobody has. */
#ifndef TCP_EXTRA_H
#define TCP_EXTRA_H

#include "tcp/tcp_int.h"

/** By slot beside tcp_cold; all zero where nobody has set anything: tcp_cold.has_extra tells. */
struct tcp_extra {
	struct tcp_wishes wishes;
	uint16_t keep_idle_s, keep_intvl_s; /* 0: the tunables */
	uint8_t keep_probes;
	bool refuses : 1;	/* TCP_SHUT_REFUSE */
	bool is_paced : 1;	/* what tcp_cold.is_paced is, also while parked */
	int16_t linger2_s;	/* 0: tcp_fin_timeout; -1: no FIN-WAIT-2 */
	uint64_t pace_at_ns;	/* with it: no data goes before */
};

_Static_assert(sizeof(struct tcp_extra) == 32, "docs/memory.md");

static inline const struct tcp_extra *
tcp_extra(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return &stack->extra[c - stack->conns];
}

/* tcp_sockopt.c. */
/** The same, to be written: it is not all zero any more. */
struct tcp_extra *tcp_extra_to_write(struct tcp_stack *stack, struct tcp_conn *c);
/** c begins as its owner wants it. */
void tcp_extra_begin(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_wishes *w);
/** TCP_SHUT_REFUSE. */
void tcp_extra_refuse(struct tcp_stack *stack, struct tcp_conn *c);
/** Its slot is given back. */
void tcp_extra_clear(struct tcp_stack *stack, const struct tcp_conn *c);

/* tcp_pacing.c, all but the first of connections that are paced. */
/** Paced from now on if its owner or tcp_pacing says so. */
void tcp_pacing_begin(struct tcp_stack *stack, struct tcp_conn *c);
/** Bytes/s; UINT64_MAX: any, 0: not by a rate either. cold: as tcp_cold_peek() has it. */
uint64_t tcp_pacing_rate(const struct tcp_stack *stack, const struct tcp_conn *c,
	const struct tcp_cold *cold);
/** Its turn comes later. */
bool tcp_pacing_is_early(const struct tcp_stack *stack, const struct tcp_conn *c);
/** The same, and then a timer is set for it. */
bool tcp_pacing_waits(struct tcp_stack *stack, struct tcp_conn *c);
/** Bytes of data leave, new or again. */
void tcp_pacing_sent(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len);

#endif
