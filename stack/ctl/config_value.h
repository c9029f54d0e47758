/* SPDX-License-Identifier: BSD-3-Clause */
/* Single values of the configuration file: text to field. */
#ifndef CTL_CONFIG_VALUE_H
#define CTL_CONFIG_VALUE_H

#include <stddef.h>

#include "ctl/config.h"

/** Bytes that hold any message of config_value_read(). */
#define CONFIG_VALUE_ERR_LEN 300

/**
 * Read text as a value of key, one of the types written as one word, into field (the struct's
 * field the key names). 0; -EINVAL: err says why, and nothing was written.
 */
int config_value_read(
	const struct config_key *key, const char *text, void *field, char *err, size_t err_len);

/** Is text a name: letters, digits, '.', '_', '-', not empty, shorter than CONFIG_NAME_LEN? */
bool config_name_is_valid(const char *text);

/** What a value of a key may be, for messages and documentation: "1..64", "tap, pci". */
const char *config_key_allows(const struct config_key *key, char *out, size_t out_len);

#endif
