/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's lines: times and segments are those of tests/script, calls are C-like. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/drive.h"
#include "script/parse.h"

/* A name, a number, names joined by '|', or '*'. */
static bool
parse_expr(struct parser *p, char out[SCRIPT_WORD_MAX])
{
	size_t n = 0;

	parse_space(p);
	while (isalnum((unsigned char)*p->at) || (*p->at != '\0' && strchr("_-|*.", *p->at))) {
		if (n + 1 >= SCRIPT_WORD_MAX)
			return parse_error(p, "word too long");
		out[n++] = *p->at++;
	}
	out[n] = '\0';
	return n > 0 || parse_error(p, "a value is missing");
}

static bool
parse_args(struct parser *p, struct drive_stmt *st)
{
	if (!parse_char(p, '('))
		return parse_error(p, "( is missing");
	if (parse_char(p, ')'))
		return true;
	do {
		if (st->nargs == DRIVE_ARGS_MAX)
			return parse_error(p, "too many arguments");
		if (!parse_expr(p, st->arg[st->nargs++]))
			return false;
	} while (parse_char(p, ','));
	return parse_char(p, ')') || parse_error(p, ", or ) is missing");
}

/* "[var =] name(arguments) [= result]" */
static bool
parse_call(struct parser *p, struct drive_stmt *st)
{
	st->kind = DRIVE_CALL;
	if (!parse_word(p, st->name))
		return parse_error(p, "<, > or a call is missing");
	if (parse_char(p, '=')) {
		memcpy(st->var, st->name, sizeof(st->var));
		if (!parse_word(p, st->name))
			return parse_error(p, "a call is missing");
	}
	if (!parse_args(p, st))
		return false;
	return !parse_char(p, '=') || parse_expr(p, st->result);
}

/* "sysctl tcp_x=1": the rest of the line is the value. */
static bool
parse_sysctl(struct parser *p, struct drive_stmt *st)
{
	size_t n;

	st->kind = DRIVE_SYSCTL;
	if (!parse_word(p, st->name) || !parse_char(p, '='))
		return parse_error(p, "sysctl name=value");
	parse_space(p);
	n = strlen(p->at);
	if (n == 0 || n >= sizeof(st->arg[0]))
		return parse_error(p, "a value is missing or too long");
	memcpy(st->arg[0], p->at, n + 1);
	p->at += n;
	return true;
}

/* "+0...0.2": the call returns 0.2 s after what the 0 counts from. */
static bool
parse_end(struct parser *p, struct drive_stmt *st)
{
	char *end;

	if (strncmp(p->at, "..", 2) != 0)
		return true;
	p->at += strspn(p->at, ".");
	st->blocks = true;
	st->end_us = (int64_t)(strtod(p->at, &end) * 1e6 + 0.5);
	if (end == p->at)
		return parse_error(p, "a time is missing");
	p->at = end;
	return true;
}

static bool
parse_line(struct parser *p, struct drive_stmt *st)
{
	long flow = 1;

	if (!parse_time(p, &st->st) || !parse_end(p, st))
		return false;
	if (parse_char(p, '#') && !parse_number(p, &flow))
		return false;
	if (flow < 1 || flow >= (long)DRIVE_FLOWS_MAX)
		return parse_error(p, "connections are #1 to #%u", DRIVE_FLOWS_MAX - 1);
	st->st.flow = (unsigned int)flow;
	if (parse_char(p, '<')) {
		st->kind = DRIVE_INJECT;
		st->st.kind = ST_INJECT;
		return parse_segment(p, &st->st);
	}
	if (parse_char(p, '>')) {
		st->kind = DRIVE_EXPECT;
		st->st.kind = ST_EXPECT;
		return parse_segment(p, &st->st);
	}
	if (parse_keyword(p, "sysctl"))
		return parse_sysctl(p, st);
	return parse_call(p, st);
}

int
drive_load(struct drive_script *s, const char *path)
{
	struct parser p = { .path = path };
	char *next;

	*s = (struct drive_script){ .path = path, .text = parse_read_file(path) };
	if (s->text == NULL)
		return -1;
	for (char *line = s->text; line != NULL && !p.failed; line = next) {
		struct drive_stmt *st;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		p.line++;
		p.start = p.at = line;
		if (parse_is_end(&p))
			continue;
		s->stmts = realloc(s->stmts, (s->count + 1) * sizeof(*s->stmts));
		if (s->stmts == NULL)
			abort();
		st = &s->stmts[s->count++];
		memset(st, 0, sizeof(*st));
		st->st.line = p.line;
		st->st.text = line;
		if (parse_line(&p, st) && !parse_is_end(&p))
			parse_error(&p, "too much on the line");
		s->has_sysctl |= st->kind == DRIVE_SYSCTL;
	}
	return p.failed ? -1 : 0;
}

void
drive_unload(struct drive_script *s)
{
	free(s->stmts);
	free(s->text);
}
