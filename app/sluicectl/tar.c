/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of a ustar archive. */
#include <string.h>

#include "tar.h"

#define RECORD 512u

/* POSIX.1-2017, pax "ustar Interchange Format": numbers are octal text. */
struct header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char owner[32], group[32];
	char major[8], minor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct header) == RECORD, "one record");

static void
checksum_fill(struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned int sum = 0, i;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (i = 0; i < sizeof(*h); i++)
		sum += p[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
}

void
tar_file(FILE *out, const char *name, const void *data, size_t len, int64_t mtime_s)
{
	static const char zeros[RECORD];
	struct header h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };

	snprintf(h.name, sizeof(h.name), "%s", name);
	snprintf(h.mode, sizeof(h.mode), "%07o", 0600u);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0u);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0u);
	snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)len);
	snprintf(h.mtime, sizeof(h.mtime), "%011llo", (unsigned long long)mtime_s & 077777777777);
	checksum_fill(&h);
	(void)fwrite(&h, sizeof(h), 1, out);
	(void)fwrite(data, 1, len, out);
	(void)fwrite(zeros, 1, (RECORD - len % RECORD) % RECORD, out);
}

void
tar_end(FILE *out)
{
	static const char zeros[2 * RECORD];

	(void)fwrite(zeros, sizeof(zeros), 1, out);
}
