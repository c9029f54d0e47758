/* SPDX-License-Identifier: BSD-3-Clause */
/* The listening control socket in the file system: made safely, removed at the end. */
#ifndef CTL_SOCKET_H
#define CTL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl/config.h"

/** Bytes of the longest error text. */
#define CTL_SOCKET_ERR_LEN 400

struct ctl_socket {
	int fd; /* listens, does not block; -1: none */
	int lock_fd; /* holds the lock on PATH.lock */
	dev_t dev; /* of the socket in the file system, */
	ino_t ino; /* to remove no other one */
	char path[CONFIG_SOCKET_LEN];
};

/**
 * Listen on path. Its directory is made with mode 0750 if it is missing, the socket has mode 0660
 * from the first moment; both get the group if has_gid. A socket left behind by a dead instance is
 * replaced; anything else at path is refused, and so is a path whose lock another process holds.
 * Call it before any other thread runs: it changes the umask for a moment. 0, or -errno with the
 * reason and the fix in err.
 */
int ctl_socket_open(const char *path, bool has_gid, gid_t gid, struct ctl_socket *out, char *err,
	size_t err_len);

/** Stop listening, remove the socket, give the lock back. */
void ctl_socket_close(struct ctl_socket *sock);

#endif
