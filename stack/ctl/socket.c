/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the control socket: directory, lock, stale socket, bind, group. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/compiler.h"
#include "ctl/socket.h"

#define BACKLOG 64

struct attempt {
	const char *path;
	bool has_gid;
	gid_t gid;
	char *err;
	size_t err_len;
};

SLUICE_PRINTF(3, 4)
static int
fail(const struct attempt *a, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->err, a->err_len, fmt, args);
	va_end(args);
	return code;
}

/* The directory: ours to make, or one where strangers cannot swap files under us. */
static int
directory_make(const struct attempt *a)
{
	char copy[CONFIG_SOCKET_LEN];
	const char *dir;
	struct stat st;
	mode_t mask;
	int made;

	snprintf(copy, sizeof(copy), "%s", a->path);
	dir = dirname(copy);
	mask = umask(0027);
	made = mkdir(dir, 0750);
	umask(mask);
	if (made != 0 && errno != EEXIST)
		return fail(a, -errno, "cannot make the directory %s: %s", dir, strerror(errno));
	if (made == 0 && a->has_gid && chown(dir, (uid_t)-1, a->gid) != 0)
		return fail(a, -errno, "cannot give the directory %s to group %u: %s", dir,
			(unsigned int)a->gid, strerror(errno));
	if (stat(dir, &st) != 0)
		return fail(a, -errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(a, -ENOTDIR, "%s is not a directory", dir);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return fail(a, -EPERM,
			"everybody may write to %s, so that anybody could replace the socket; "
			"chmod o-w it or take another directory",
			dir);
	return 0;
}

/* One instance per path: whoever holds the lock may remove a socket left behind. */
static int
lock_take(const struct attempt *a, int *lock_fd)
{
	char path[CONFIG_SOCKET_LEN + 8];
	char pid[32] = "";
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s.lock", a->path);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(a, -errno, "cannot open the lock file %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		len = read(fd, pid, sizeof(pid) - 1);
		pid[len > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		close(fd);
		return fail(a, -EADDRINUSE,
			"%s is in use by another instance (process %s); stop it or set "
			"control.socket to another path",
			a->path, pid[0] != '\0' ? pid : "unknown");
	}
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, pid, (size_t)len) != len) {
		int code = -errno;

		close(fd);
		return fail(a, code, "cannot write the lock file %s: %s", path, strerror(-code));
	}
	*lock_fd = fd;
	return 0;
}

/* What is at the path already? Only a socket of our own goes; the lock says nobody uses it. */
static int
stale_remove(const struct attempt *a)
{
	struct stat st;

	if (lstat(a->path, &st) != 0)
		return errno == ENOENT ? 0 : fail(a, -errno, "%s: %s", a->path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(a, -EEXIST,
			"%s exists and is not a socket; remove it or set control.socket to another "
			"path",
			a->path);
	if (st.st_uid != geteuid())
		return fail(a, -EPERM,
			"%s belongs to user %u, not to us; remove it or set control.socket to "
			"another path",
			a->path, (unsigned int)st.st_uid);
	if (unlink(a->path) != 0)
		return fail(
			a, -errno, "cannot remove the old socket %s: %s", a->path, strerror(errno));
	return 0;
}

static int
socket_listen(const struct attempt *a, struct ctl_socket *out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int bound;

	memcpy(addr.sun_path, a->path, strlen(a->path) + 1);
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return fail(a, -errno, "cannot make a socket: %s", strerror(errno));
	mask = umask(0117);
	bound = bind(out->fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (bound != 0)
		return fail(a, -errno, "cannot make the socket %s: %s", a->path, strerror(errno));
	if (lstat(a->path, &st) != 0)
		return fail(a, -errno, "%s: %s", a->path, strerror(errno));
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	if (a->has_gid && lchown(a->path, (uid_t)-1, a->gid) != 0)
		return fail(a, -errno, "cannot give %s to group %u: %s", a->path,
			(unsigned int)a->gid, strerror(errno));
	if (listen(out->fd, BACKLOG) != 0)
		return fail(a, -errno, "cannot listen on %s: %s", a->path, strerror(errno));
	return 0;
}

int
ctl_socket_open(const char *path, bool has_gid, gid_t gid, struct ctl_socket *out, char *err,
	size_t err_len)
{
	const struct attempt a = { path, has_gid, gid, err, err_len };
	int code;

	*out = (struct ctl_socket){ .fd = -1, .lock_fd = -1 };
	if (path[0] != '/' || strlen(path) >= sizeof(out->path))
		return fail(&a, -EINVAL, "'%.120s' is not an absolute path of at most %zu bytes",
			path, sizeof(out->path) - 1);
	memcpy(out->path, path, strlen(path) + 1);
	code = directory_make(&a);
	if (code == 0)
		code = lock_take(&a, &out->lock_fd);
	if (code == 0)
		code = stale_remove(&a);
	if (code == 0)
		code = socket_listen(&a, out);
	if (code != 0)
		ctl_socket_close(out);
	return code;
}

void
ctl_socket_close(struct ctl_socket *sock)
{
	struct stat st;

	if (sock->ino != 0 && lstat(sock->path, &st) == 0 && st.st_dev == sock->dev &&
		st.st_ino == sock->ino)
		unlink(sock->path);
	if (sock->fd >= 0)
		close(sock->fd);
	/* The lock file stays: removing it could take it from under another one's lock. */
	if (sock->lock_fd >= 0)
		close(sock->lock_fd);
	*sock = (struct ctl_socket){ .fd = -1, .lock_fd = -1 };
}
