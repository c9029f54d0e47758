/* SPDX-License-Identifier: BSD-3-Clause */
/* The files under one directory: looked up beneath it, revalidated once per second. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "services/http_date.h"
#include "services/http_files.h"

/* A rename during the lookup makes openat2 ask for another try. */
#define HTTP_OPEN_TRIES 4u

/* A file this many seconds old will not change again without new times (coarse ones: 1 s). */
#define HTTP_SETTLED_S 2

static int
open_beneath(int root_fd, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	unsigned int tries = 0;
	long fd;

	do
		fd = syscall(SYS_openat2, root_fd, name, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR) && ++tries < HTTP_OPEN_TRIES);
	return fd < 0 ? -errno : (int)fd;
}

/* What the reasons of the kernel mean to a client. */
static int
lookup_error(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -EXDEV:	/* out of the directory */
	case -ELOOP:
	case -ENXIO:	/* a socket, or a device without a driver */
		return -ENOENT;
	case -EACCES:
	case -EPERM:
		return -EACCES;
	case -EMFILE:
	case -ENFILE:
		return -ENFILE;
	default:
		return -EIO;
	}
}

int
http_files_init(struct http_files *files, const char *root, uint32_t count)
{
	int fd;

	memset(files, 0, sizeof(*files));
	files->root_fd = -1;
	if (root == NULL)
		return 0;
	files->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (files->root_fd < 0)
		return -errno;
	/* Better no start than a server that finds nothing. */
	fd = open_beneath(files->root_fd, ".", O_PATH);
	if (fd < 0) {
		http_files_destroy(files);
		return fd;
	}
	close(fd);
	files->hashes = calloc(count, sizeof(*files->hashes));
	files->entries = calloc(count, sizeof(*files->entries));
	if (files->hashes == NULL || files->entries == NULL) {
		http_files_destroy(files);
		return -ENOMEM;
	}
	files->count = count;
	for (uint32_t i = 0; i < count; i++)
		files->entries[i].fd = -1;
	return 0;
}

void
http_files_destroy(struct http_files *files)
{
	for (uint32_t i = 0; files->entries != NULL && i < files->count; i++)
		if (files->entries[i].fd >= 0)
			close(files->entries[i].fd);
	free(files->hashes);
	free(files->entries);
	if (files->root_fd >= 0)
		close(files->root_fd);
	*files = (struct http_files){ .root_fd = -1 };
}

/* FNV-1a. Names that collide cost a comparison and nothing else. */
static uint32_t
name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash != 0 ? hash : 1;
}

static struct http_file *
entry_find(const struct http_files *files, const char *name, uint32_t hash)
{
	for (uint32_t i = 0; i < files->count; i++)
		if (files->hashes[i] == hash && strcmp(files->entries[i].name, name) == 0)
			return &files->entries[i];
	return NULL;
}

