/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of counters and outcomes, and sums over workers. */
#include "base/assert.h"
#include "conf/counters.h"

static const struct counter_desc counter_rows[] = {
#define COUNTER(name, prefix, help) { prefix #name, help, offsetof(struct counters, name), false },
#define GAUGE(name, prefix, help) { prefix #name, help, offsetof(struct counters, name), true },
#include "conf/counters.def"
#undef COUNTER
#undef GAUGE
};

/* The kinds of outcomes.def, as values of outcome_desc.is_drop. */
#define KIND_OK false
#define KIND_DROP true

static const struct outcome_desc outcome_rows[] = {
#define OUTCOME(name, kind, meaning, hint) [OUT_##name] = { meaning, hint, KIND_##kind },
#include "conf/outcomes.def"
#undef OUTCOME
};

static const char *const outcome_idents[] = {
#define OUTCOME(name, kind, meaning, hint) [OUT_##name] = #name,
#include "conf/outcomes.def"
#undef OUTCOME
};

#define OUTCOME(name, kind, meaning, hint)                                                         \
	_Static_assert(sizeof(#name) <= OUTCOME_NAME_LEN, "OUTCOME_NAME_LEN is too small");
#include "conf/outcomes.def"
#undef OUTCOME

_Static_assert(sizeof(counter_rows) / sizeof(counter_rows[0]) == COUNTER_COUNT, "a row each");
_Static_assert(sizeof(outcome_rows) / sizeof(outcome_rows[0]) == OUTCOME_MAX, "a row each");
_Static_assert(sizeof(outcome_idents) / sizeof(outcome_idents[0]) == OUTCOME_MAX, "a name each");

/* counters_add() takes the struct for an array of cells. */
#define CELLS (COUNTER_COUNT + OUTCOME_MAX + TCP_STATE_COUNT)
_Static_assert(sizeof(struct counters) == CELLS * sizeof(uint64_t), "nothing but cells");

const struct counter_desc *
counters_desc(unsigned int i)
{
	ASSERT(i < COUNTER_COUNT);
	return &counter_rows[i];
}

/* A cell that another thread may be writing: one plain load, never torn. */
static uint64_t
load(const struct counters *c, size_t offset)
{
	const char *base = (const char *)c;

	return __atomic_load_n((const uint64_t *)(const void *)(base + offset), __ATOMIC_RELAXED);
}

uint64_t
counters_get(const struct counters *c, unsigned int i)
{
	ASSERT(i < COUNTER_COUNT);
	return load(c, counter_rows[i].offset);
}

const char *
outcome_name(enum outcome out, char name[OUTCOME_NAME_LEN])
{
	const char *ident;
	unsigned int i;

	ASSERT((unsigned int)out < OUTCOME_MAX);
	ident = outcome_idents[out];
	for (i = 0; ident[i] != '\0'; i++) {
		char c = ident[i];

		if (c == '_')
			c = '-';
		else if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		name[i] = c;
	}
	name[i] = '\0';
	return name;
}

const struct outcome_desc *
outcome_desc(enum outcome out)
{
	ASSERT((unsigned int)out < OUTCOME_MAX);
	return &outcome_rows[out];
}

void
counters_add(struct counters *sum, const struct counters *worker)
{
	uint64_t *cells = (uint64_t *)(void *)sum;
	unsigned int i;

	for (i = 0; i < CELLS; i++)
		cells[i] += load(worker, i * sizeof(uint64_t));
}

static uint64_t
outcome_sum(const struct counters *c, bool is_drop)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < OUTCOME_MAX; i++) {
		if (outcome_rows[i].is_drop == is_drop)
			sum += load(c, offsetof(struct counters, outcome) + i * sizeof(uint64_t));
	}
	return sum;
}

uint64_t
counters_drops(const struct counters *c)
{
	return outcome_sum(c, true);
}

uint64_t
counters_ok(const struct counters *c)
{
	return outcome_sum(c, false);
}
