/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the fake share: its world, and what both sides do to a connection. */
#ifndef LIB_FAKE_INT_H
#define LIB_FAKE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/fake_sluice.h"
#include "sluice/sluice.h"

#define FAKE_MAX_LISTENERS 8u

/* One buffer: in a connection's input, or lent to the service. */
struct fake_buf {
	struct fake_buf *next;
	uint8_t *mem;		/* heap block of exactly cap bytes */
	uint32_t cap;
	uint32_t off;		/* already read by sluice_recv() */
	bool lent;
	bool allocated;		/* by sluice_buf_alloc(): counts against bufs_max */
};

struct fake_bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
};

struct fake_conn {
	sluice_conn handle;
	struct fake_listener *listener;	/* NULL: the service opened it */
	struct sluice_addr remote;
	const struct sluice_ops *ops;
	void *data;
	struct fake_buf *in_head, *in_tail;
	struct fake_bytes queued;	/* sent by the service, not yet taken by the peer */
	struct fake_bytes taken;
	uint64_t timer_us;	/* 0: none */
	int closed_err;
	bool accepted;		/* the service has the handle */
	bool opening;		/* by the service, and not yet answered */
	bool connected;		/* callback due */
	int connect_err;
	bool greedy;
	bool readable, writable, closing; /* callbacks due */
	bool blocked;		/* a send came up short: writable is owed */
	bool peer_fin;
	bool shut_wr;		/* by shutdown or close */
	bool shut_rd;
	bool service_closed;
	bool reset;
	bool dead;		/* closed was called */
};

struct fake_listener {
	struct sluice_listen_params params;
	bool open;
	bool acceptable;	/* callback due */
};

struct sluice {
	struct fake_params params;
	uint64_t now_us;
	struct fake_listener listeners[FAKE_MAX_LISTENERS];
	unsigned int listener_count;
	struct fake_conn **conns;
	size_t conn_count;
	uint32_t lent;
	uint32_t allocated;
	uint64_t sends;
	uint64_t full_count;
};

/** The connection behind a handle as the service may use it, or NULL. */
struct fake_conn *fake_live_conn(struct sluice *s, sluice_conn c);

/** A connection with the next handle, and a peer that takes everything. */
struct fake_conn *fake_conn_new(struct sluice *s, const struct sluice_ops *ops);

/** Append; a NUL that does not count follows the last byte. */
void fake_bytes_add(struct fake_bytes *b, const uint8_t *src, size_t len);

/** A buffer of exactly len bytes, with a copy of data unless that is NULL. */
struct fake_buf *fake_buf_new(const uint8_t *data, uint32_t len);
void fake_buf_delete(struct fake_buf *b);

/** The first buffer of the input; there has to be one. */
struct fake_buf *fake_input_pop(struct fake_conn *conn);
void fake_input_clear(struct fake_conn *conn);

/** The connection ends with this error; what the peer has not taken is lost. */
void fake_conn_reset(struct fake_conn *conn, int err);

/** An orderly end never comes before the service closed; then when everything was taken. */
void fake_conn_check_end(struct fake_conn *conn);

#endif
