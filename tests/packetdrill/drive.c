/* SPDX-License-Identifier: BSD-3-Clause */
/* Plays a script through the adapter as packetdrill would: two threads, and its slots alone. */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "packetdrill/drive.h"

#define TOLERANCE_US 2000u
/* What follows the last line of a script is still told of. */
#define TRACE_END_US 20000u
/* Real time to wait for a thread: to fall asleep, to come back. */
#define REAL_TRIES 20000u

void
drive_fail(const struct drive *d, const char *fmt, ...)
{
	va_list ap;

	if (d->at != NULL)
		fprintf(stderr, "%s:%u:\n    %s\n", d->script->path, d->at->st.line,
			d->at->st.text);
	else
		fprintf(stderr, "%s: at the end\n", d->script->path);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	/* As the tool: a failure ends the process and cleans nothing up. */
	fflush(NULL);
	_exit(1);
}

static uint64_t
now_us(struct drive *d)
{
	struct timeval tv;

	d->pd.gettimeofday(d->pd.ud, &tv, NULL);
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

static void
pause_real(void)
{
	const struct timespec t = { .tv_nsec = 100000 };

	nanosleep(&t, NULL);
}

/* --- results -------------------------------------------------------------------------------- */

static void
check_result(struct drive *d, const struct drive_stmt *st, long got, int err)
{
	long want;

	d->at = st;
	if (st->var[0] != '\0')
		drive_set_var(d, st->var, got);
	if (d->trace) {
		printf("%.6f call %u: %s%s%s = %ld%s%s\n",
			(double)(int64_t)(now_us(d) - d->start_us) / 1e6, st->st.line, st->name,
			st->nargs > 1 ? " " : "", st->nargs > 1 ? st->arg[st->nargs - 1] : "",
			st->var[0] != '\0' && got >= 0 ? 0 : got, got < 0 ? " " : "",
			got < 0 ? strerror(err) : "");
		return;
	}
	if (strcmp(st->result, "*") == 0)
		return;
	if (script_errno(st->result) != 0) {
		if (got != -1 || err != script_errno(st->result))
			drive_fail(d, "gave %ld (%s)", got, got < 0 ? strerror(err) : "no error");
		return;
	}
	if (got < 0)
		drive_fail(d, "failed: %s", strerror(err));
	if (st->result[0] == '\0')
		return;
	if (!drive_value(d, st->result, &want))
		drive_fail(d, "what is %s?", st->result);
	if (got != want)
		drive_fail(d, "gave %ld (0x%lx), not %ld", got, (unsigned long)got, want);
}

/* --- blocking calls ------------------------------------------------------------------------- */

static void *
blocked_call(void *arg)
{
	struct drive *d = arg;

	atomic_store(&d->tid, (int)syscall(SYS_gettid));
	errno = 0;
	d->blocked_result = drive_call(d, d->blocked);
	d->blocked_errno = errno;
	d->blocked_end_us = now_us(d);
	atomic_store(&d->done, true);
	return NULL;
}

/* Asleep, as /proc says; that is how the tool finds out. */
static bool
is_asleep(int tid)
{
	char path[64], text[256];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return strstr(text, ") S ") != NULL;
}

static void
start_blocked(struct drive *d, const struct drive_stmt *st, uint64_t due_us)
{
	if (d->blocked != NULL)
		drive_fail(d, "one blocking call at a time");
	d->blocked = st;
	d->blocked_due_us = due_us;
	atomic_store(&d->tid, 0);
	atomic_store(&d->done, false);
	if (pthread_create(&d->thread, NULL, blocked_call, d) != 0)
		drive_fail(d, "no thread");
	for (unsigned int i = 0; i < REAL_TRIES; i++) {
		int tid = atomic_load(&d->tid);

		if (atomic_load(&d->done))
			drive_fail(d, "did not block");
		/* Twice, since the lock may be what it sleeps for. */
		if (tid != 0 && is_asleep(tid)) {
			pause_real();
			if (is_asleep(tid))
				return;
		}
		pause_real();
	}
	drive_fail(d, "does not sleep");
}

static void
finish_blocked(struct drive *d)
{
	const struct drive_stmt *st = d->blocked;
	double off;

	d->at = st;
	for (unsigned int i = 0; i < REAL_TRIES && !atomic_load(&d->done); i++)
		pause_real();
	if (!atomic_load(&d->done))
		drive_fail(d, "still blocks");
	pthread_join(d->thread, NULL);
	d->blocked = NULL;
	off = (double)(int64_t)(d->blocked_end_us - d->blocked_due_us);
	if (d->trace)
		printf("%.6f back\n", (double)(int64_t)(d->blocked_end_us - d->start_us) / 1e6);
	else if (off > TOLERANCE_US || off < -(double)TOLERANCE_US)
		drive_fail(d, "came back %.6f s off its time", off / 1e6);
	check_result(d, st, d->blocked_result, d->blocked_errno);
}

/* --- the script ----------------------------------------------------------------------------- */

static void
advance(struct drive *d, uint64_t at_us)
{
	uint64_t now = now_us(d);

	if (now < at_us)
		d->pd.usleep(d->pd.ud, (useconds_t)(at_us - now));
	/* What happens at its very end may be what ends it. */
	if (d->blocked != NULL && d->blocked_due_us < at_us)
		finish_blocked(d);
}

static void
set_sysctl(struct drive *d, const char *name, const char *value)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	f = fopen(path, "w");
	/* What an older kernel does not know is as it always was. */
	if (f == NULL && errno == ENOENT)
		return;
	if (f == NULL || fputs(value, f) < 0 || fclose(f) != 0)
		drive_fail(d, "%s: %s", path, strerror(errno));
}

