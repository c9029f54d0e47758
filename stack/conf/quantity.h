/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as people write them: units, factors, and how to read and print them. */
#ifndef CONF_QUANTITY_H
#define CONF_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/** What a number counts; decides which suffixes it may have. */
enum unit {
	UNIT_COUNT,
	UNIT_ENTRIES,
	UNIT_BOOL,
	UNIT_MODE,
	UNIT_BITS,
	UNIT_BYTES,
	UNIT_PAGES,
	UNIT_SEC,
	UNIT_MSEC,
	UNIT_USEC,
	UNIT_SEGMENTS,
	UNIT_PACKETS,
	UNIT_PORT,
	UNIT_PER_SEC,
	UNIT_PERCENT,
};

/** The word shown after a number: "bytes", "s" ...; "" where the number stands alone. */
const char *unit_name(enum unit unit);

/**
 * Read a decimal number from text, all of it. Suffixes: k M G or k m g (powers of 1000) and
 * Ki Mi Gi (of 1024) where the unit is a quantity; us ms s m h where it is a time (converted to
 * the unit, which must come out even); on/off, yes/no, true/false where it is a bool. -EINVAL: not
 * a number of this unit; -ERANGE: beyond 64 bits.
 */
int quantity_parse(const char *text, enum unit unit, uint64_t *out);

#endif
