/* SPDX-License-Identifier: BSD-3-Clause */
/* The program "sim": plays scenarios with seeds and says how far it got. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/fail.h"
#include "lib/pieces.h"
#include "sim/draw.h"
#include "sim/isolation.h"
#include "sim/sabotage.h"
#include "sim/scenarios.h"
#include "sim/shrink.h"

struct args {
	const char *scenario; /* NULL: all */
	uint64_t seed;
	unsigned int seeds;
	double seconds, hours;
	const char *pcap;
	uint32_t without;
	bool twice, isolation, shrink, quiet;
	unsigned int jobs;
	const char *state;
};

static int
usage(FILE *to)
{
	fprintf(to, "usage: sim [--scenario NAME] [--seed N] [--seeds N] [--until SECONDS]\n"
		    "           [--hours H] [--jobs N] [--state FILE] [--twice] [--pcap FILE]\n"
		    "       sim --isolation [--seed N] [--seeds N]\n"
		    "       sim --sabotage\n"
		    "       sim --list\n"
		    "Plays workers on a virtual network and clock; the same seed, the same run.\n"
		    "  --scenario NAME   one of --list; without it, each in turn\n"
		    "  --seed N          the first seed (default 1)\n"
		    "  --seeds N         that many seeds, one after the other (default 1)\n"
		    "  --until SECONDS   simulated time of each run instead of the scenario's\n"
		    "  --hours H         go on with new seeds until H simulated hours are over\n"
		    "  --jobs N          that many runs at a time, each a process; failures are\n"
		    "                    counted, and the others go on\n"
		    "  --state FILE      keeps the sums; the next call goes on with them\n"
		    "  --without LIST    of a random run: features left out, with commas\n"
		    "  --shrink          leave out what a failure of a random run does not need\n"
		    "  --twice           play each run twice and compare the hashes\n"
		    "  --isolation       is one connection the same alone and beside others?\n"
		    "  --sabotage        break each invariant on purpose; do the checks notice?\n"
		    "  --pcap FILE       capture of all frames (of the last run)\n");
	return to == stdout ? 0 : 2;
}

static int
list(void)
{
	for (unsigned int i = 0; scenario_row(i) != NULL; i++)
		printf("%-16s %6u s  %s\n", scenario_row(i)->name, scenario_row(i)->seconds,
			scenario_row(i)->help);
	return 0;
}

static double
wall_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
play(const struct scenario *sc, uint64_t seed, const struct args *args, struct run_result *sum)
{
	struct run_opts opts = { .seed = seed,
		.seconds = args->seconds,
		.pcap = args->pcap,
		.without = args->without };
	struct run_result res, again;

	if (args->shrink)
		return shrink_run(sc, opts);
	scenario_run(sc, &opts, &res);
	if (!args->quiet)
		printf("%-16s seed 0x%" PRIx64 "  %8.0f s  %9" PRIu64 " events  %8" PRIu64
		       " frames  %6" PRIu64 " connections  %6" PRIu64 " whole  %11" PRIu64
		       " bytes  hash %016" PRIx64 "\n",
			sc->name, seed, res.seconds, res.events, res.frames, res.started, res.exact,
			res.bytes, res.hash);
	fflush(stdout);
	if (args->twice) {
		scenario_run(sc, &opts, &again);
		if (again.hash != res.hash || again.events != res.events) {
			fprintf(stderr, "%s, seed 0x%" PRIx64 ": the second run differs\n",
				sc->name, seed);
			return 1;
		}
	}
	sum->events += res.events;
	sum->seconds += res.seconds;
	sum->started += res.started;
	sum->exact += res.exact;
	sum->bytes += res.bytes;
	return 0;
}

/* One seed: the scenario, or each in turn. */
static int
play_seed(uint64_t seed, const struct args *args, struct run_result *sum)
{
	int rc = 0;

	if (args->scenario != NULL)
		return play(scenario_find(args->scenario), seed, args, sum);
	for (unsigned int i = 0; rc == 0 && scenario_row(i) != NULL; i++)
		rc = play(scenario_row(i), seed, args, sum);
	return rc;
}

/* --- in pieces ------------------------------------------------------------------------------ */

static void
play_piece(void *ctx, uint64_t seed, uint64_t *sums)
{
	const struct args *args = ctx;
	struct run_result sum = { 0 };

	CHECK(play_seed(seed, args, &sum) == 0, "seed 0x%" PRIx64, seed);
	sums[0] = (uint64_t)(sum.seconds * 1000);
	sums[1] = sum.events;
	sums[2] = sum.started;
	sums[3] = sum.exact;
	sums[4] = sum.bytes;
}

