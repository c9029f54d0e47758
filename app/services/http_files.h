/* SPDX-License-Identifier: BSD-3-Clause */
/* The files under one directory, kept open in a small table and never outside of it. */
#ifndef SERVICES_HTTP_FILES_H
#define SERVICES_HTTP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "services/http_path.h"
#include "services/http_response.h"

/*
 * The directory is opened once; names are resolved beneath it by the kernel (openat2 with
 * RESOLVE_BENEATH), so neither ".." nor a symbolic link leads out, whatever changes meanwhile.
 * Links that stay inside work. Only regular files are served.
 *
 * A name is looked up again when the second on the wall clock has changed since the last look. A
 * file that is not the same then (device, inode, size, times) gets a new entry; the old one
 * lives until its last transfer ends. Small files are kept in memory. Bytes of others are read
 * with pread(): a file that shrinks is a short read, where a mapping would be a SIGBUS.
 */

/** Files up to this size are served from memory. */
#define HTTP_FILE_INLINE_BYTES 4096u

struct http_file {
	uint32_t refs;		/* replies that use it */
	int fd;			/* -1: data holds all of it, or the entry is unused */
	uint64_t used;		/* value of http_files.clock at the last use */
	int64_t checked_s;	/* wall clock of the last look at the file system */
	bool settled;		/* older than its timestamps' resolution when it was read */
	uint64_t device;
	uint64_t inode;
	uint64_t size_bytes;
	int64_t modified_s;
	uint32_t modified_ns;
	int64_t changed_s;	/* of the inode: catches what keeps the size and resets the mtime */
	uint32_t changed_ns;
	const char *type;	/* Content-Type */
	char etag[48];		/* with its quotes */
	char fields[HTTP_FILE_FIELDS_BYTES + 1]; /* Last-Modified, ETag, Accept-Ranges */
	char name[HTTP_PATH_MAX];
	uint8_t data[HTTP_FILE_INLINE_BYTES];
};

struct http_files {
	int root_fd;		/* O_PATH; -1: no directory, every lookup is -ENOENT */
	uint32_t count;
	uint64_t clock;		/* uses so far */
	uint32_t *hashes;	/* of the names, count many; 0: entry cannot be found */
	struct http_file *entries;
};

/** Open the directory (NULL: none) with a table of count files. -errno of open, -ENOTDIR, -ENOMEM;
 *  -ENOSYS or -EPERM where openat2 is missing or filtered. */
int http_files_init(struct http_files *files, const char *root, uint32_t count);

/** Close everything. A table whose init failed is allowed. */
void http_files_destroy(struct http_files *files);

/**
 * Find a file by a name from http_path_resolve() and hold it until http_files_put(). wall_s is the
 * time now. -ENOENT: no such regular file inside the directory; -EISDIR: a directory; -EACCES;
 * -ENFILE: every entry is in transfer, or the process is out of descriptors; -EIO: the rest.
 */
int http_files_get(struct http_files *files, const char *name, int64_t wall_s,
	struct http_file **out);

/** Let a file go. */
void http_files_put(struct http_files *files, struct http_file *file);

/** Whether all of its bytes are in file->data. */
static inline bool
http_file_is_inline(const struct http_file *file)
{
	return file->fd < 0;
}

/** Read into count vectors from offset at. Returns 0, or -EIO if not all of it could be read. */
int http_file_read(const struct http_file *file, const struct iovec *iov, int count, uint64_t at);

#endif
