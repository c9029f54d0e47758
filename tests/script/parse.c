/* SPDX-License-Identifier: BSD-3-Clause */
/* From text to statements: words, times and the small commands; segments are in parse_seg.c. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/parse.h"

#include "base/compiler.h"

static const struct {
	const char *name;
	int value;
} errnos[] = {
	{ "EAGAIN", EAGAIN },
	{ "EADDRINUSE", EADDRINUSE },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL },
	{ "EBADF", EBADF },
	{ "ECONNABORTED", ECONNABORTED },
	{ "ECONNREFUSED", ECONNREFUSED },
	{ "ECONNRESET", ECONNRESET },
	{ "EHOSTUNREACH", EHOSTUNREACH },
	{ "EINVAL", EINVAL },
	{ "EISCONN", EISCONN },
	{ "EMSGSIZE", EMSGSIZE },
	{ "ENETUNREACH", ENETUNREACH },
	{ "ENOBUFS", ENOBUFS },
	{ "ENOTCONN", ENOTCONN },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
	{ "EALREADY", EALREADY },
	{ "EEXIST", EEXIST },
	{ "EFAULT", EFAULT },
	{ "EINPROGRESS", EINPROGRESS },
	{ "ENOENT", ENOENT },
	{ "ENOPROTOOPT", ENOPROTOOPT },
	{ "ENOTSOCK", ENOTSOCK },
	{ "EOPNOTSUPP", EOPNOTSUPP },
	{ "EPERM", EPERM },
	{ "EPIPE", EPIPE },
	{ "ETIMEDOUT", ETIMEDOUT },
};

int
script_errno(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (strcmp(errnos[i].name, name) == 0)
			return errnos[i].value;
	return 0;
}

const char *
script_errno_name(long neg_errno)
{
	static char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (-neg_errno == errnos[i].value)
			return errnos[i].name;
	snprintf(text, sizeof(text), "%ld", neg_errno);
	return text;
}

bool
parse_error(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return false;
	p->failed = true;
	fprintf(stderr, "%s:%u:%zu: ", p->path, p->line, (size_t)(p->at - p->start) + 1);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n    %s\n", p->start);
	return false;
}

void
parse_space(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

bool
parse_char(struct parser *p, char c)
{
	parse_space(p);
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

bool
parse_is_end(struct parser *p)
{
	parse_space(p);
	return *p->at == '\0' || (p->at[0] == '/' && p->at[1] == '/');
}

/* A name, a number or a symbol: anything up to a space or punctuation of the language. */
bool
parse_word(struct parser *p, char out[SCRIPT_WORD_MAX])
{
	size_t n = 0;

	parse_space(p);
	while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '-' || *p->at == '.') {
		if (n + 1 >= SCRIPT_WORD_MAX)
			return parse_error(p, "word too long");
		out[n++] = *p->at++;
	}
	out[n] = '\0';
	return n > 0;
}

bool
parse_keyword(struct parser *p, const char *word)
{
	const char *back = p->at;
	char got[SCRIPT_WORD_MAX];

	if (parse_word(p, got) && strcmp(got, word) == 0)
		return true;
	p->at = back;
	return false;
}

bool
parse_number(struct parser *p, long *out)
{
	char *end;

	parse_space(p);
	errno = 0;
	*out = strtol(p->at, &end, 0);
	if (end == p->at || errno != 0)
		return parse_error(p, "a number is missing");
	p->at = end;
	return true;
}