/* DRIVE_SYSCTLS="name=value;name=value": what the script begins with. */
static void
set_first_sysctls(struct drive *d)
{
	const char *list = getenv("DRIVE_SYSCTLS");
	char text[1024], *save = NULL;

	snprintf(text, sizeof(text), "%s", list == NULL ? "" : list);
	for (char *w = strtok_r(text, ";", &save); w != NULL; w = strtok_r(NULL, ";", &save)) {
		char *value = strchr(w, '=');

		if (value == NULL)
			drive_fail(d, "DRIVE_SYSCTLS: %s", w);
		*value++ = '\0';
		set_sysctl(d, w, value);
	}
}

static void
play(struct drive *d, const struct drive_stmt *st)
{
	uint64_t base = st->st.absolute ? d->start_us : d->event_us;
	uint64_t lo = base + (uint64_t)st->st.lo_us, hi = base + (uint64_t)st->st.hi_us;
	long got;

	if (d->trace && st->kind == DRIVE_EXPECT) {
		advance(d, lo);
		d->event_us = lo;
		drive_drain(d);
		return;
	}
	if (st->kind == DRIVE_EXPECT) {
		d->event_us = lo;
		drive_expect(d, st, lo, hi);
		return;
	}
	advance(d, lo);
	if (d->trace)
		drive_drain(d);
	if (d->blocked != NULL && d->blocked_due_us == lo && st->kind == DRIVE_CALL)
		finish_blocked(d);
	d->at = st;
	d->event_us = lo;
	switch (st->kind) {
	case DRIVE_INJECT:
		drive_inject(d, st);
		break;
	case DRIVE_SYSCTL:
		set_sysctl(d, st->name, st->arg[0]);
		break;
	case DRIVE_CALL:
		if (st->blocks) {
			start_blocked(d, st, base + (uint64_t)st->end_us);
			break;
		}
		errno = 0;
		got = drive_call(d, st);
		check_result(d, st, got, errno);
		break;
	case DRIVE_EXPECT:
		break;
	}
}

static void
run(struct drive *d)
{
	for (unsigned int i = 1; i < DRIVE_FLOWS_MAX; i++) {
		d->flows[i].rport = (uint16_t)(40000 + i);
		d->flows[i].lport = DRIVE_PORT;
		d->flows[i].isn = UINT32_MAX - 999;
	}
	d->start_us = d->event_us = now_us(d);
	for (unsigned int i = 0; i < d->script->count; i++) {
		d->at = &d->script->stmts[i];
		play(d, d->at);
	}
	if (d->blocked != NULL)
		advance(d, d->blocked_due_us + TOLERANCE_US);
	d->at = NULL;
	if (d->trace) {
		advance(d, d->event_us + TRACE_END_US);
		drive_drain(d);
	} else {
		drive_no_packet_left(d, d->event_us + TOLERANCE_US);
	}
	d->pd.free(d->pd.ud);
}

/* Flags as the tool has them, but for what a sanitizer cannot live with. */
static void
load(struct drive *d, const char *so)
{
	void (*init)(const char *flags, struct packetdrill_interface *to);
	int flags = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
	void *lib, *sym;

#if !defined(__SANITIZE_ADDRESS__)
	flags |= RTLD_DEEPBIND;
#endif
	lib = dlopen(so, flags);
	sym = lib == NULL ? NULL : dlsym(lib, "packetdrill_interface_init");
	if (sym == NULL) {
		fprintf(stderr, "%s: %s\n", so, dlerror());
		exit(1);
	}
	memcpy(&init, &sym, sizeof(init));
	if (d->trace)
		init(d->ip6 ? "mtu=1520 wait=0" : "wait=0", &d->pd);
	else
		init(d->ip6 ? "mtu=1520" : NULL, &d->pd);
	if (getenv("LD_PRELOAD") != NULL)
		drive_fail(d, "LD_PRELOAD is handed on to children");
}

static int
skip(const char *why)
{
	printf("SKIP: %s\n", why);
	return SCRIPT_SKIPPED;
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "ip6", no_argument, NULL, '6' },
		{ "mapped", no_argument, NULL, 'm' },
		{ "preload", no_argument, NULL, 'p' },
		{ "trace", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	static struct drive d = { .domain = AF_INET };
	struct drive_script script;
	bool own_ns;
	int c;

	while ((c = getopt_long(argc, argv, "6mptv", longopts, NULL)) != -1) {
		if (c == '?')
			return 2;
		d.ip6 |= c == '6';
		d.domain = c == '6' || c == 'm' ? AF_INET6 : d.domain;
		d.preload |= c == 'p';
		d.trace |= c == 't';
		d.verbose |= c == 'v';
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: drive [--ip6|--mapped] [--preload] [--trace] [-v] "
			"ADAPTER SCRIPT\n");
		return 2;
	}
	/* As in the tool, a broken pipe is an error and no more. */
	signal(SIGPIPE, SIG_IGN);
	if (drive_load(&script, argv[optind + 1]) != 0)
		return 1;
	own_ns = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	if (!own_ns && script.has_sysctl)
		return skip("no network namespace of our own, and the script sets sysctls");
	d.script = &script;
	if (own_ns)
		set_first_sysctls(&d);
	load(&d, argv[optind]);
	run(&d);
	drive_unload(&script);
	return 0;
}
