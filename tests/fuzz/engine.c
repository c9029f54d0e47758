/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the engine for a number of packets, without libFuzzer: one seed, one run. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/rng.h"
#include "fuzz/life.h"
#include "lib/pieces.h"

/*
 * A life is some thousand steps long, so that its start and end cost little, and depends on the
 * seed and its number alone. Bytes at random would hardly ever open a connection: most steps are
 * made so that they fit what the worker expects, and every now and then one is not.
 */
#define LIFE_STEPS 2048u
#define LIFE_BYTES (LIFE_STEPS * 16u)
#define STEP_BYTES_MAX 64u
#define PIECE_LIVES 64u

struct args {
	uint64_t seed, packets, only;
	bool one; /* life number only */
	unsigned int jobs;
	const char *state; /* NULL: nothing is kept */
};

/* What the signal handler tells: the only state outside main(). */
static struct {
	const char *program;
	uint64_t seed, number;
} running;

static void
on_crash(int signal_number)
{
	signal(signal_number, SIG_DFL);
	fprintf(stderr, "%s. Repeat: '%s' --seed %" PRIu64 " --only %" PRIu64 "\n",
		strsignal(signal_number), running.program, running.seed, running.number);
	raise(signal_number);
}

/* --- a life ---------------------------------------------------------------------------------- */

static uint8_t
pick(struct rng *rng, const uint8_t *from, uint32_t n)
{
	return from[rng_below(rng, n)];
}

/* An offset from the number expected: none, small, segments, anything. */
static uint8_t
offset(struct rng *rng)
{
	return rng_below(rng, 8) > 0 ? 0 : (uint8_t)(0x80 + rng_below(rng, 0x80));
}

/* What follows the step's first byte, for one segment. */
static unsigned int
put_segment(struct rng *rng, uint8_t *p)
{
	static const uint8_t flags[] = { 0x02, 0x02, 0x02, 0x02, 0x10, 0x10, 0x18, 0x18, 0x11, 0x12,
		0x14, 0x50, 0x90, 0xc2, 0x30, 0x19 };
	static const uint8_t calm[] = { 0x10, 0x18, 0x18 };
	static const uint8_t opts[] = { 0, 0, 0, 0, 0x04, 0x04, 0x04, 0x0f, 0x14, 0x94, 0x20 };
	unsigned int n = 0;

	p[n++] = (uint8_t)(rng_below(rng, 4) | (rng_below(rng, 4) > 0 ? 0x80 : 0));
	/* Most connections are to last for a while. */
	if (rng_below(rng, 4) > 0)
		p[n++] = pick(rng, calm, ARRAY_SIZE(calm));
	else if (rng_below(rng, 8) > 0)
		p[n++] = pick(rng, flags, ARRAY_SIZE(flags));
	else
		p[n++] = (uint8_t)rng_u32(rng);
	p[n++] = offset(rng);
	p[n++] = offset(rng);
	p[n++] = rng_below(rng, 4) == 0 ? 0 : (uint8_t)rng_u32(rng);
	p[n++] = (uint8_t)rng_u32(rng);
	if (p[1] & 0x20) {
		p[n++] = 0;
		p[n++] = (uint8_t)rng_u32(rng);
	}
	p[n++] = rng_below(rng, 2) == 0 ? 0 : (uint8_t)rng_u32(rng);
	p[n] = pick(rng, opts, ARRAY_SIZE(opts));
	if (p[1] & 0x02)
		p[n] |= rng_below(rng, 2) == 0 ? 0x07 : 0x0f;
	/* The options' own bytes are any: an offset that is not 0 above eats of them, too. */
	n++;
	for (unsigned int i = rng_below(rng, 8); i > 0; i--)
		p[n++] = (uint8_t)rng_u32(rng);
	return n;
}

/* Time passes in steps of up to a second mostly, of up to 36 minutes now and then. */
static uint8_t
time_op(struct rng *rng)
{
	return (uint8_t)(0xe0 + rng_below(rng, rng_below(rng, 16) == 0 ? 32 : 21));
}

/* A call on one of the first connections: there are no more than four. */
static unsigned int
put_call(struct rng *rng, uint8_t *p)
{
	static const uint8_t calls[] = { 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 6, 7,
		7, 7, 8, 8, 9, 10, 11, 12, 12, 13, 15 };
	uint8_t call = pick(rng, calls, ARRAY_SIZE(calls));
	unsigned int n = 0;

	p[n++] = 0x98;
	/* Ports are closed, too, but seldom. */
	if (rng_below(rng, 200) == 0)
		call = 14;
	p[n++] = (uint8_t)(rng_below(rng, 4) << 4 | call);
	p[n++] = (uint8_t)rng_u32(rng);
	p[n++] = (uint8_t)rng_u32(rng);
	if (call == 0 || call == 3)
		p[n++] = (uint8_t)rng_u32(rng);
	return n;
}

