/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at the other end of a Unix socket, and what that makes them. */
#ifndef CTL_PEER_H
#define CTL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "ctl/protocol.h"

#define PEER_GROUPS_MAX 256

/** A process as the kernel knows it when it connected. */
struct peer {
	uid_t uid;
	pid_t pid;
	unsigned int group_count;
	gid_t groups[PEER_GROUPS_MAX]; /* primary and supplementary */
};

/** Which groups are more than readers. */
struct peer_rules {
	uid_t own_uid; /* the daemon's; an admin, as root is */
	bool has_operate_gid, has_admin_gid;
	gid_t operate_gid, admin_gid;
};

/** Ask the kernel about a connected socket: 0 or -errno. */
int peer_read(int fd, struct peer *out);

/** What the peer may do. */
enum ctl_role peer_role(const struct peer *peer, const struct peer_rules *rules);

#endif
