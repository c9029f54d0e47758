/* SPDX-License-Identifier: BSD-3-Clause */
/* The file in which nstat keeps its last values. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nstat.h"

/*
 * Threat model: without $XDG_RUNTIME_DIR the file is in /tmp, where anybody may have put a link, a
 * pipe or a file of that name. It is read only if it is a regular file of ours with one name,
 * never through a link; it is written under a new name that must not exist and then renamed, which
 * replaces a link instead of following it. Where another user's file has the name, the sticky bit
 * keeps us from replacing it, and that is an error with a way out.
 */

#define STATE_MAX_BYTES (256u * 1024)

struct place {
	int dir_fd;
	const char *dir;
	char name[80];
};

static uint64_t
name_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

/* A folder that nobody else can put things into; -1: it is not. */
static int
private_dir_open(const char *path)
{
	struct stat st;
	int fd;

	if (path == NULL || path[0] != '/')
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
state_failed(const struct place *p, const char *what, int err, struct failure *f)
{
	bool is_denied = err == EACCES || err == EPERM || err == ELOOP;

	return failure_set(f, is_denied ? EXIT_DENIED : EXIT_REFUSED, "E_STATE_FILE",
		"remove the file, set XDG_RUNTIME_DIR to a folder of your own, or use -a -s, "
		"which needs no file",
		"%s %s/%s: %s", what, p->dir, p->name,
		err == ELOOP ? "it is a link or no plain file of yours" : strerror(err));
}

/* Where the values of this socket are kept, one file for each user and daemon. */
static int
place_open(const struct cli *cli, struct place *p, struct failure *f)
{
	snprintf(p->name, sizeof(p->name), "sluicectl-nstat.%lu.%016" PRIx64,
		(unsigned long)geteuid(), name_hash(cli->socket_path));
	p->dir = getenv("XDG_RUNTIME_DIR");
	p->dir_fd = private_dir_open(p->dir);
	if (p->dir_fd >= 0)
		return 0;
	p->dir = "/tmp";
	p->dir_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->dir_fd >= 0 ? 0 : state_failed(p, "cannot look into the folder of", errno, f);
}

/* Is it a plain file of ours, under one name, that nobody else can have written? */
static bool
is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_nlink == 1 && (st.st_mode & 022) == 0 && st.st_size <= STATE_MAX_BYTES;
}

int
nstat_load(const struct cli *cli, json_t **out, struct failure *f)
{
	struct place p;
	int code = place_open(cli, &p, f);
	int fd, err;

	*out = NULL;
	if (code != 0)
		return code;
	/* Not blocked by a pipe that somebody put there. */
	fd = openat(p.dir_fd, p.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	err = fd < 0 ? errno : is_ours(fd) ? 0 : ELOOP;
	close(p.dir_fd);
	/* A file that is no JSON, cut short perhaps, is as good as none: it is replaced. */
	if (err == 0)
		*out = json_loadfd(fd, 0, NULL);
	if (fd >= 0)
		close(fd);
	if (err != 0 && err != ENOENT)
		return state_failed(&p, "cannot use", err, f);
	return 0;
}

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* 0 or an errno. */
static int
replace(const struct place *p, const char *text)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char fresh[128];
	int fd, err;

	snprintf(fresh, sizeof(fresh), ".%s.%ld", p->name, (long)getpid());
	fd = openat(p->dir_fd, fresh, flags, 0600);
	/* Left behind by a process that had our number. */
	if (fd < 0 && errno == EEXIST && unlinkat(p->dir_fd, fresh, 0) == 0)
		fd = openat(p->dir_fd, fresh, flags, 0600);
	if (fd < 0)
		return errno;
	err = write_all(fd, text, strlen(text));
	if (close(fd) != 0 && err == 0)
		err = errno;
	if (err == 0 && renameat(p->dir_fd, fresh, p->dir_fd, p->name) != 0)
		err = errno;
	if (err != 0)
		(void)unlinkat(p->dir_fd, fresh, 0);
	return err;
}

int
nstat_save(const struct cli *cli, const json_t *values, struct failure *f)
{
	struct place p;
	int code = place_open(cli, &p, f);
	char *text;
	int err;

	if (code != 0)
		return code;
	text = json_dumps(values, JSON_COMPACT | JSON_ENSURE_ASCII);
	err = text != NULL ? replace(&p, text) : ENOMEM;
	free(text);
	close(p.dir_fd);
	return err == 0 ? 0 : state_failed(&p, "cannot keep the values in", err, f);
}
