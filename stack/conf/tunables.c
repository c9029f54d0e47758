/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of tunables: defaults, reading and printing values, error messages. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/nearest.h"
#include "conf/tunables.h"

const char *const tunables_cc_names[] = {
	[TUN_CC_RENO] = "reno",
	[TUN_CC_CUBIC] = "cubic",
	[TUN_CC_DCTCP] = "dctcp",
	NULL,
};

const char *const tunables_secret_names[] = {
	[TUN_SECRET_RANDOM] = "random",
	[TUN_SECRET_ONE] = "set",
	[TUN_SECRET_TWO] = "set, with a backup",
	NULL,
};

_Static_assert(offsetof(struct tun_secret, state) == 0, "the value that is shown");

static const struct tunable_desc rows[] = {
#define TUN_ONE(name, unit, min, max, d, when, scope, help)                             \
	{ #name, help, NULL, false, offsetof(struct tunables, name), 1, min, max, { d, 0, 0 }, \
		UNIT_##unit, TUN_##when, TUN_##scope },
#define TUN_VEC(name, unit, n, min, max, d0, d1, d2, when, scope, help)                    \
	{ #name, help, NULL, false, offsetof(struct tunables, name), n, min, max,          \
		{ d0, d1, d2 }, UNIT_##unit, TUN_##when, TUN_##scope },
#define TUN_NAME(name, names, d, when, scope, help)                                           \
	{ #name, help, names, false, offsetof(struct tunables, name), 1, 0, UINT32_MAX,       \
		{ d, 0, 0 }, UNIT_MODE, TUN_##when, TUN_##scope },
#define TUN_SECRET(name, when, scope, help)                                                  \
	{ #name, help, tunables_secret_names, true, offsetof(struct tunables, name), 1, 0, 0, \
		{ TUN_SECRET_RANDOM, 0, 0 }, UNIT_MODE, TUN_##when, TUN_##scope },
#define TUN_REFUSED(name, reason) \
	{ #name, reason, NULL, false, 0, 0, 0, 0, { 0, 0, 0 }, UNIT_MODE, TUN_NOW, TUN_EACH },
#include "conf/tunables.def"
#undef TUN_ONE
#undef TUN_VEC
#undef TUN_NAME
#undef TUN_SECRET
#undef TUN_REFUSED
};

#define ROW_COUNT ARRAY_SIZE(rows)
#define VALUES_MAX 3

const struct tunable_desc *
tunables_row(size_t i)
{
	return i < ROW_COUNT ? &rows[i] : NULL;
}

static const char *
row_name(const void *ctx, size_t i)
{
	(void)ctx;
	return i < ROW_COUNT ? rows[i].name : NULL;
}

const struct tunable_desc *
tunables_find(const char *name)
{
	size_t i;

	for (i = 0; i < ROW_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

const uint32_t *
tunables_values(const struct tunables *t, const struct tunable_desc *row)
{
	ASSERT(row->count > 0);
	return (const uint32_t *)(const void *)((const char *)t + row->offset);
}

static void
values_store(struct tunables *t, const struct tunable_desc *row, const uint32_t *values)
{
	memcpy((char *)t + row->offset, values, row->count * sizeof(*values));
}

void
tunables_default(struct tunables *t)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < ROW_COUNT; i++)
		values_store(t, &rows[i], rows[i].def);
}

/* What a value may be, in words. */
static void
range_text(const struct tunable_desc *row, char *out, size_t out_len)
{
	const char *unit = unit_name(row->unit);
	size_t used = 0;
	size_t i;

	if (row->is_secret) {
		snprintf(out, out_len, "random, or KEY[,BACKUP] such as 1a2b3c4d-0-ffffffff-5e6f");
		return;
	}
	if (row->names == NULL) {
		snprintf(out, out_len, "%s%lu..%lu%s%s%s", row->count > 1 ? "numbers within " : "",
			(unsigned long)row->min, (unsigned long)row->max, *unit != '\0' ? " (" : "",
			unit, *unit != '\0' ? ")" : "");
		return;
	}
	out[0] = '\0';
	for (i = 0; row->names[i] != NULL && used < out_len; i++)
		used += (size_t)snprintf(
			out + used, out_len - used, "%s%s", i > 0 ? ", " : "", row->names[i]);
}

static int
word_parse(const struct tunable_desc *row, const char *word, uint32_t *out)
{
	uint64_t value;
	uint32_t i;
	int err;

	if (row->names != NULL) {
		for (i = 0; row->names[i] != NULL; i++) {
			if (strcmp(row->names[i], word) == 0) {
				*out = i;
				return 0;
			}
		}
		return -EINVAL;
	}
	err = quantity_parse(word, row->unit, &value);
	if (err != 0)
		return err;
	if (value < row->min || value > row->max)
		return -ERANGE;
	*out = (uint32_t)value;
	return 0;
}

/* Split text into words at blanks and commas and read each; exactly row->count must be there. */
static int
values_parse(const struct tunable_desc *row, const char *text, uint32_t *values)
{
	char word[TUNABLE_TEXT_LEN];
	uint32_t count = 0;
	int err;

	for (;;) {
		size_t len;

		text += strspn(text, " \t,");
		if (*text == '\0')
			break;
		len = strcspn(text, " \t,");
		if (count == row->count || len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		text += len;
		err = word_parse(row, word, &values[count]);
		if (err != 0)
			return err;
		count++;
	}
	return count == row->count ? 0 : -EINVAL;
}

/* The values of a vector are least, middle, largest: they never fall. */
static bool
values_rise(const struct tunable_desc *row, const uint32_t *values)
{
	uint32_t i;

	for (i = 1; i < row->count; i++) {
		if (values[i] < values[i - 1])
			return false;
	}
	return true;
}

/* err in words; name and text may be anything, so they are shown cut. */
static void
value_error(const struct tunable_desc *row, const char *text, int code, char *err, size_t err_len)
{
	char range[TUNABLE_TEXT_LEN];

	range_text(row, range, sizeof(range));
	/* Even a mistyped key is most of a key. */
	if (row->is_secret)
		snprintf(err, err_len, "%s: what was given is no key; allowed: %s", row->name,
			range);
	else if (row->count > 1)
		snprintf(err, err_len, "%s: '%.40s' is not %lu %s", row->name, text,
			(unsigned long)row->count, range);
	else
		snprintf(err, err_len, "%s: '%.40s' %s; allowed: %s", row->name, text,
			code == -ERANGE ? "is out of range" : "does not fit", range);
}

/* "1a2b3c4d-0-ffffffff-5e6f": as Linux reads tcp_fastopen_key. */
static int
key_parse(const char *text, size_t len, uint32_t key[4])
{
	const char *end = text + len;
	uint32_t any = 0;
	unsigned int i, digits;

	for (i = 0; i < 4; i++) {
		key[i] = 0;
		for (digits = 0; text < end && digits < 8; digits++, text++) {
			const char *hex = "0123456789abcdef";
			const char *at = strchr(hex, *text | (*text >= 'A' ? 0x20 : 0));

			if (*text == '\0' || at == NULL)
				break;
			key[i] = key[i] << 4 | (uint32_t)(at - hex);
		}
		any |= key[i];
		if (digits == 0 || (i < 3 && (text == end || *text++ != '-')))
			return -EINVAL;
	}
	/* Linux shows zeros where no key was set: somebody copied that. */
	return text == end && any != 0 ? 0 : -EINVAL;
}

static int
secret_parse(struct tun_secret *secret, const char *text)
{
	struct tun_secret next = { .state = TUN_SECRET_RANDOM };

	text += strspn(text, " \t");
	if (strcmp(text, tunables_secret_names[TUN_SECRET_RANDOM]) == 0) {
		*secret = next;
		return 0;
	}
	while (*text != '\0') {
		size_t len = strcspn(text, " \t,");

		if (next.state == TUN_SECRET_TWO || key_parse(text, len, next.key[next.state]) != 0)
			return -EINVAL;
		next.state++;
		text += len + strspn(text + len, " \t,");
	}
	if (next.state == TUN_SECRET_RANDOM)
		return -EINVAL;
	*secret = next;
	return 0;
}

static int
find_settable(const char *name, const struct tunable_desc **row, char *err, size_t err_len)
{
	char near[TUNABLE_ERR_LEN / 2];

	*row = tunables_find(name);
	if (*row == NULL) {
		nearest_names(name, row_name, NULL, near, sizeof(near));
		snprintf(err, err_len, "no tunable is called '%.40s'%s%s%s", name,
			near[0] != '\0' ? "; did you mean " : "", near, near[0] != '\0' ? "?" : "");
		return -ENOENT;
	}
	if ((*row)->count == 0) {
		snprintf(err, err_len, "%s is refused: %s", (*row)->name, (*row)->help);
		return -EPERM;
	}
	return 0;
}

int
tunables_assign(struct tunables *t, const char *name, const char *text, char *err, size_t err_len)
{
	const struct tunable_desc *row;
	uint32_t values[VALUES_MAX];
	int code;

	code = find_settable(name, &row, err, err_len);
	if (code != 0)
		return code;
	if (row->is_secret) {
		code = secret_parse((void *)((char *)t + row->offset), text);
		if (code != 0)
			value_error(row, text, code, err, err_len);
		return code;
	}
	code = values_parse(row, text, values);
	if (code != 0) {
		value_error(row, text, code, err, err_len);
		return code;
	}
	if (!values_rise(row, values)) {
		snprintf(err, err_len,
			"%s: '%.40s' falls; each number must be at least the one before", row->name,
			text);
		return -EINVAL;
	}
	values_store(t, row, values);
	return 0;
}

int
tunables_check(const struct tunables *t, char *err, size_t err_len)
{
	if (t->tcp_rto_min > t->tcp_rto_max) {
		snprintf(err, err_len, "tcp_rto_min %lu is above tcp_rto_max %lu",
			(unsigned long)t->tcp_rto_min, (unsigned long)t->tcp_rto_max);
		return -EINVAL;
	}
	if (t->tcp_delack_min > t->tcp_delack_max) {
		snprintf(err, err_len, "tcp_delack_min %lu is above tcp_delack_max %lu",
			(unsigned long)t->tcp_delack_min, (unsigned long)t->tcp_delack_max);
		return -EINVAL;
	}
	return 0;
}

int
tunables_set(struct tunables *t, const char *name, const char *text, char *err, size_t err_len)
{
	struct tunables next = *t;
	int code;

	code = tunables_assign(&next, name, text, err, err_len);
	if (code == 0)
		code = tunables_check(&next, err, err_len);
	if (code == 0)
		*t = next;
	return code;
}

int
tunables_get(const struct tunables *t, const char *name, char *out, size_t out_len)
{
	const struct tunable_desc *row = tunables_find(name);
	const uint32_t *values;
	size_t used = 0;
	uint32_t i;

	if (row == NULL)
		return -ENOENT;
	if (row->count == 0)
		return -EPERM;
	values = tunables_values(t, row);
	for (i = 0; i < row->count && used < out_len; i++) {
		if (row->names != NULL)
			used += (size_t)snprintf(out, out_len, "%s", row->names[values[i]]);
		else
			used += (size_t)snprintf(out + used, out_len - used, "%s%lu",
				i > 0 ? " " : "", (unsigned long)values[i]);
	}
	return used < out_len ? 0 : -ENOSPC;
}

const char *
tun_when_text(enum tun_when when)
{
	switch (when) {
	case TUN_NOW:
		return "next packet";
	case TUN_CONN:
		return "new connections";
	}
	ASSERT(false);
	return "";
}

const char *
tun_scope_text(enum tun_scope scope)
{
	switch (scope) {
	case TUN_EACH:
		return "every worker";
	case TUN_CONNECTION:
		return "each connection";
	case TUN_LISTENER:
		return "each listener, over all workers";
	case TUN_TOTAL:
		return "the appliance";
	}
	ASSERT(false);
	return "";
}
