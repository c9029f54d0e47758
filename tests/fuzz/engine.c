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
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/rng.h"
#include "fuzz/life.h"

/*
 * A life is some thousand steps long, so that its start and end cost little, and depends on the
 * seed and its number alone. Bytes at random would hardly ever open a connection: most steps are
 * made so that they fit what the worker expects, and every now and then one is not.
 */
#define LIFE_STEPS 2048u
#define LIFE_BYTES (LIFE_STEPS * 16u)
#define STEP_BYTES_MAX 64u
#define JOBS_MAX 64u
#define REPORT_PACKETS 1000000u

struct args {
	uint64_t seed, packets, only;
	bool one; /* life number only */
	unsigned int jobs;
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

/* Lives job, job + jobs, job + 2 jobs ... until all jobs together have received enough. */
static int
work(const struct args *args, unsigned int job, volatile struct life_result *done)
{
	uint64_t told = 0, all = 0;

	for (uint64_t life = job; all < args->packets; life += args->jobs) {
		struct life_result res = play(args->seed, life);

		done[job].packets += res.packets;
		done[job].connections += res.connections;
		done[job].bytes += res.bytes;
		all = 0;
		for (unsigned int i = 0; i < args->jobs; i++)
			all += done[i].packets;
		if (job != 0 || all < told + REPORT_PACKETS)
			continue;
		told = all;
		printf("%" PRIu64 " packets, %" PRIu64 " lives\n", all, life + args->jobs);
		fflush(stdout);
	}
	return 0;
}

static int
run_jobs(const struct args *args)
{
	size_t size = JOBS_MAX * sizeof(struct life_result);
	struct life_result *done = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct life_result all = { 0 };
	int failed = 0;

	if (done == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	for (unsigned int job = 0; job < args->jobs; job++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(work(args, job, done));
		failed += pid < 0;
	}
	for (int status; wait(&status) > 0 || errno == EINTR;)
		failed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (unsigned int job = 0; job < args->jobs; job++) {
		all.packets += done[job].packets;
		all.connections += done[job].connections;
		all.bytes += done[job].bytes;
	}
	printf("%" PRIu64 " packets of seed %" PRIu64 ", %" PRIu64 " connections, %" PRIu64
	       " bytes read, %d findings\n",
		all.packets, args->seed, all.connections, all.bytes, failed);
	(void)munmap(done, size);
	return failed > 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ "packets", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
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
		else if (option == 'o')
			args.only = strtoull(optarg, NULL, 0);
		args.one |= option == 'o';
		if (option != '?' && args.jobs > 0 && args.jobs <= JOBS_MAX)
			continue;
		fprintf(stderr, "usage: %s [--packets N] [--seed S] [--jobs 1..64 | --only LIFE]\n",
			argv[0]);
		return 2;
	}
	running.program = argv[0];
	running.seed = args.seed;
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], on_crash);
	if (!args.one)
		return run_jobs(&args);
	printf("%" PRIu64 " packets\n", play(args.seed, args.only).packets);
	return 0;
}
