/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of what was counted. */
#include "base/compiler.h"
#include "stats.h"

static const struct {
	const char *name, *help;
} fails[] = {
#define FAIL(id, name, help) { name, help },
#include "fails.def"
#undef FAIL
};

_Static_assert(ARRAY_SIZE(fails) == LOAD_FAIL_COUNT, "a row each");

void
load_counts_add(struct load_counts *a, const struct load_counts *b)
{
#define STAT(name, help) a->name += b->name;
#include "stats.def"
#undef STAT
	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		a->fail[i] += b->fail[i];
}

void
load_counts_sub(struct load_counts *a, const struct load_counts *b)
{
#define STAT(name, help) a->name -= b->name;
#include "stats.def"
#undef STAT
	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		a->fail[i] -= b->fail[i];
}

void
load_stats_add(struct load_stats *to, const struct load_stats *from)
{
	load_counts_add(&to->total, &from->total);
	load_counts_add(&to->at_ramp_end, &from->at_ramp_end);
	load_counts_add(&to->at_end, &from->at_end);
	to->measured_us = max_u64(to->measured_us, from->measured_us);
	to->open += from->open;
	to->open_max += from->open_max;
	hist_add(&to->connect, &from->connect);
	hist_add(&to->request, &from->request);
}

bool
load_counts_are_complete(const struct load_counts *c)
{
	uint64_t failed = 0;

	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		failed += c->fail[i];
	return failed == c->conns_failed &&
		c->conns_started == c->conns_closed + c->conns_aborted + c->conns_failed &&
		c->requests_started ==
		c->requests_done + c->requests_failed + c->requests_cancelled;
}

const char *
load_fail_name(enum load_fail fail)
{
	return fails[fail].name;
}

const char *
load_fail_help(enum load_fail fail)
{
	return fails[fail].help;
}
