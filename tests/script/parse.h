/* SPDX-License-Identifier: BSD-3-Clause */
/* The cursor over one line and the steps that parse.c and parse_seg.c share. */
#ifndef SCRIPT_PARSE_H
#define SCRIPT_PARSE_H

#include "script/script.h"

struct parser {
	const char *path;
	unsigned int line;
	const char *start; /* of the line */
	const char *at;
	bool failed;
};

/** Prints file:line:column once per script; always false. */
__attribute__((__format__(__printf__, 2, 3))) bool parse_error(
	struct parser *p, const char *fmt, ...);

void parse_space(struct parser *p);
bool parse_is_end(struct parser *p);
/** Each of these skips spaces first, and says whether it found what it looks for. */
bool parse_char(struct parser *p, char c);
bool parse_word(struct parser *p, char out[SCRIPT_WORD_MAX]);
bool parse_keyword(struct parser *p, const char *word);
/** These report an error. */
bool parse_number(struct parser *p, long *out);
bool parse_u32(struct parser *p, uint32_t *out);

/** "+0.1", "+0.1~0.2", "3.5", at the beginning of a line. */
bool parse_time(struct parser *p, struct stmt *st);

/** The whole file, to be freed; NULL after a message. */
char *parse_read_file(const char *path);

/** What follows < or >: flags, sequence numbers, window, options. */
bool parse_segment(struct parser *p, struct stmt *st);

#endif
