/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the table of keys and the reader of files. */
#ifndef SLUICE_LOAD_PROFILE_INT_H
#define SLUICE_LOAD_PROFILE_INT_H

#include <stddef.h>

#include "ctl/config.h"
#include "profile.h"

/** Number of keys, and the key of a number: those of the run, then those of a group. */
size_t load_key_count(void);
const struct config_key *load_key_at(size_t i);
bool load_key_is_of_run(size_t i);

/** The number of a key, or load_key_count(). */
size_t load_key_find(const char *name);

/** "; did you mean 'x'?", or where to read on. */
const char *load_key_hint(const char *name, char *out, size_t out_len);

/** Everything at its default, no group; a group at its defaults. */
void load_profile_default(struct load_profile *p);
void load_group_default(struct load_group *g);

/** Set what a preset sets; -ENOENT: there is none of this name, and err says so. */
int load_group_preset(struct load_group *g, const char *name, char *err, size_t err_len);

#endif
