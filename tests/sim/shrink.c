/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaves out what a failure does not need; each try is a process of its own. */
#include "sim/shrink.h"

#include <inttypes.h>
#include <stdio.h>

#include "sim/child.h"
#include "sim/draw.h"

struct try {
	const struct scenario *sc;
	struct run_opts opts;
};

static void
play(const void *arg)
{
	const struct try *t = arg;
	struct run_result res;

	scenario_run(t->sc, &t->opts, &res);
}

/* True if it fails, and how. */
static bool
fails(const struct try *t, struct failure *how)
{
	static char said[65536];

	if (child_plays(play, t, said, sizeof(said)))
		return false;
	failure_parse(said, how);
	return true;
}

/* The same invariant at the same node, that is: another failure is another search. */
static bool
still_fails(const struct try *t, const struct failure *as)
{
	struct failure how;

	return fails(t, &how) && failure_is_same(&how, as);
}

int
shrink_run(const struct scenario *sc, struct run_opts opts)
{
	struct try best = { sc, opts };
	struct failure as;
	struct run_result res;

	if (best.opts.seconds <= 0)
		best.opts.seconds = sc->seconds;
	if (!fails(&best, &as)) {
		printf("%s, seed 0x%" PRIx64 ": nothing fails\n", sc->name, opts.seed);
		return 0;
	}
	printf("fails: %s, node %d\n", as.what, as.node);
	for (unsigned int i = 0; sc->drawn && draw_feature_name(i) != NULL; i++) {
		struct try fewer = best;

		fewer.opts.without |= 1u << i;
		if (!still_fails(&fewer, &as))
			continue;
		best = fewer;
		printf("fails without %s, too\n", draw_feature_name(i));
	}
	for (;;) {
		struct try shorter = best;

		shorter.opts.seconds /= 2;
		if (shorter.opts.seconds < 1 || !still_fails(&shorter, &as))
			break;
		best = shorter;
	}
	fflush(stdout);
	/* Does not return: it fails, and says how to repeat it. */
	scenario_run(sc, &best.opts, &res);
	return 1;
}
