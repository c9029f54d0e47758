/* SPDX-License-Identifier: BSD-3-Clause */
/* Formatting of log lines and the token bucket they pass. */
#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Millionths of a token: at n lines per second a microsecond refills n of them. */
#define TOKEN_PPM 1000000u

void
log_init(struct log_sink *sink,
	void (*write)(void *ctx, enum log_level level, const char *line, size_t len), void *ctx,
	uint32_t lines_per_s, uint32_t burst)
{
	*sink = (struct log_sink){
		.write = write,
		.ctx = ctx,
		.level_max = LOG_LEVEL_INFO,
		.lines_per_s = lines_per_s,
		.burst = burst,
		.tokens_ppm = (uint64_t)burst * TOKEN_PPM,
	};
}

static bool
take_token(struct log_sink *sink, uint64_t now_us)
{
	uint64_t full_ppm = (uint64_t)sink->burst * TOKEN_PPM;
	uint64_t elapsed_us;

	if (sink->lines_per_s == 0)
		return true;
	/* A clock that stepped back refills nothing. */
	elapsed_us = now_us > sink->refilled_us ? now_us - sink->refilled_us : 0;
	sink->refilled_us = now_us;
	if (elapsed_us >= full_ppm / sink->lines_per_s)
		sink->tokens_ppm = full_ppm;
	else
		sink->tokens_ppm =
			min_u64(full_ppm, sink->tokens_ppm + elapsed_us * sink->lines_per_s);
	if (sink->tokens_ppm < TOKEN_PPM)
		return false;
	sink->tokens_ppm -= TOKEN_PPM;
	return true;
}

/* What snprintf() wrote of wanted bytes into room, its NUL not counted. */
static size_t
written(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return min_size((size_t)wanted, room - 1);
}

void
log_write(struct log_sink *sink, uint64_t now_us, enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_BYTES];
	size_t len = 0;
	va_list args;

	if (level > sink->level_max)
		return;
	if (!take_token(sink, now_us)) {
		sink->suppressed++;
		return;
	}
	if (sink->suppressed > sink->suppressed_told) {
		len = written(snprintf(line, sizeof(line), "(%" PRIu64 " lines suppressed) ",
				      sink->suppressed - sink->suppressed_told),
			sizeof(line));
		sink->suppressed_told = sink->suppressed;
	}
	line[len] = '\0';
	va_start(args, fmt);
	len += written(vsnprintf(line + len, sizeof(line) - len, fmt, args), sizeof(line) - len);
	va_end(args);
	sink->write(sink->ctx, level, line, len);
}
