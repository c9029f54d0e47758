/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of roles by user and group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/peer.h"

static const struct peer_rules rules = {
	.own_uid = 500,
	.has_operate_gid = true,
	.operate_gid = 70,
	.has_admin_gid = true,
	.admin_gid = 80,
};

static const struct peer_rules no_groups = { .own_uid = 500 };

static const struct {
	uid_t uid;
	gid_t groups[3];
	enum ctl_role role, role_without_groups;
} rows[] = {
	{ 0, { 0, 0, 0 }, CTL_ADMIN, CTL_ADMIN },
	{ 500, { 500, 500, 500 }, CTL_ADMIN, CTL_ADMIN },
	{ 501, { 500, 500, 500 }, CTL_READ, CTL_READ },
	{ 501, { 70, 1, 2 }, CTL_OPERATE, CTL_READ },
	{ 501, { 1, 2, 70 }, CTL_OPERATE, CTL_READ },
	{ 501, { 1, 80, 70 }, CTL_ADMIN, CTL_READ },
	{ 501, { 0, 0, 0 }, CTL_READ, CTL_READ },
};

static void
users_and_groups_decide_the_role(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer peer = { .uid = rows[i].uid, .group_count = 3 };

		for (j = 0; j < 3; j++)
			peer.groups[j] = rows[i].groups[j];
		assert_int_equal(peer_role(&peer, &rules), rows[i].role);
		assert_int_equal(peer_role(&peer, &no_groups), rows[i].role_without_groups);
	}
}

static void
the_kernel_tells_who_the_peer_is(void **state)
{
	struct peer peer;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(peer_read(pair[0], &peer), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.pid, getpid());
	assert_true(peer.group_count >= 1);
	assert_int_equal(peer.groups[0], getegid());
	close(pair[0]);
	close(pair[1]);
	assert_true(peer_read(pair[0], &peer) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_and_groups_decide_the_role),
		cmocka_unit_test(the_kernel_tells_who_the_peer_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
