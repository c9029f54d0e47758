/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaves out what a failure does not need; each try is a process of its own. */
#include "sim/shrink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fail.h"
#include "sim/draw.h"

SLUICE_NORETURN static void
play_silently(const struct scenario *sc, const struct run_opts *opts)
{
	const struct rlimit no_core = { 0, 0 };
	struct run_result res;
	int null = open("/dev/null", O_WRONLY);

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (null >= 0) {
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
	}
	scenario_run(sc, opts, &res);
	_exit(0);
}

static bool
fails(const struct scenario *sc, const struct run_opts *opts)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork");
	if (pid == 0)
		play_silently(sc, opts);
	CHECK(waitpid(pid, &status, 0) == pid, "waitpid");
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
shrink_run(const struct scenario *sc, struct run_opts opts)
{
	struct run_result res;

	if (opts.seconds <= 0)
		opts.seconds = sc->seconds;
	if (!fails(sc, &opts)) {
		printf("%s, seed 0x%" PRIx64 ": nothing fails\n", sc->name, opts.seed);
		return 0;
	}
	for (unsigned int i = 0; sc->drawn && draw_feature_name(i) != NULL; i++) {
		struct run_opts fewer = opts;

		fewer.without |= 1u << i;
		if (!fails(sc, &fewer))
			continue;
		opts = fewer;
		printf("fails without %s, too\n", draw_feature_name(i));
	}
	for (;;) {
		struct run_opts shorter = opts;

		shorter.seconds /= 2;
		if (shorter.seconds < 1 || !fails(sc, &shorter))
			break;
		opts = shorter;
	}
	fflush(stdout);
	/* Does not return: it fails, and says how to repeat it. */
	scenario_run(sc, &opts, &res);
	return 1;
}
