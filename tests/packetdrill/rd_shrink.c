/* SPDX-License-Identifier: BSD-3-Clause */
/* Does a difference show again, and which steps does it need? */
#include <stdlib.h>
#include <string.h>

#include "packetdrill/rd.h"

struct trials {
	const struct rd_pair *model;
	const uint64_t *keeps;
	unsigned int count, begun;
	uint64_t shown; /* bit i: the difference shows with keeps[i] */
};

static bool
next_trial(void *ctx, struct rd_pair *p)
{
	struct trials *t = ctx;

	if (t->begun == t->count)
		return false;
	p->script = t->model->script;
	p->keep = t->keeps[t->begun++];
	return true;
}

static void
trial_done(void *ctx, struct rd_pair *p)
{
	struct trials *t = ctx;

	if (p->diff.what == RD_SAME || strcmp(p->diff.key, t->model->diff.key) != 0)
		return;
	for (unsigned int i = 0; i < t->count; i++)
		if (t->keeps[i] == p->keep && !(t->shown >> i & 1)) {
			t->shown |= 1ull << i;
			return;
		}
}

unsigned int
rd_repeat(struct rd_world *w, const struct rd_pair *p, unsigned int tries)
{
	uint64_t keeps[16];
	struct trials t = { .model = p, .keeps = keeps, .count = tries < 16 ? tries : 16 };

	for (unsigned int i = 0; i < t.count; i++)
		keeps[i] = p->keep;
	rd_wave(w, t.count, next_trial, trial_done, &t);
	return (unsigned int)__builtin_popcountll(t.shown);
}

/* All that leave out one run of len steps more, at once; the first that still shows it, or 0. */
static uint64_t
without_run(struct rd_world *w, const struct rd_pair *p, uint64_t keep, unsigned int len)
{
	uint64_t keeps[RD_STEPS_MAX];
	struct trials t = { .model = p, .keeps = keeps };
	unsigned int at[RD_STEPS_MAX], n = 0;

	for (unsigned int k = 0; k < RD_STEPS_MAX; k++)
		if (keep >> k & 1)
			at[n++] = k;
	for (unsigned int i = 0; i + len <= n; i += len) {
		uint64_t left = keep;

		for (unsigned int j = i; j < i + len; j++)
			left &= ~(1ull << at[j]);
		if (left != 0)
			keeps[t.count++] = left;
	}
	rd_wave(w, RD_STEPS_MAX, next_trial, trial_done, &t);
	for (unsigned int i = 0; i < t.count; i++)
		if (t.shown >> i & 1)
			return keeps[i];
	return 0;
}

uint64_t
rd_shrink(struct rd_world *w, const struct rd_pair *p)
{
	/* What comes after it has no part in it. */
	uint64_t keep = p->keep & ((2ull << p->diff.step) - 1), less;

	for (unsigned int len = 4; len > 0; len /= 2)
		while ((less = without_run(w, p, keep, len)) != 0)
			keep = less;
	return keep;
}
