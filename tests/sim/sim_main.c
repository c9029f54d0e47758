/* SPDX-License-Identifier: BSD-3-Clause */
/* The program "sim": plays scenarios with seeds and says how far it got. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
	bool twice, isolation, shrink;
};

static int
usage(FILE *to)
{
	fprintf(to, "usage: sim [--scenario NAME] [--seed N] [--seeds N] [--until SECONDS]\n"
		    "           [--hours H] [--twice] [--pcap FILE]\n"
		    "       sim --isolation [--seed N] [--seeds N]\n"
		    "       sim --sabotage\n"
		    "       sim --list\n"
		    "Plays workers on a virtual network and clock; the same seed, the same run.\n"
		    "  --scenario NAME   one of --list; without it, each in turn\n"
		    "  --seed N          the first seed (default 1)\n"
		    "  --seeds N         that many seeds, one after the other (default 1)\n"
		    "  --until SECONDS   simulated time of each run instead of the scenario's\n"
		    "  --hours H         go on with new seeds until H simulated hours are over\n"
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
	return 0;
}

static int
play_all(const struct args *args)
{
	const struct scenario *only = NULL;
	struct run_result sum = { 0 };
	double begin = wall_seconds(), wall;
	uint64_t seed = args->seed, last = args->seed + args->seeds;
	int rc = 0;

	if (args->scenario != NULL) {
		only = scenario_find(args->scenario);
		if (only == NULL) {
			fprintf(stderr, "no scenario is called %s; see --list\n", args->scenario);
			return 2;
		}
	}
	for (; rc == 0 && (seed < last || sum.seconds < args->hours * 3600); seed++) {
		if (only != NULL) {
			rc = play(only, seed, args, &sum);
			continue;
		}
		for (unsigned int i = 0; rc == 0 && scenario_row(i) != NULL; i++)
			rc = play(scenario_row(i), seed, args, &sum);
	}
	wall = wall_seconds() - begin;
	wall = wall > 0 ? wall : 1;
	printf("%.2f simulated hours, seeds 0x%" PRIx64 " to 0x%" PRIx64 ", %" PRIu64
	       " events in %.1f s: %.0f events per second, %.0f times as fast as time\n",
		sum.seconds / 3600, args->seed, seed - 1, sum.events, wall,
		(double)sum.events / wall, sum.seconds / wall);
	return rc;
}

/* Returns the status to end with, or -1 to go on. */
static int
read_args(int argc, char **argv, struct args *args)
{
	static const struct option longopts[] = {
		{ "scenario", required_argument, NULL, 'S' },
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "until", required_argument, NULL, 'u' },
		{ "hours", required_argument, NULL, 'H' },
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
	struct args args = { .seed = 1, .seeds = 1 };
	int rc = read_args(argc, argv, &args);

	if (rc >= 0)
		return rc;
	if (!args.isolation)
		return play_all(&args);
	for (unsigned int i = 0; i < args.seeds; i++)
		isolation_run(args.seed + i, NULL);
	return 0;
}
