/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the control socket in the file system: C-01 modes, C-02 foreign and stale paths. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/socket.h"

static char dir[64];
static char path[96];
static char err[CTL_SOCKET_ERR_LEN];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sluice-socket-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/c.sock", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	char other[128];

	(void)state;
	unlink(path);
	snprintf(other, sizeof(other), "%s.lock", path);
	unlink(other);
	snprintf(other, sizeof(other), "%s/sub/c.sock.lock", dir);
	unlink(other);
	snprintf(other, sizeof(other), "%s/sub", dir);
	rmdir(other);
	return rmdir(dir);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static void
c01_socket_and_directory_have_tight_modes(void **state)
{
	char sub[128], sock_path[160];
	struct ctl_socket sock;
	mode_t mask = umask(0);

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(sock_path, sizeof(sock_path), "%s/sub/c.sock", dir);
	assert_int_equal(ctl_socket_open(sock_path, true, getegid(), &sock, err, sizeof(err)), 0);
	assert_int_equal(umask(mask), 0);
	assert_int_equal(mode_of(sub), 0750);
	assert_int_equal(mode_of(sock_path), 0660);
	ctl_socket_close(&sock);
	assert_int_equal(access(sock_path, F_OK), -1);
}

static void
c02_a_second_instance_is_refused_and_told_why(void **state)
{
	struct ctl_socket first, second;
	char pid[32];

	(void)state;
	assert_int_equal(ctl_socket_open(path, false, 0, &first, err, sizeof(err)), 0);
	assert_int_equal(ctl_socket_open(path, false, 0, &second, err, sizeof(err)), -EADDRINUSE);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(err, pid));
	assert_int_equal(access(path, F_OK), 0);
	ctl_socket_close(&first);
	assert_int_equal(ctl_socket_open(path, false, 0, &second, err, sizeof(err)), 0);
	ctl_socket_close(&second);
}

static void
c02_a_socket_left_behind_is_replaced(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ctl_socket sock;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), 0);
	ctl_socket_close(&sock);
}

static void
c02_files_and_links_are_left_alone(void **state)
{
	struct ctl_socket sock;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	close(fd);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "not a socket"));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), -EEXIST);
	assert_int_equal(sock.fd, -1);
	assert_int_equal(sock.lock_fd, -1);
}

static void
c02_a_socket_of_somebody_else_is_left_alone(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ctl_socket sock;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	if (chown(path, 12345, (gid_t)-1) != 0)
		skip(); /* only root can give files away */
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), -EPERM);
	assert_non_null(strstr(err, "12345"));
}

static void
c02_a_lock_that_is_a_link_is_refused(void **state)
{
	char lock[128];
	struct ctl_socket sock;

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	assert_int_equal(symlink("/tmp/sluice-not-there", lock), 0);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), -ELOOP);
}

static void
a_directory_everybody_may_write_is_refused(void **state)
{
	struct ctl_socket sock;

	(void)state;
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), -EPERM);
	assert_non_null(strstr(err, "chmod o-w"));
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), 0);
	ctl_socket_close(&sock);
}

static void
closing_removes_no_other_ones_socket(void **state)
{
	struct ctl_socket sock;
	int fd;

	(void)state;
	assert_int_equal(ctl_socket_open(path, false, 0, &sock, err, sizeof(err)), 0);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	ctl_socket_close(&sock);
	assert_int_equal(access(path, F_OK), 0);
}

static void
paths_that_cannot_be_are_refused(void **state)
{
	char longer[200];
	struct ctl_socket sock;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ctl_socket_open(longer, false, 0, &sock, err, sizeof(err)), -EINVAL);
	assert_int_equal(ctl_socket_open("c.sock", false, 0, &sock, err, sizeof(err)), -EINVAL);
	assert_int_equal(
		ctl_socket_open("/nonexistent/dir/c.sock", false, 0, &sock, err, sizeof(err)),
		-ENOENT);
	assert_int_equal(
		ctl_socket_open("/dev/null/c.sock", false, 0, &sock, err, sizeof(err)), -ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(c01_socket_and_directory_have_tight_modes),
		TEST(c02_a_second_instance_is_refused_and_told_why),
		TEST(c02_a_socket_left_behind_is_replaced),
		TEST(c02_files_and_links_are_left_alone),
		TEST(c02_a_socket_of_somebody_else_is_left_alone),
		TEST(c02_a_lock_that_is_a_link_is_refused),
		TEST(a_directory_everybody_may_write_is_refused),
		TEST(closing_removes_no_other_ones_socket),
		TEST(paths_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
