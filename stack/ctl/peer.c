/* SPDX-License-Identifier: BSD-3-Clause */
/* Credentials of socket peers (SO_PEERCRED, SO_PEERGROUPS) and their roles. */
#include <errno.h>
#include <sys/socket.h>

#include "ctl/peer.h"

int
peer_read(int fd, struct peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return -errno;
	out->uid = cred.uid;
	out->pid = cred.pid;
	out->groups[0] = cred.gid;
	out->group_count = 1;
	/* With more groups than there is room for (-ERANGE) only the primary one counts. */
	len = (PEER_GROUPS_MAX - 1) * sizeof(gid_t);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out->groups + 1, &len) == 0)
		out->group_count += (unsigned int)(len / sizeof(gid_t));
	return 0;
}

static bool
is_member(const struct peer *peer, gid_t gid)
{
	unsigned int i;

	for (i = 0; i < peer->group_count; i++) {
		if (peer->groups[i] == gid)
			return true;
	}
	return false;
}

enum ctl_role
peer_role(const struct peer *peer, const struct peer_rules *rules)
{
	if (peer->uid == 0 || peer->uid == rules->own_uid)
		return CTL_ADMIN;
	if (rules->has_admin_gid && is_member(peer, rules->admin_gid))
		return CTL_ADMIN;
	if (rules->has_operate_gid && is_member(peer, rules->operate_gid))
		return CTL_OPERATE;
	return CTL_READ;
}