static void
tell(const struct pieces *p)
{
	printf("%.2f simulated hours in all, seeds up to 0x%" PRIx64 ", %" PRIu64
	       " events, %" PRIu64 " connections, %" PRIu64 " whole, %" PRIu64
	       " bytes, %" PRIu64 " failures\n",
		(double)p->sum[0] / 3.6e6, p->next - 1, p->sum[1], p->sum[2], p->sum[3], p->sum[4],
		p->failed);
	fflush(stdout);
}

static int
play_pieces(struct args *args)
{
	static const char *const names[] = { "milliseconds", "events", "connections", "whole",
		"bytes", NULL };
	struct pieces p = { .path = args->state,
		.names = names,
		.wanted = (uint64_t)(args->hours * 3.6e6),
		.pieces_min = args->seeds,
		.jobs = args->jobs,
		.play = play_piece,
		.ctx = args,
		.tell = tell,
		.next = args->seed };
	double begin = wall_seconds();
	char what[120];
	int failed;

	(void)snprintf(what, sizeof(what), "sim %s, %g s, without 0x%x",
		args->scenario != NULL ? args->scenario : "all", args->seconds, args->without);
	p.what = what;
	args->quiet = true;
	failed = pieces_run(&p);
	printf("%.0f s\n", wall_seconds() - begin);
	return failed != 0;
}

static int
play_all(struct args *args)
{
	struct run_result sum = { 0 };
	double begin = wall_seconds(), wall;
	uint64_t seed = args->seed, last = args->seed + args->seeds;
	int rc = 0;

	if (args->scenario != NULL && scenario_find(args->scenario) == NULL) {
		fprintf(stderr, "no scenario is called %s; see --list\n", args->scenario);
		return 2;
	}
	if (args->jobs > 1 || args->state != NULL)
		return play_pieces(args);
	for (; rc == 0 && (seed < last || sum.seconds < args->hours * 3600); seed++)
		rc = play_seed(seed, args, &sum);
	wall = wall_seconds() - begin;
	wall = wall > 0 ? wall : 1;
	printf("%.2f simulated hours, seeds 0x%" PRIx64 " to 0x%" PRIx64 ", %" PRIu64
	       " events in %.1f s: %.0f events per second, %.0f times as fast as time\n",
		sum.seconds / 3600, args->seed, seed - 1, sum.events, wall,
		(double)sum.events / wall, sum.seconds / wall);
	return rc;
}

static const struct option longopts[] = {
	{ "scenario", required_argument, NULL, 'S' },
	{ "seed", required_argument, NULL, 's' },
	{ "seeds", required_argument, NULL, 'n' },
	{ "until", required_argument, NULL, 'u' },
	{ "hours", required_argument, NULL, 'H' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "state", required_argument, NULL, 'f' },
	{ "pcap", required_argument, NULL, 'p' },
	{ "without", required_argument, NULL, 'w' },
	{ "shrink", no_argument, NULL, 'k' },
	{ "twice", no_argument, NULL, 't' },
	{ "isolation", no_argument, NULL, 'i' },
	{ "sabotage", no_argument, NULL, 'b' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Returns the status to end with, or -1 to go on. */
static int
read_args(int argc, char **argv, struct args *args)
{
	const char *bad;
	int c;

	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (c) {
		case 'S':
			args->scenario = optarg;
			break;
		case 's':
			args->seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			args->seeds = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'u':
			args->seconds = strtod(optarg, NULL);
			break;
		case 'H':
			args->hours = strtod(optarg, NULL);
			break;
		case 'j':
			args->jobs = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			args->state = optarg;
			break;
		case 'p':
			args->pcap = optarg;
			break;
		case 'w':
			if (!draw_features_parse(optarg, &args->without, &bad)) {
				fprintf(stderr, "no feature is called %s\n", bad);
				return 2;
			}
			break;
		case 'k':
			args->shrink = true;
			break;
		case 't':
			args->twice = true;
			break;
		case 'i':
			args->isolation = true;
			break;
		case 'b':
			return sabotage_all();
		case 'l':
			return list();
		default:
			return usage(c == 'h' ? stdout : stderr);
		}
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct args args = { .seed = 1, .seeds = 1, .jobs = 1 };
	int rc = read_args(argc, argv, &args);

	if (rc >= 0)
		return rc;
	if (args.jobs == 0 || args.jobs > PIECES_JOBS_MAX)
		return usage(stderr);
	if (!args.isolation)
		return play_all(&args);
	for (unsigned int i = 0; i < args.seeds; i++)
		isolation_run(args.seed + i, NULL);
	return 0;
}
