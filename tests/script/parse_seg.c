/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments in the script's words: "P. 1:101(100) ack 1 win 65535 <nop,nop,TS val 1 ecr 2>". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "script/parse.h"

#include "base/compiler.h"

/* 'p': with PSH or without, where a stack may choose. */
static bool
parse_flags(struct parser *p, struct pattern *pat)
{
	uint8_t *flags = &pat->flags;

	static const struct {
		char letter;
		uint8_t bit;
	} rows[] = {
		{ 'F', VIEW_FIN },
		{ 'S', VIEW_SYN },
		{ 'R', VIEW_RST },
		{ 'P', VIEW_PSH },
		{ '.', VIEW_ACK },
		{ 'U', VIEW_URG },
		{ 'E', VIEW_ECE },
		{ 'W', VIEW_CWR },
	};

	*flags = 0;
	if (parse_char(p, '-'))
		return true;
	for (; *p->at != ' ' && *p->at != '\0'; p->at++) {
		uint8_t bit = 0;

		if (*p->at == 'p') {
			pat->any_psh = true;
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (rows[i].letter == *p->at)
				bit = rows[i].bit;
		if (bit == 0)
			return parse_error(p, "flags are letters of SFRPUEW. or -");
		*flags |= bit;
	}
	return *flags != 0 || pat->any_psh || parse_error(p, "flags are missing");
}

/* "1:101(100)": the end is there for the reader, and checked. */
static bool
parse_seq(struct parser *p, struct pattern *pat)
{
	uint32_t end;

	if (!parse_u32(p, &pat->seq))
		return false;
	if (!parse_char(p, ':') || !parse_u32(p, &end))
		return parse_error(p, "first:end(length)");
	if (!parse_char(p, '(') || !parse_u32(p, &pat->len) || !parse_char(p, ')'))
		return parse_error(p, "first:end(length)");
	if (pat->seq + pat->len != end)
		return parse_error(p, "%u + %u is not %u", pat->seq, pat->len, end);
	return true;
}

/* A value or '*'. */
static bool
parse_value(struct parser *p, struct pattern *pat, unsigned int i, uint32_t *v)
{
	if (parse_char(p, '*')) {
		pat->any[pat->opts.count] |= (uint8_t)(1u << i);
		*v = 0;
		return true;
	}
	return parse_u32(p, v);
}

static bool
parse_ts(struct parser *p, struct pattern *pat)
{
	uint32_t v[2];

	if (!parse_keyword(p, "val") || !parse_value(p, pat, 0, &v[0]))
		return parse_error(p, "TS val N ecr N");
	if (!parse_keyword(p, "ecr") || !parse_value(p, pat, 1, &v[1]))
		return parse_error(p, "TS val N ecr N");
	view_opt_add(&pat->opts, VIEW_OPT_TS, v, 2);
	return true;
}

static bool
parse_sack(struct parser *p, struct pattern *pat)
{
	uint32_t v[8];
	unsigned int n = 0;

	for (parse_space(p); isdigit((unsigned char)*p->at) && n < 8; n += 2, parse_space(p)) {
		if (!parse_u32(p, &v[n]))
			return false;
		if (!parse_char(p, ':') || !parse_u32(p, &v[n + 1]))
			return parse_error(p, "sack left:right ...");
	}
	view_opt_add(&pat->opts, VIEW_OPT_SACK, v, n);
	return n > 0 || parse_error(p, "sack left:right ...");
}

/* "opt KIND HEX": any option, byte by byte. */
static bool
parse_raw_opt(struct parser *p, struct pattern *pat)
{
	uint8_t raw[38];
	unsigned int n = 0;
	uint32_t kind;

	if (!parse_u32(p, &kind))
		return false;
	for (parse_space(p); isxdigit((unsigned char)p->at[0]) && isxdigit((unsigned char)p->at[1]);
		p->at += 2) {
		char byte[3] = { p->at[0], p->at[1], '\0' };

		if (n >= sizeof(raw))
			return parse_error(p, "option too long");
		raw[n++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	view_opt_add_raw(&pat->opts, (uint8_t)kind, raw, n);
	return true;
}

static bool
parse_opt(struct parser *p, struct pattern *pat)
{
	char name[SCRIPT_WORD_MAX];
	uint32_t v = 0;

	if (!parse_word(p, name))
		return parse_error(p, "an option is missing");
	if (strcmp(name, "TS") == 0)
		return parse_ts(p, pat);
	if (strcmp(name, "sack") == 0)
		return parse_sack(p, pat);
	if (strcmp(name, "opt") == 0)
		return parse_raw_opt(p, pat);
	if (strcmp(name, "nop") == 0) {
		view_opt_add(&pat->opts, VIEW_OPT_NOP, NULL, 0);
	} else if (strcmp(name, "eol") == 0) {
		view_opt_add(&pat->opts, VIEW_OPT_EOL, NULL, 0);
	} else if (strcmp(name, "sackOK") == 0) {
		view_opt_add(&pat->opts, VIEW_OPT_SACKOK, NULL, 0);
	} else if (strcmp(name, "mss") == 0) {
		if (!parse_value(p, pat, 0, &v))
			return false;
		view_opt_add(&pat->opts, VIEW_OPT_MSS, &v, 1);
	} else if (strcmp(name, "wscale") == 0) {
		if (!parse_value(p, pat, 0, &v))
			return false;
		view_opt_add(&pat->opts, VIEW_OPT_WSCALE, &v, 1);
	} else if (strcmp(name, "TFO") == 0) {
		/* Without a cookie, or with any: when sent, the last that the stack gave. */
		if (parse_char(p, '*'))
			pat->any[pat->opts.count] |= 1;
		view_opt_add_raw(&pat->opts, VIEW_OPT_FASTOPEN, NULL, 0);
	} else {
		return parse_error(p, "no option is called %s", name);
	}
	return true;
}

static bool
parse_opts(struct parser *p, struct pattern *pat)
{
	parse_space(p);
	if (strncmp(p->at, "...", 3) == 0) {
		p->at += 3;
		pat->any_opts = true;
		return parse_char(p, '>') || parse_error(p, "> is missing");
	}
	do {
		if (pat->opts.count >= VIEW_OPTS_MAX)
			return parse_error(p, "too many options");
		if (!parse_opt(p, pat))
			return false;
	} while (parse_char(p, ','));
	return parse_char(p, '>') || parse_error(p, ", or > is missing");
}

bool
parse_segment(struct parser *p, struct stmt *st)
{
	struct pattern *pat = &st->pat;

	parse_space(p);
	if (!parse_flags(p, pat) || !parse_seq(p, pat))
		return false;
	while (!parse_is_end(p)) {
		if (parse_keyword(p, "ack")) {
			pat->has_ack = true;
			if (!parse_u32(p, &pat->ack))
				return false;
		} else if (parse_keyword(p, "win")) {
			pat->has_win = true;
			if (!parse_u32(p, &pat->win))
				return false;
		} else if (parse_keyword(p, "urg")) {
			if (!parse_u32(p, &pat->urg))
				return false;
		} else if (parse_keyword(p, "ect0")) {
			pat->ecn = 2;
		} else if (parse_keyword(p, "ect1")) {
			pat->ecn = 1;
		} else if (parse_keyword(p, "ce")) {
			pat->ecn = 3;
		} else if (st->kind == ST_INJECT && parse_keyword(p, "badcsum")) {
			pat->bad_csum = true;
		} else if (parse_char(p, '<')) {
			if (!parse_opts(p, pat))
				return false;
		} else {
			return parse_error(p, "ack, win, urg, ect0, ect1, ce or <options>");
		}
	}
	if (pat->any_opts && st->kind == ST_INJECT)
		return parse_error(p, "what options should be sent?");
	if (((pat->flags & VIEW_ACK) != 0) != pat->has_ack)
		return parse_error(p, "the flag . and \"ack N\" go together");
	return true;
}