/* Nobody finds the entry any more; it is empty as soon as nobody uses it. */
static void
entry_forget(struct http_files *files, struct http_file *file)
{
	files->hashes[file - files->entries] = 0;
	if (file->refs > 0)
		return;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* An empty entry: one never used, or else the one not used for the longest time. */
static struct http_file *
entry_take(struct http_files *files)
{
	struct http_file *best = NULL;

	for (uint32_t i = 0; i < files->count; i++) {
		struct http_file *file = &files->entries[i];

		if (file->refs > 0)
			continue;
		if (files->hashes[i] == 0)
			return file;
		if (best == NULL || file->used < best->used)
			best = file;
	}
	if (best != NULL)
		entry_forget(files, best);
	return best;
}

static bool
is_same_file(const struct http_file *file, const struct stat *st)
{
	/* Only bytes in memory can be older than the times tell. */
	if (!file->settled && http_file_is_inline(file))
		return false;
	return file->device == st->st_dev && file->inode == st->st_ino &&
		file->size_bytes == (uint64_t)st->st_size &&
		file->modified_s == st->st_mtim.tv_sec &&
		file->modified_ns == (uint32_t)st->st_mtim.tv_nsec &&
		file->changed_s == st->st_ctim.tv_sec &&
		file->changed_ns == (uint32_t)st->st_ctim.tv_nsec;
}

/* Fill an empty entry; it takes fd over. */
static void
entry_fill(struct http_file *file, int fd, const struct stat *st, const char *name, int64_t wall_s)
{
	char date[HTTP_DATE_BYTES];
	struct iovec iov = { file->data, (size_t)st->st_size };

	file->fd = fd;
	file->device = st->st_dev;
	file->inode = st->st_ino;
	file->size_bytes = (uint64_t)st->st_size;
	file->modified_s = st->st_mtim.tv_sec;
	file->modified_ns = (uint32_t)st->st_mtim.tv_nsec;
	file->changed_s = st->st_ctim.tv_sec;
	file->changed_ns = (uint32_t)st->st_ctim.tv_nsec;
	file->checked_s = wall_s;
	file->settled = wall_s - file->changed_s >= HTTP_SETTLED_S;
	file->type = http_type_of(name);
	memcpy(file->name, name, strlen(name) + 1);
	snprintf(file->etag, sizeof(file->etag), "\"%" PRIx64 "-%" PRIx64 "%08" PRIx32 "\"",
		file->size_bytes, (uint64_t)file->modified_s, file->modified_ns);
	http_date_format(date, file->modified_s);
	snprintf(file->fields, sizeof(file->fields),
		"Last-Modified: %.*s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n",
		(int)HTTP_DATE_BYTES, date, file->etag);
	if (file->size_bytes <= HTTP_FILE_INLINE_BYTES &&
		(file->size_bytes == 0 || http_file_read(file, &iov, 1, 0) == 0)) {
		close(fd);
		file->fd = -1;
	}
}

/* Look at the file system: the entry that is right now, old or new. */
static int
entry_refresh(struct http_files *files, const char *name, struct http_file *old, int64_t wall_s,
	struct http_file **out)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	int fd = open_beneath(files->root_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct http_file *file;
	struct stat st;
	int err = 0;

	if (fd < 0)
		err = lookup_error(fd);
	else if (fstat(fd, &st) != 0)
		err = -EIO;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ENOENT;
	if (err == 0 && old != NULL && is_same_file(old, &st)) {
		close(fd);
		old->checked_s = wall_s;
		*out = old;
		return 0;
	}
	if (old != NULL)
		entry_forget(files, old);
	file = err == 0 ? entry_take(files) : NULL;
	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return err != 0 ? err : -ENFILE;
	}
	entry_fill(file, fd, &st, name, wall_s);
	files->hashes[file - files->entries] = name_hash(name);
	*out = file;
	return 0;
}

int
http_files_get(struct http_files *files, const char *name, int64_t wall_s, struct http_file **out)
{
	struct http_file *file;

	if (files->root_fd < 0)
		return -ENOENT;
	assert(strlen(name) < HTTP_PATH_MAX);
	file = entry_find(files, name, name_hash(name));
	if (file == NULL || file->checked_s != wall_s) {
		int err = entry_refresh(files, name, file, wall_s, &file);

		if (err != 0)
			return err;
	}
	file->refs++;
	file->used = ++files->clock;
	*out = file;
	return 0;
}

void
http_files_put(struct http_files *files, struct http_file *file)
{
	assert(file->refs > 0);
	file->refs--;
	if (files->hashes[file - files->entries] == 0)
		entry_forget(files, file);
}

int
http_file_read(const struct http_file *file, const struct iovec *iov, int count, uint64_t at)
{
	size_t wanted = 0;
	ssize_t got;

	for (int i = 0; i < count; i++)
		wanted += iov[i].iov_len;
	do
		got = preadv(file->fd, iov, count, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got >= 0 && (size_t)got == wanted ? 0 : -EIO;
}
