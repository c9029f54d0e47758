/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of its own for a test that needs real files. */
#include "lib/temp_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without its files a test means nothing. */
static void
must(int ok)
{
	if (!ok) {
		perror("temp_dir");
		abort();
	}
}

void
temp_dir_create(struct temp_dir *dir)
{
	memcpy(dir->path, "/tmp/sluice-test-XXXXXX", sizeof("/tmp/sluice-test-XXXXXX"));
	must(mkdtemp(dir->path) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
temp_dir_remove(struct temp_dir *dir)
{
	must(nftw(dir->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *
temp_dir_path(const struct temp_dir *dir, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	return path;
}

void
temp_dir_write(const struct temp_dir *dir, const char *name, const void *data, size_t len,
	int64_t modified_s)
{
	int fd = open(temp_dir_path(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = modified_s } };

	must(fd >= 0);
	must(write(fd, data, len) == (ssize_t)len);
	if (modified_s >= 0)
		must(futimens(fd, times) == 0);
	close(fd);
}

void
temp_dir_mkdir(const struct temp_dir *dir, const char *name)
{
	must(mkdir(temp_dir_path(dir, name), 0755) == 0);
}

void
temp_dir_link(const struct temp_dir *dir, const char *target, const char *name)
{
	must(symlink(target, temp_dir_path(dir, name)) == 0);
}