bool
parse_u32(struct parser *p, uint32_t *out)
{
	long v;

	if (!parse_number(p, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Seconds with up to six decimals, exactly. */
static bool
parse_seconds(struct parser *p, int64_t *us)
{
	int64_t v = 0, unit = 1000000;
	bool any = false;

	for (; isdigit((unsigned char)*p->at); p->at++, any = true)
		v = v * 10 + (*p->at - '0');
	v *= 1000000;
	if (*p->at == '.') {
		p->at++;
		for (; isdigit((unsigned char)*p->at); p->at++, any = true) {
			unit /= 10;
			v += unit * (*p->at - '0');
		}
	}
	*us = v;
	return any || parse_error(p, "a time is missing");
}

/* "+0.1", "+0.1~0.2" (both relative), "3.5", "3~4". */
bool
parse_time(struct parser *p, struct stmt *st)
{
	st->absolute = true;
	if (parse_char(p, '+'))
		st->absolute = false;
	if (!parse_seconds(p, &st->lo_us))
		return false;
	st->hi_us = st->lo_us;
	if (*p->at == '~') {
		p->at++;
		if (*p->at == '+')
			p->at++;
		if (!parse_seconds(p, &st->hi_us))
			return false;
		if (st->hi_us < st->lo_us)
			return parse_error(p, "the range ends before it begins");
	}
	return true;
}

/* "= 100", "= EAGAIN" at the end of a call. */
static bool
parse_result(struct parser *p, struct stmt *st)
{
	char word[SCRIPT_WORD_MAX];

	if (!parse_char(p, '='))
		return true;
	st->has_result = true;
	parse_space(p);
	if (isdigit((unsigned char)*p->at))
		return parse_number(p, &st->result);
	if (!parse_word(p, word) || script_errno(word) == 0)
		return parse_error(p, "not a number or the name of an error");
	st->result = -script_errno(word);
	return true;
}

static bool
parse_listen(struct parser *p, struct stmt *st)
{
	st->port = 80;
	st->syncookies = -1;
	while (!parse_is_end(p) && *p->at != '=') {
		parse_space(p);
		if (isdigit((unsigned char)*p->at)) {
			if (!parse_number(p, &st->port))
				return false;
		} else if (parse_keyword(p, "backlog")) {
			if (!parse_char(p, '=') || !parse_number(p, &st->backlog))
				return parse_error(p, "backlog=N");
		} else if (parse_keyword(p, "syncookies")) {
			if (!parse_char(p, '=') || !parse_number(p, &st->syncookies))
				return parse_error(p, "syncookies=N");
		} else if (parse_keyword(p, "nodelay")) {
			st->nodelay = true;
		} else if (parse_keyword(p, "fastopen")) {
			st->fastopen = true;
		} else if (parse_keyword(p, "blackhole")) {
			st->blackhole = true;
		} else if (parse_keyword(p, "source_conns")) {
			if (!parse_char(p, '=') || !parse_number(p, &st->source_conns))
				return parse_error(p, "source_conns=N");
		} else if (parse_keyword(p, "first_byte")) {
			if (!parse_char(p, '=') || !parse_number(p, &st->first_byte))
				return parse_error(p, "first_byte=N");
		} else if (parse_keyword(p, "max_pacing_rate")) {
			if (!parse_char(p, '=') || !parse_number(p, &st->max_pacing_rate))
				return parse_error(p, "max_pacing_rate=N");
		} else {
			return parse_error(p, "port, backlog=N, syncookies=N, source_conns=N, "
					      "first_byte=N, max_pacing_rate=N, nodelay, fastopen "
					      "or blackhole");
		}
	}
	return true;
}

/* "connect early=N": with data for the SYN. */
static bool
parse_connect(struct parser *p, struct stmt *st)
{
	st->early = -1;
	if (!parse_keyword(p, "early"))
		return true;
	if (!parse_char(p, '=') || !parse_number(p, &st->early))
		return parse_error(p, "early=N");
	return true;
}

static bool
parse_expect(struct parser *p, struct stmt *st)
{
	static const struct {
		const char *name;
		enum stmt_kind kind;
		bool has_value;
	} rows[] = {
		{ "state", ST_EXPECT_STATE, false },
		{ "counter", ST_EXPECT_COUNTER, true },
		{ "outcome", ST_EXPECT_OUTCOME, true },
		{ "info", ST_EXPECT_INFO, true },
	};
	char what[SCRIPT_WORD_MAX];

	if (!parse_word(p, what))
		return parse_error(p, "expect what?");
	if (strcmp(what, "nothing") == 0) {
		st->kind = ST_EXPECT_NOTHING;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(what, rows[i].name) != 0)
			continue;
		st->kind = rows[i].kind;
		if (!parse_word(p, st->word))
			return parse_error(p, "a name is missing");
		return !rows[i].has_value || parse_number(p, &st->value);
	}
	/* An event, perhaps with its error: "connected", "closed ECONNRESET". */
	st->kind = ST_EXPECT_EVENT;
	snprintf(st->word, sizeof(st->word), "%s", strcmp(what, "err") == 0 ? "closed" : what);
	if (parse_is_end(p))
		return true;
	st->has_result = true;
	if (!parse_word(p, what))
		return parse_error(p, "an error's name");
	st->result = strcmp(what, "0") == 0 ? 0 : -script_errno(what);
	if (st->result == 0 && strcmp(what, "0") != 0)
		return parse_error(p, "no error is called %s", what);
	return true;
}

/* What follows the name of a command; one letter each, see parse_args. */
static const struct {
	const char *name;
	enum stmt_kind kind;
	const char *args;
} commands[] = {
	{ "listen", ST_LISTEN, "L" },
	{ "unlisten", ST_UNLISTEN, "" },
	{ "accept", ST_ACCEPT, "" },
	{ "connect", ST_CONNECT, "C" },
	{ "send", ST_SEND, "nm" },
	{ "recv", ST_RECV, "n" },
	{ "shutdown", ST_SHUTDOWN, "w" },
	{ "close", ST_CLOSE, "" },
	{ "abort", ST_ABORT, "" },
	{ "setopt", ST_SETOPT, "wn" },
	{ "set", ST_SET, "w=" },
	{ "option", ST_OPTION, "w=" },
	{ "nomem", ST_NOMEM, "n" },
	{ "icmp", ST_ICMP, "wnM" },
	{ "expect", ST_EXPECT_NOTHING, "E" },
};

/* "= value": everything up to the comment or the end of the line. */
static bool
parse_rest(struct parser *p, char out[SCRIPT_WORD_MAX])
{
	const char *end;
	size_t n;

	if (!parse_char(p, '='))
		return parse_error(p, "= is missing");
	parse_space(p);
	end = strstr(p->at, "//");
	n = end != NULL ? (size_t)(end - p->at) : strlen(p->at);
	while (n > 0 && isspace((unsigned char)p->at[n - 1]))
		n--;
	if (n == 0 || n >= SCRIPT_WORD_MAX)
		return parse_error(p, "a value is missing or too long");
	memcpy(out, p->at, n);
	out[n] = '\0';
	p->at += n;
	return true;
}

static bool
parse_args(struct parser *p, struct stmt *st, const char *args)
{
	for (; *args != '\0'; args++) {
		bool ok = true;

		switch (*args) {
		case 'C':
			ok = parse_connect(p, st);
			break;
		case 'L':
			ok = parse_listen(p, st);
			break;
		case 'E':
			return parse_expect(p, st);
		case 'n':
			ok = parse_number(p, &st->value);
			break;
		case 'M':
			ok = !parse_keyword(p, "mtu") || parse_number(p, &st->early);
			break;
		case 'm':
			st->more = parse_keyword(p, "more");
			break;
		case 'w':
			ok = parse_word(p, st->word) || parse_error(p, "a name is missing");
			break;
		default:
			return parse_rest(p, st->arg);
		}
		if (!ok)
			return false;
	}
	return parse_result(p, st);
}

static bool
parse_command(struct parser *p, struct stmt *st)
{
	char name[SCRIPT_WORD_MAX];

	if (!parse_word(p, name))
		return parse_error(p, "<, > or a command is missing");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		st->kind = commands[i].kind;
		return parse_args(p, st, commands[i].args);
	}
	return parse_error(p, "no command is called %s", name);
}

static bool
parse_line(struct parser *p, struct stmt *st)
{
	long flow;

	st->flow = 1;
	if (!parse_time(p, st))
		return false;
	if (parse_char(p, '#')) {
		if (!parse_number(p, &flow))
			return false;
		if (flow < 1 || flow >= SCRIPT_FLOWS_MAX)
			return parse_error(p, "connections are #1 to #%d", SCRIPT_FLOWS_MAX - 1);
		st->flow = (unsigned int)flow;
	}
	if (parse_char(p, '<'))
		st->kind = ST_INJECT;
	else if (parse_char(p, '>'))
		st->kind = ST_EXPECT;
	else if (!parse_command(p, st))
		return false;
	if ((st->kind == ST_INJECT || st->kind == ST_EXPECT) && !parse_segment(p, st))
		return false;
	return parse_is_end(p) || parse_error(p, "too much on the line");
}

char *
parse_read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	long len;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)len + 1);
	if (text != NULL && fread(text, 1, (size_t)len, f) != (size_t)len)
		text[0] = '\0';
	fclose(f);
	return text;
}

int
script_load(struct script *s, const char *path)
{
	struct parser p = { .path = path };
	char *next;

	*s = (struct script){ .path = path, .text = parse_read_file(path) };
	if (s->text == NULL)
		return -1;
	for (char *line = s->text; line != NULL && !p.failed; line = next) {
		struct stmt *st;

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
		st->line = p.line;
		st->text = line;
		parse_line(&p, st);
	}
	if (p.failed)
		script_free(s);
	return p.failed ? -1 : 0;
}

void
script_free(struct script *s)
{
	free(s->stmts);
	free(s->text);
	s->stmts = NULL;
	s->text = NULL;
}
