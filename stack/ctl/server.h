/* SPDX-License-Identifier: BSD-3-Clause */
/* The control server: clients on a Unix socket, one poll loop, hard limits on everything. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "ctl/backend.h"
#include "ctl/peer.h"

/* Limits; times in microseconds. */
#define CTL_CLIENTS_MAX 64u
#define CTL_REQUEST_TIMEOUT_US 10000000u /* from the first byte of a request to its newline */
#define CTL_IDLE_TIMEOUT_US 60000000u /* without a request */
#define CTL_STALL_TIMEOUT_US 10000000u /* with answers queued and none taken */
#define CTL_ORDER_TIMEOUT_US 1000000u /* an answer waits no longer until its order is carried out */
#define CTL_OUT_MAX (1u << 20) /* bytes queued for a client */
#define CTL_BUSY_US 1000000u /* who asked within this is sent away for admins only */

struct ctl_server;

struct ctl_server_params {
	const struct ctl_backend *backend; /* outlives the server */
	int listen_fd; /* of ctl_socket_open(); stays the caller's */
	struct peer_rules rules;
};

/** -ENOMEM, -EMFILE. */
int ctl_server_create(const struct ctl_server_params *par, struct ctl_server **out);

/** Close every client. */
void ctl_server_destroy(struct ctl_server *server);

/**
 * Serve clients for at most timeout_ms: waits until there is something to do, does one round of it
 * and returns. Call it in a loop. 0, or -errno of poll(2): -EINTR when a signal came.
 */
int ctl_server_poll(struct ctl_server *server, int timeout_ms);

/** Clients connected now. */
unsigned int ctl_server_clients(const struct ctl_server *server);

/** Bytes queued for all of them. */
size_t ctl_server_queued(const struct ctl_server *server);

#endif
