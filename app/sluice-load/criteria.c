/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading criteria and judging by them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/nearest.h"
#include "conf/quantity.h"
#include "criteria.h"

#define NS_PER_US 1000u

static const struct {
	const char *name;
	enum unit unit;
	const char *help;
} metrics[] = {
#define METRIC(id, name, unit, help) { name, UNIT_##unit, help },
#include "metrics.def"
#undef METRIC
};

_Static_assert(ARRAY_SIZE(metrics) == METRIC_COUNT, "a row each");

/* Those of two characters first: "<" begins "<=". */
static const struct {
	const char *text;
	enum criterion_op op;
} ops[] = {
	{ "<=", CRITERION_LE },
	{ ">=", CRITERION_GE },
	{ "==", CRITERION_EQ },
	{ "!=", CRITERION_NE },
	{ "<", CRITERION_LT },
	{ ">", CRITERION_GT },
	{ "=", CRITERION_EQ },
};

const char *
metric_name(enum metric metric)
{
	return metrics[metric].name;
}

const char *
metric_help(enum metric metric)
{
	return metrics[metric].help;
}

bool
metric_is_time(enum metric metric)
{
	return metrics[metric].unit == UNIT_USEC;
}

/* A word without the blanks around it; false: it does not fit. */
static bool
copy_word(char *out, size_t out_len, const char *from, size_t len)
{
	while (len > 0 && isspace((unsigned char)from[0])) {
		from++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)from[len - 1]))
		len--;
	if (len >= out_len)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static const char *
metric_name_at(const void *ctx, size_t i)
{
	(void)ctx;
	return i < METRIC_COUNT ? metrics[i].name : NULL;
}

static int
metric_find(const char *name, enum metric *out, char *err, size_t err_len)
{
	char near[120];

	for (unsigned int i = 0; i < METRIC_COUNT; i++) {
		if (strcmp(metrics[i].name, name) == 0) {
			*out = (enum metric)i;
			return 0;
		}
	}
	nearest_names(name, metric_name_at, NULL, near, sizeof(near));
	snprintf(err, err_len, "'%s' is nothing that is measured%s%s%s", name,
		near[0] != '\0' ? "; did you mean " : "; docs/sluice-load.md lists what is", near,
		near[0] != '\0' ? "?" : "");
	return -EINVAL;
}

static int
value_find(struct criterion *c, const char *text, char *err, size_t err_len)
{
	enum unit unit = metrics[c->metric].unit;
	const char *suffix = text + strspn(text, "0123456789");

	/* A bare number of a time is ambiguous: ns, us and ms are all at home here. */
	if (quantity_parse(text, unit, &c->value) != 0 ||
		(unit == UNIT_USEC && (*suffix == '\0' || c->value > UINT64_MAX / NS_PER_US))) {
		snprintf(err, err_len, "'%.60s' is no value of %s; write a number%s", text,
			metrics[c->metric].name,
			unit == UNIT_USEC ? " with us, ms or s"
					  : ", with k, M or G if it is large");
		return -EINVAL;
	}
	if (unit == UNIT_USEC)
		c->value *= NS_PER_US;
	return 0;
}

/* One comparison of len bytes. */
static int
criterion_parse(struct criterion *c, const char *text, size_t len, char *err, size_t err_len)
{
	char name[CRITERION_TEXT_LEN], value[CRITERION_TEXT_LEN];
	const char *op;
	int rc;

	if (!copy_word(c->text, sizeof(c->text), text, len)) {
		snprintf(err, err_len, "a criterion is longer than %d characters",
			CRITERION_TEXT_LEN - 1);
		return -EINVAL;
	}
	op = strpbrk(c->text, "<>=!");
	for (unsigned int i = 0; op != NULL && i < ARRAY_SIZE(ops); i++) {
		size_t op_len = strlen(ops[i].text);

		if (strncmp(op, ops[i].text, op_len) != 0)
			continue;
		c->op = ops[i].op;
		(void)copy_word(name, sizeof(name), c->text, (size_t)(op - c->text));
		(void)copy_word(value, sizeof(value), op + op_len, strlen(op + op_len));
		rc = metric_find(name, &c->metric, err, err_len);
		return rc == 0 ? value_find(c, value, err, err_len) : rc;
	}
	snprintf(err, err_len, "'%s' compares nothing; write it as in 'errors == 0, p99 < 5ms'",
		c->text);
	return -EINVAL;
}

int
criteria_parse(struct criteria *c, const char *text, char *err, size_t err_len)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		int rc;

		if (c->count == CRITERIA_MAX) {
			snprintf(err, err_len, "more than %u criteria", CRITERIA_MAX);
			return -EINVAL;
		}
		rc = criterion_parse(&c->row[c->count], text, len, err, err_len);
		if (rc != 0)
			return rc;
		c->count++;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

bool
criterion_holds(const struct criterion *c, const uint64_t values[METRIC_COUNT])
{
	uint64_t is = values[c->metric];

	switch (c->op) {
	case CRITERION_LT:
		return is < c->value;
	case CRITERION_LE:
		return is <= c->value;
	case CRITERION_EQ:
		return is == c->value;
	case CRITERION_NE:
		return is != c->value;
	case CRITERION_GE:
		return is >= c->value;
	case CRITERION_GT:
		return is > c->value;
	}
	ASSERT(false);
	return false;
}
