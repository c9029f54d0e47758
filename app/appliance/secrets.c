/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that follow from one number, and the file that such a number is read from. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "appliance/secrets.h"

#include "base/compiler.h"
#include "base/rng.h"

#define TEST_SECRET_BEGIN "sluice-test-secret "
#define TEST_SECRET_DIGITS 16u

void
secrets_derive(uint64_t from, struct secrets *secrets)
{
	uint64_t words[sizeof(*secrets) / sizeof(uint64_t)];
	struct rng rng;

	_Static_assert(sizeof(*secrets) % sizeof(uint64_t) == 0, "whole words");
	rng_seed(&rng, from);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = rng_u64(&rng);
	memcpy(secrets, words, sizeof(*secrets));
}

static bool
parse_digits(const char *text, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (unsigned int i = 0; i < TEST_SECRET_DIGITS; i++) {
		const char *at = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

		if (at == NULL)
			return false;
		*out = *out << 4 | (uint64_t)(at - digits);
	}
	return text[TEST_SECRET_DIGITS] == '\0' || strcmp(text + TEST_SECRET_DIGITS, "\n") == 0;
}

/*
 * A file that does not say so is refused, whatever is in it: nobody hands the keys of a real
 * appliance to a tool that forges its cookies by mistake.
 */
int
test_secret_read(const char *path, uint64_t *from, FILE *err)
{
	char line[sizeof(TEST_SECRET_BEGIN) + TEST_SECRET_DIGITS + 2] = "";
	FILE *file = fopen(path, "re");
	bool good;

	if (file == NULL) {
		int rc = -errno;

		fprintf(err, "%s: %s\n", path, strerror(errno));
		return rc;
	}
	good = fgets(line, sizeof(line), file) != NULL &&
		strncmp(line, TEST_SECRET_BEGIN, strlen(TEST_SECRET_BEGIN)) == 0 &&
		parse_digits(line + strlen(TEST_SECRET_BEGIN), from) && *from != 0 &&
		fgetc(file) == EOF;
	(void)fclose(file);
	if (good)
		return 0;
	fprintf(err, "%s: not a test secret. Fix: a file of one line, '" TEST_SECRET_BEGIN
		"' and 16 digits 0-9 a-f, not all 0; never a secret of an appliance in use\n",
		path);
	return -EINVAL;
}
