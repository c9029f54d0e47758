/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of an appliance, and those of load tests, which both sides know. */
#ifndef APPLIANCE_SECRETS_H
#define APPLIANCE_SECRETS_H

#include <stdint.h>
#include <stdio.h>

#include "base/siphash.h"

/** Keys nobody outside may know; the same on every worker. */
struct secrets {
	struct siphash_key steer, flow, isn, cookie[2], port, neigh, reass;
	uint64_t seed;
};

/** All of them from one number: the same number, the same keys. */
void secrets_derive(uint64_t from, struct secrets *secrets);

/**
 * Read the number from a file that says of itself that it is for tests: one line,
 * "sluice-test-secret " and 16 hexadecimal digits, not all 0. 0, or -errno after a message on err.
 */
int test_secret_read(const char *path, uint64_t *from, FILE *err);

#endif