static unsigned int
put_step(struct rng *rng, uint8_t *p)
{
	uint32_t kind = rng_below(rng, 64);
	unsigned int n = 1;

	if (kind < 36) {
		p[0] = 0;
		return 1 + put_segment(rng, p + 1);
	}
	if (kind < 38) {
		p[0] = 0x80;
		n += put_segment(rng, p + 1);
	} else if (kind < 40) {
		p[0] = (uint8_t)(0x90 + rng_below(rng, 8));
	} else if (kind < 56) {
		return put_call(rng, p);
	} else if (kind < 60) {
		p[0] = time_op(rng);
		return 1;
	} else {
		p[0] = (uint8_t)rng_u32(rng);
	}
	for (unsigned int more = rng_below(rng, 12); more > 0; more--)
		p[n++] = (uint8_t)rng_u32(rng);
	return n;
}

static struct life_result
play(uint64_t seed, uint64_t number)
{
	static uint8_t bytes[LIFE_BYTES + STEP_BYTES_MAX];
	struct life_params par = { .steps_max = LIFE_STEPS, .deep_every = 4 };
	struct rng rng;
	size_t n = 0;

	running.number = number;
	rng_seed(&rng, seed * 0x9e3779b97f4a7c15ULL + number);
	par.ip6 = rng_below(&rng, 2) == 0;
	bytes[n++] = (uint8_t)rng_u32(&rng);
	bytes[n++] = (uint8_t)rng_u32(&rng);
	while (n < LIFE_BYTES)
		n += put_step(&rng, bytes + n);
	return life_run(bytes, n, &par);
}

/* --- all of them ----------------------------------------------------------------------------- */

/* A piece is so many lives that a process for it costs nothing. */
static void
play_piece(void *ctx, uint64_t number, uint64_t *sums)
{
	const struct args *args = ctx;

	for (uint64_t life = number * PIECE_LIVES; life < (number + 1) * PIECE_LIVES; life++) {
		struct life_result res = play(args->seed, life);

		sums[0] += res.packets;
		sums[1] += res.connections;
		sums[2] += res.bytes;
	}
}

static void
tell(const struct pieces *p)
{
	const struct args *args = p->ctx;

	printf("%" PRIu64 " packets of seed %" PRIu64 ", %" PRIu64 " connections, %" PRIu64
	       " bytes read, %" PRIu64 " lives, %" PRIu64 " findings\n",
		p->sum[0], args->seed, p->sum[1], p->sum[2], p->next * PIECE_LIVES, p->failed);
	fflush(stdout);
}

static int
run_pieces(struct args *args)
{
	static const char *const names[] = { "packets", "connections", "bytes", NULL };
	struct pieces p = { .path = args->state,
		.names = names,
		.wanted = args->packets,
		.jobs = args->jobs,
		.play = play_piece,
		.ctx = args,
		.tell = tell };
	char what[80];

	(void)snprintf(what, sizeof(what), "engine, seed %" PRIu64 ", %u steps, %u lives",
		args->seed, LIFE_STEPS, PIECE_LIVES);
	p.what = what;
	return pieces_run(&p) != 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ "packets", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP };
	struct args args = { .seed = 1, .packets = 100000, .jobs = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			args.jobs = (unsigned int)strtoul(optarg, NULL, 0);
		else if (option == 'p')
			args.packets = (uint64_t)strtod(optarg, NULL);
		else if (option == 's')
			args.seed = strtoull(optarg, NULL, 0);
		else if (option == 'f')
			args.state = optarg;
		else if (option == 'o')
			args.only = strtoull(optarg, NULL, 0);
		args.one |= option == 'o';
		if (option != '?' && args.jobs > 0 && args.jobs <= PIECES_JOBS_MAX)
			continue;
		fprintf(stderr, "usage: %s [--packets N] [--seed S] [--jobs 1..64] [--state FILE]\n"
				"       %s [--seed S] --only LIFE\n",
			argv[0], argv[0]);
		return 2;
	}
	running.program = argv[0];
	running.seed = args.seed;
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], on_crash);
	if (!args.one)
		return run_pieces(&args);
	printf("%" PRIu64 " packets\n", play(args.seed, args.only).packets);
	return 0;
}
