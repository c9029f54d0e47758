/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted per connection where a build asks for it, and costs nothing elsewhere. */
#ifndef TCP_TCP_NOTES_H
#define TCP_TCP_NOTES_H

#include "tcp/tcp_int.h"

/*
 * Linux tells each of these in TCP_INFO. Ten million idle connections would pay a gigabyte for
 * them and each segment four memory accesses, so they exist only in the core that tests use
 * (SLUICE_CONN_NOTES), which the packetdrill adapter is built from, and in a daemon built with
 * -Dconn_notes=true; elsewhere every call below is nothing. What listings show of every build is
 * counted in struct tcp_cold.
 */
#if !defined(SLUICE_CONN_NOTES)
#define SLUICE_CONN_NOTES 0
#endif

/** NULL where nothing is noted. */
static inline struct tcp_notes *
tcp_notes(const struct tcp_stack *stack, const struct tcp_conn *c)
{
#if SLUICE_CONN_NOTES
	return &stack->notes[c - stack->conns];
#else
	(void)stack, (void)c;
	return NULL;
#endif
}

/** A segment leaves that is no data. */
static inline void
tcp_note_out(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL)
		n->segs_out++;
}

static inline void
tcp_note_data_out(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t len, bool again)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->data_segs_out++;
	n->bytes_sent += len;
	n->bytes_retrans += again ? len : 0;
	if (n->busy_since_us == 0)
		n->busy_since_us = stack->env->now_us;
}

static inline void
tcp_note_in(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t len)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->segs_in++;
	n->data_segs_in += len > 0;
}

static inline void
tcp_note_delivered(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL)
		n->delivered++;
}

/** All of it is acknowledged. */
static inline void
tcp_note_idle(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL || n->busy_since_us == 0)
		return;
	n->busy_us += stack->env->now_us - n->busy_since_us;
	n->busy_since_us = 0;
}

static inline void
tcp_note_timeout(const struct tcp_stack *stack, const struct tcp_conn *c, bool first)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->total_rto++;
	n->rto_recoveries += first;
	if (first)
		n->rto_since_ms = stack->env->now_ms;
	n->in_rto = true;
}

/** The peer acknowledged something after timeouts. */
static inline void
tcp_note_timeout_over(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL || !n->in_rto)
		return;
	n->in_rto = false;
	n->rto_time_ms += stack->env->now_ms - n->rto_since_ms;
}

#endif
