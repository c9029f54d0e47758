/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API in memory: scripted peers, bounded send buffers and virtual time for services. */
#ifndef LIB_FAKE_SLUICE_H
#define LIB_FAKE_SLUICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/sluice.h"

/*
 * Strict on purpose: readable and writable come only where the header promises them, a buffer is a
 * heap block of its exact size, and what a real network could lose is lost (a reset throws away
 * what the peer has not taken yet). Misuse of the API ends the program with an assertion.
 */

/** What a new world looks like; a zero member means its default. */
struct fake_params {
	uint32_t buf_bytes;	/* capacity of a buffer (2048) */
	uint32_t bufs_max;	/* buffers lent at once, received ones not counted (no limit) */
	uint32_t sndbuf_bytes;	/* send buffer of a connection (65536) */
	uint32_t mss_bytes;	/* SLUICE_TCP_MAXSEG (1448) */
	int listen_error;	/* what sluice_listen() returns */
	int connect_error;	/* what sluice_connect() returns */
};

struct sluice *fake_create(const struct fake_params *params);
void fake_destroy(struct sluice *s);

/** Change limits while running. */
void fake_set_bufs_max(struct sluice *s, uint32_t bufs_max);

/** Make callbacks until nothing is left to say. Peers that take everything take it here. */
void fake_run(struct sluice *s);

/** Let time pass, timers in order, with fake_run() after each. */
void fake_advance_ms(struct sluice *s, uint64_t ms);

/** Buffers lent to the service now, of both kinds. */
uint32_t fake_bufs_lent(const struct sluice *s);

/** Connections whose closed has not been called, those in the accept queue included. */
uint32_t fake_conns_open(const struct sluice *s);

/** Calls of sluice_send() and sluice_send_buf() that took something, since the start. */
uint64_t fake_sends(const struct sluice *s);

/** Calls of sluice_count_full(). */
uint64_t fake_fulls(const struct sluice *s);

/* --- the peer's side; a handle stays valid here until fake_destroy() -------------------------- */

/** The n-th connection that the service opened, 0 the first, and where to; 0: there is none. */
sluice_conn fake_target(struct sluice *s, unsigned int n, struct sluice_addr *to);

/** Answer it: 0 opens it, a negative errno value ends it. */
void fake_target_answer(struct sluice *s, sluice_conn c, int err);

/** How the peer sees the connection. */
enum fake_end {
	FAKE_OPEN,
	FAKE_FIN,	/* the service finished in order, and everything was taken */
	FAKE_RESET,	/* the peer got a reset */
};

/** Open a connection to a port; 0 if nobody listens there. The peer takes everything at once. */
sluice_conn fake_peer_connect(struct sluice *s, uint16_t port);

/** Send bytes; they arrive as one buffer (several, if longer than buf_bytes). */
void fake_peer_send(struct sluice *s, sluice_conn c, const void *data, size_t len);

/** Send FIN. */
void fake_peer_finish(struct sluice *s, sluice_conn c);

/** Send RST. */
void fake_peer_reset(struct sluice *s, sluice_conn c);

/** From now on take only what fake_peer_take() says (false), or everything at once (true). */
void fake_peer_set_greedy(struct sluice *s, sluice_conn c, bool greedy);

/** Take up to max bytes out of the service's send buffer; returns how many there were. */
size_t fake_peer_take(struct sluice *s, sluice_conn c, size_t max);

/** Everything taken so far; NUL-terminated for the eye. */
const char *fake_peer_data(struct sluice *s, sluice_conn c, size_t *len);

/** Forget what was taken so far. */
void fake_peer_forget(struct sluice *s, sluice_conn c);

enum fake_end fake_peer_end(struct sluice *s, sluice_conn c);

/** Bytes the service has not read yet. */
size_t fake_peer_unread(struct sluice *s, sluice_conn c);

#endif
