/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a script that is played through the adapter, shared by the driver's files. */
#ifndef PACKETDRILL_DRIVE_H
#define PACKETDRILL_DRIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "packetdrill/adapter.h"
#include "packetdrill/flow.h"
#include "script/script.h"

#define DRIVE_ARGS_MAX 6u
#define DRIVE_VARS_MAX 32u
#define DRIVE_FLOWS_MAX 8u
#define DRIVE_PORT 8080u

enum drive_kind {
	DRIVE_INJECT,
	DRIVE_EXPECT,
	DRIVE_CALL,
	DRIVE_SYSCTL,
};

/** One line. */
struct drive_stmt {
	struct stmt st; /* times, flow, segment */
	enum drive_kind kind;
	bool blocks;
	int64_t end_us; /* when a blocking call returns, as lo_us counts */
	char var[SCRIPT_WORD_MAX]; /* takes the result; "": none */
	char name[SCRIPT_WORD_MAX];
	char arg[DRIVE_ARGS_MAX][SCRIPT_WORD_MAX];
	unsigned int nargs;
	char result[SCRIPT_WORD_MAX]; /* "": must not fail */
};

struct drive_script {
	const char *path;
	char *text;
	struct drive_stmt *stmts;
	unsigned int count;
	bool has_sysctl;
};

struct drive {
	struct packetdrill_interface pd;
	const struct drive_script *script;
	const struct drive_stmt *at;
	int domain;
	bool ip6; /* on the wire */
	bool preload; /* getsockopt and close through the C library */
	bool verbose;
	bool trace; /* tell what happens instead of comparing it */
	uint64_t start_us, event_us;
	struct flow flows[DRIVE_FLOWS_MAX];
	char var_name[DRIVE_VARS_MAX][SCRIPT_WORD_MAX];
	long var[DRIVE_VARS_MAX];
	unsigned int nvars;
	/* The call that sleeps. */
	const struct drive_stmt *blocked;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	long blocked_result;
	int blocked_errno;
	uint64_t blocked_end_us, blocked_due_us;
};

/** drive_parse.c: 0, or -1 after a message. */
int drive_load(struct drive_script *s, const char *path);
void drive_unload(struct drive_script *s);

/** Ends the program with the line and the message. */
__attribute__((__noreturn__, __format__(__printf__, 2, 3))) void drive_fail(
	const struct drive *d, const char *fmt, ...);

/** drive_wire.c */
void drive_inject(struct drive *d, const struct drive_stmt *st);
/** a: type, code, relative sequence number, MTU. */
void drive_icmp(struct drive *d, const long *a);
void drive_expect(struct drive *d, const struct drive_stmt *st, uint64_t lo_us, uint64_t hi_us);
/** Print the packets that have left. */
void drive_drain(struct drive *d);
void drive_no_packet_left(struct drive *d, uint64_t until_us);
/** The address and port of ours or of the peer, of the domain in use; returns the length. */
socklen_t drive_addr(const struct drive *d, bool ours, uint16_t port, struct sockaddr_storage *ss);

/** drive_calls.c */
long drive_call(struct drive *d, const struct drive_stmt *st);
/** A number, a variable or names joined by '|'; false: no such name. */
bool drive_value(const struct drive *d, const char *text, long *out);
void drive_set_var(struct drive *d, const char *name, long value);

#endif
