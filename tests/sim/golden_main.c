/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of goodput and fairness, and its comparison with the one that was committed. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "sim/golden.h"

/*
 *	golden write FILE	the table as it is now
 *	golden check FILE	differences are a failure: a change of behaviour is a line in review
 *
 * Whole numbers only, so that the table is the same on every machine.
 */
#define TABLE_MAX 32768u
/* DCTCP wants to be told so early; where nobody marks it is what Reno is. */
#define MARK_BYTES 15000u
#define RATE_BPS 10000000ull

struct table {
	char text[TABLE_MAX];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void
put(struct table *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->text + t->used, TABLE_MAX - t->used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= TABLE_MAX - t->used)
		abort();
	t->used += (size_t)n;
}

static uint64_t
sum(const uint64_t *v, unsigned int n)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < n; i++)
		all += v[i];
	return all;
}

/* Of the link's rate, in tenths of a percent. */
static unsigned int
goodput(const struct golden_path *path, const struct golden_result *res)
{
	uint64_t bits = 8 * sum(res->bytes, path->flows);

	return (unsigned int)(bits * 1000 * 1000 / (path->rate_bps * path->measured_ms));
}

/* Jain's index in thousandths: (sum x)^2 / (n sum x^2); 1000: all the same. */
static unsigned int
fairness(const uint64_t *bytes, unsigned int n)
{
	uint64_t all = 0, squares = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t kb = bytes[i] / 1024;

		all += kb;
		squares += kb * kb;
	}
	return squares == 0 ? 0 : (unsigned int)(1000 * all * all / (n * squares));
}

static uint32_t
marks(const char *cc)
{
	return strcmp(cc, "dctcp") == 0 ? MARK_BYTES : 0;
}

static void
goodput_table(struct table *t)
{
	static const char *const ccs[] = { "reno", "cubic", "dctcp" };
	static const uint32_t rtts_ms[] = { 1, 10, 50, 100 };
	static const uint32_t queues_kb[] = { 16, 64, 256 };
	static const uint32_t losses_ppm[] = { 0, 1000, 10000, 30000 };

	put(t, "Goodput of one flow in tenths of a percent of 10 Mb/s, the first 15 s.\n\n");
	put(t, "%-6s %7s %8s |%10s%10s%10s%10s\n", "cc", "rtt ms", "queue KB", "loss 0", "0.1 %",
		"1 %", "3 %");
	for (size_t c = 0; c < ARRAY_SIZE(ccs); c++)
		for (size_t r = 0; r < ARRAY_SIZE(rtts_ms); r++)
			for (size_t q = 0; q < ARRAY_SIZE(queues_kb); q++) {
				put(t, "%-6s %7u %8u |", ccs[c], rtts_ms[r], queues_kb[q]);
				for (size_t l = 0; l < ARRAY_SIZE(losses_ppm); l++) {
					const struct golden_path path = {
						.cc = { ccs[c], ccs[c] },
						.flows = 1,
						.rate_bps = RATE_BPS,
						.rtt_us = rtts_ms[r] * 1000,
						.queue_bytes = queues_kb[q] * 1024,
						.mark_bytes = marks(ccs[c]),
						.loss_ppm = losses_ppm[l],
						.measured_ms = 15000,
					};
					struct golden_result res;

					golden_run(&path, &res);
					put(t, "%10u", goodput(&path, &res));
				}
				put(t, "\n");
			}
}

static void
fairness_table(struct table *t)
{
	static const struct {
		const char *cc[2];
	} rows[] = {
		{ { "reno", "reno" } },
		{ { "cubic", "cubic" } },
		{ { "cubic", "reno" } },
		{ { "dctcp", "dctcp" } },
	};
	static const unsigned int flows[] = { 1, 2, 4, 8, 16, 32, 64 };

	put(t, "\nFlows that share 10 Mb/s, 20 ms, queue 64 KB, 5 s to 25 s: goodput in\n"
	       "tenths of a percent, Jain's index in thousandths, the share of the flows with\n"
	       "even numbers in tenths of a percent, timeouts, marks.\n\n");
	put(t, "%-12s %6s |%8s%8s%8s%9s%8s\n", "cc", "flows", "goodput", "jain", "even",
		"timeouts", "marks");
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
		for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
			const struct golden_path path = {
				.cc = { rows[r].cc[0], rows[r].cc[1] },
				.flows = flows[i],
				.rate_bps = RATE_BPS,
				.rtt_us = 20000,
				.queue_bytes = 65536,
				.mark_bytes = marks(rows[r].cc[0]),
				.warm_ms = 5000,
				.measured_ms = 20000,
			};
			struct golden_result res;
			uint64_t even = 0;
			char name[32];

			golden_run(&path, &res);
			for (unsigned int f = 0; f < flows[i]; f += 2)
				even += res.bytes[f];
			snprintf(name, sizeof(name), "%s%s%s", rows[r].cc[0],
				rows[r].cc[0] != rows[r].cc[1] ? "+" : "",
				rows[r].cc[0] != rows[r].cc[1] ? rows[r].cc[1] : "");
			put(t, "%-12s %6u |%8u%8u%8llu%9llu%8llu\n", name, flows[i],
				goodput(&path, &res), fairness(res.bytes, flows[i]),
				(unsigned long long)(1000 * even / sum(res.bytes, flows[i])),
				(unsigned long long)res.timeouts, (unsigned long long)res.marks);
		}
}

static int
write_file(const char *name, const struct table *t)
{
	FILE *f = fopen(name, "w");
	bool ok = f != NULL && fwrite(t->text, 1, t->used, f) == t->used;

	if (f == NULL || fclose(f) != 0 || !ok) {
		fprintf(stderr, "cannot write %s\n", name);
		return 1;
	}
	return 0;
}

/* The first line that differs says what changed; the whole table says how much. */
static int
check_file(const char *name, const struct table *t)
{
	static char old[TABLE_MAX];
	FILE *f = fopen(name, "r");
	size_t len = f != NULL ? fread(old, 1, sizeof(old) - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	if (len == t->used && memcmp(old, t->text, len) == 0)
		return 0;
	printf("%s\nThis is not what %s says. If it is meant to change, say why in the commit:\n"
	       "  golden write %s\n", t->text, name, name);
	return 1;
}

int
main(int argc, char **argv)
{
	static struct table t;

	if (argc != 3 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "check") != 0)) {
		fprintf(stderr, "usage: golden write|check FILE\n");
		return 2;
	}
	goodput_table(&t);
	fairness_table(&t);
	return strcmp(argv[1], "write") == 0 ? write_file(argv[2], &t) : check_file(argv[2], &t);
}
