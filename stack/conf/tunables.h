/* SPDX-License-Identifier: BSD-3-Clause */
/* The tunables: values as the engine reads them, and access by name for config, control and docs.
 */
#ifndef CONF_TUNABLES_H
#define CONF_TUNABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/quantity.h"

/** Values of tcp_congestion_control; tunables_cc_names has the names. */
enum tun_cc {
	TUN_CC_RENO,
	TUN_CC_CUBIC,
	TUN_CC_DCTCP,
	TUN_CC_COUNT,
};

/** Names of the congestion controls by enum tun_cc, NULL at the end. */
extern const char *const tunables_cc_names[];

/** What is known of a secret, in words, by tun_secret.state. */
enum tun_secret_state {
	TUN_SECRET_RANDOM, /* drawn by the daemon itself */
	TUN_SECRET_ONE,
	TUN_SECRET_TWO, /* ... and a backup */
};

extern const char *const tunables_secret_names[];

/** Two keys of 128 bits that nothing prints: state, the first member, is all that is shown. */
struct tun_secret {
	uint32_t state; /* enum tun_secret_state */
	uint32_t key[2][4];
};

/** Every value, in the unit its row of tunables.def names. Each worker has a copy of its own. */
struct tunables {
#define TUN_ONE(name, unit, min, max, def, when, scope, help) uint32_t name;
#define TUN_VEC(name, unit, n, min, max, d0, d1, d2, when, scope, help) uint32_t name[n];
#define TUN_NAME(name, names, def, when, scope, help) uint32_t name;
#define TUN_SECRET(name, when, scope, help) struct tun_secret name;
#define TUN_REFUSED(name, reason)
#include "conf/tunables.def"
#undef TUN_ONE
#undef TUN_VEC
#undef TUN_NAME
#undef TUN_SECRET
#undef TUN_REFUSED
};

/** When a change takes effect. */
enum tun_when {
	TUN_NOW, /* with the next packet */
	TUN_CONN, /* for connections opened from now on */
};

/** What a value is a limit or property of. */
enum tun_scope {
	TUN_EACH, /* the same on every worker */
	TUN_CONNECTION, /* each connection */
	TUN_LISTENER, /* a listener as a whole: shared out over the workers */
	TUN_TOTAL, /* the appliance as a whole: shared out over the workers */
};

/** One row of tunables.def. */
struct tunable_desc {
	const char *name;
	const char *help; /* one line; of a refused one: the reason */
	const char *const *names; /* words of a TUN_NAME, or that a TUN_SECRET shows; else NULL */
	bool is_secret; /* a TUN_SECRET: set by its value, seen as a word */
	size_t offset; /* of the first value in struct tunables */
	uint32_t count; /* values: 1 to 3; 0: refused */
	uint32_t min, max; /* range of each value */
	uint32_t def[3]; /* defaults */
	enum unit unit;
	enum tun_when when;
	enum tun_scope scope;
};

/** Bytes that hold any value as text, and any error message of tunables_set(). */
#define TUNABLE_TEXT_LEN 96
#define TUNABLE_ERR_LEN 320

void tunables_default(struct tunables *t);

/** Row i of the table, NULL behind the last; refused rows are among them. */
const struct tunable_desc *tunables_row(size_t i);

/** Row of a name, or NULL. */
const struct tunable_desc *tunables_find(const char *name);

/** The values of a row, count of them. */
const uint32_t *tunables_values(const struct tunables *t, const struct tunable_desc *row);

/**
 * Set one by name. text: a number with an optional unit (quantity.h), a word, or as many numbers
 * as the tunable has, separated by blanks or commas. A secret: "random", or one or two keys, each
 * four groups of hexadecimal digits joined by '-', as Linux writes them. Nothing changes unless it
 * returns 0.
 * -ENOENT: no such name; -EINVAL: not a value of it; -ERANGE: outside its range; -EPERM: refused.
 * err then holds the reason in words; err_len >= TUNABLE_ERR_LEN shows it whole.
 */
int tunables_set(struct tunables *t, const char *name, const char *text, char *err, size_t err_len);

/** The same without the last step, tunables_check(): for many changes at once, checked at the end.
 */
int tunables_assign(
	struct tunables *t, const char *name, const char *text, char *err, size_t err_len);

/** Do the values fit together? 0, or -EINVAL with the reason in err. */
int tunables_check(const struct tunables *t, char *err, size_t err_len);

/**
 * Write the value as text, such as "4096 131072 6291456" or "reno". -ENOENT, -EPERM as above;
 * -ENOSPC: out_len is too small (TUNABLE_TEXT_LEN is always enough).
 */
int tunables_get(const struct tunables *t, const char *name, char *out, size_t out_len);

/** Words for documentation and listings. */
const char *tun_when_text(enum tun_when when);
const char *tun_scope_text(enum tun_scope scope);

#endif
