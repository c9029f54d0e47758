/* SPDX-License-Identifier: BSD-3-Clause */
/* A script as the parser leaves it: one statement per line. README.md describes the language. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/view.h"

#define SCRIPT_WORD_MAX 64
/** Connections of one script, #1 .. #63. */
#define SCRIPT_FLOWS_MAX 64

enum stmt_kind {
	ST_INJECT,
	ST_EXPECT,
	ST_EXPECT_NOTHING,
	ST_EXPECT_STATE, /* word: state, or "none" */
	ST_EXPECT_COUNTER, /* word, value */
	ST_EXPECT_OUTCOME, /* word, value */
	ST_EXPECT_EVENT, /* word: readable writable acceptable connected closed; result */
	ST_EXPECT_INFO, /* word: field of a listing; value */
	ST_LISTEN,
	ST_UNLISTEN,
	ST_ACCEPT,
	ST_CONNECT,
	ST_SEND, /* value: bytes */
	ST_RECV, /* value: bytes */
	ST_SHUTDOWN, /* word: rd wr rdwr */
	ST_CLOSE,
	ST_ABORT,
	ST_SETOPT, /* word, value */
	ST_SET, /* word: tunable; text: its value */
	ST_OPTION, /* word, value: of the runner itself */
	ST_ICMP, /* word: which error; value: quoted number; early: MTU */
	ST_NOMEM, /* value: 1 packet allocations fail, 0 no longer */
};

/** One segment to send or to expect. Numbers are relative to the first of each side. */
struct pattern {
	uint8_t flags;
	uint8_t ecn; /* of the IP header */
	bool has_ack, has_win;
	bool any_psh; /* PSH or not */
	bool any_opts; /* <...> */
	bool bad_csum; /* inject with a wrong TCP checksum */
	uint32_t seq, len, ack, win, urg;
	struct view_opts opts;
	uint8_t any[VIEW_OPTS_MAX]; /* bit i: value i of that option is '*' */
};

struct stmt {
	unsigned int line;
	const char *text; /* the whole line */
	bool absolute; /* times count from the start, else from the last event */
	int64_t lo_us, hi_us;
	unsigned int flow;
	enum stmt_kind kind;
	char word[SCRIPT_WORD_MAX];
	char arg[SCRIPT_WORD_MAX];
	long value;
	bool has_result;
	long result; /* a count or -errno */
	/* listen */
	long port, backlog, syncookies, source_conns, first_byte, max_pacing_rate;
	bool nodelay, more, fastopen, blackhole;
	long early; /* connect: bytes to go with the SYN; -1: an ordinary connect. icmp: MTU */
	struct pattern pat;
};

struct script {
	const char *path;
	char *text; /* owns the lines */
	struct stmt *stmts;
	unsigned int count;
};

/** Read and parse; 0, or -1 after printing file:line: what. */
int script_load(struct script *s, const char *path);
void script_free(struct script *s);

/** How the runner plays a script. */
struct script_opts {
	bool ip6;
	bool verbose; /* print every packet */
	uint64_t seed;
};

/** Exit status of a test that did not apply, as meson wants it. */
#define SCRIPT_SKIPPED 77

/** Play it: 0, or SCRIPT_SKIPPED if it is for the other IP version. Does not return from a failure.
 */
int script_run(const struct script *s, const struct script_opts *opts);

/** Names of errors, "ECONNRESET" and so on; 0 if unknown. */
int script_errno(const char *name);
const char *script_errno_name(long neg_errno);

#endif
