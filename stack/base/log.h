/* SPDX-License-Identifier: BSD-3-Clause */
/* Where lines of text go: a sink handed in by the program, behind a rate limit. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Longest line, its note about suppressed ones included; what is beyond is cut. */
#define LOG_LINE_BYTES 512

/* From worst to chattiest, in syslog's order. */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/*
 * One per thread, since nothing here is locked. A bucket of burst lines refills at
 * lines_per_s; a line that finds it empty is counted and the next one through says so.
 */
struct log_sink {
	/* Writes one line (no newline at its end, a NUL at line[len]); keeps no pointer to it. */
	void (*write)(void *ctx, enum log_level level, const char *line, size_t len);
	void *ctx; /* handed to write */
	enum log_level level_max; /* chattier lines are dropped silently */
	uint32_t lines_per_s; /* refill rate, 0: no limit */
	uint32_t burst; /* size of the bucket, lines */
	uint64_t tokens_ppm; /* millionths of a line in the bucket */
	uint64_t refilled_us; /* time of the last refill */
	uint64_t suppressed; /* lines dropped by the limit, ever */
	uint64_t suppressed_told; /* of those, already reported in a line */
};

/* A sink that lets burst lines through at once and lines_per_s (0: any number) from then on. */
void log_init(struct log_sink *sink,
	void (*write)(void *ctx, enum log_level level, const char *line, size_t len), void *ctx,
	uint32_t lines_per_s, uint32_t burst);

/* Writes one line, formatted as by printf, unless its level or the rate limit forbids it. */
SLUICE_PRINTF(4, 5)
SLUICE_COLD void log_write(
	struct log_sink *sink, uint64_t now_us, enum log_level level, const char *fmt, ...);

#endif
