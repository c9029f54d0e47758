/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes an archive that tar(1) reads (POSIX ustar): plain files, nothing else. */
#ifndef SLUICECTL_TAR_H
#define SLUICECTL_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** One file, name shorter than 100 bytes. Errors of writing are those of out: ferror(). */
void tar_file(FILE *out, const char *name, const void *data, size_t len, int64_t mtime_s);

/** What an archive ends with. */
void tar_end(FILE *out);

#endif
