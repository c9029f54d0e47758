/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of its own for a test that needs real files. */
#ifndef LIB_TEMP_DIR_H
#define LIB_TEMP_DIR_H

#include <stddef.h>
#include <stdint.h>

struct temp_dir {
	char path[64];
};

void temp_dir_create(struct temp_dir *dir);

/** Remove it with everything in it. */
void temp_dir_remove(struct temp_dir *dir);

/** The path of a name in it; valid until the next call. */
const char *temp_dir_path(const struct temp_dir *dir, const char *name);

/** Write a file, replacing what it had (the inode stays). modified_s < 0: leave its times. */
void temp_dir_write(const struct temp_dir *dir, const char *name, const void *data, size_t len,
	int64_t modified_s);

void temp_dir_mkdir(const struct temp_dir *dir, const char *name);

/** A symbolic link called name that points to target. */
void temp_dir_link(const struct temp_dir *dir, const char *target, const char *name);

#endif
