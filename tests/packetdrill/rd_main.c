/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The random differential test: sequences from a seed to the stack and to this machine's kernel,
 * each process in a nameless network namespace that is gone with it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "packetdrill/rd.h"

#define SKIPPED 77
#define KINDS_MAX 4000u
/* A difference is played so often again, and counts if it shows so often. */
#define TRIES 3u
#define TRIES_SHOWN 2u
#define REPORTS_MAX 10u
/* Of so many sequences each entry of the allow-list must have explained something. */
#define UNUSED_AFTER 100000u

/* Both sides read them; where they differ by default, they do not here. */
static const char *const sysctls[][2] = {
	{ "ipv4/tcp_invalid_ratelimit", "0" },
	{ "ipv4/tcp_no_metrics_save", "1" },
	{ "ipv4/tcp_rmem", "4096 131072 6291456" },
	{ "ipv4/tcp_wmem", "4096 1048576 4194304" },
	{ "ipv4/tcp_rfc1337", "1" },
	{ "ipv4/tcp_max_tw_buckets", "262144" },
	/* Of a connection here, and of none in Linux: as many as may be. */
	{ "ipv4/tcp_challenge_ack_limit", "1000000" },
	/* Linux holds the fourth of a row of SACKs for a moment: a step may be shorter. */
	{ "ipv4/tcp_comp_sack_nr", "0" },
};

/* A difference, by its key. */
struct kind {
	char key[128];
	unsigned int count;
	uint64_t number; /* the first that showed it */
};

struct options {
	uint64_t seed, count, first, only, keep;
	unsigned int width, stop;
	unsigned long long open_ppm; /* sequences of a million that may differ unexplained */
	bool has_only, triage, verbose;
	const char *self, *kernel, *stack;
};

/* A sequence that differed, played again. */
struct suspect {
	uint64_t number;
	unsigned int shown;
};

struct run {
	const struct options *opt;
	struct rd_world *world;
	uint64_t begun, done, timing;
	uint64_t allowed[64];
	struct kind kinds[KINDS_MAX];
	unsigned int kind_count;
	uint64_t failed;
	struct suspect *suspects; /* room for all */
	uint64_t suspect_count;
	uint64_t again; /* tries of suspects begun */
};

/* --- sequences ------------------------------------------------------------------------------- */

static bool
next_sequence(void *ctx, struct rd_pair *p)
{
	struct run *r = ctx;
	uint64_t number = r->opt->first + r->begun;

	if (r->begun == r->opt->count || r->suspect_count >= r->opt->stop)
		return false;
	r->begun++;
	rd_generate(&p->script, r->opt->seed, number);
	p->keep = r->opt->keep;
	return true;
}

static void
note_difference(struct run *r, const struct rd_pair *p)
{
	unsigned int i;

	for (i = 0; i < r->kind_count && strcmp(r->kinds[i].key, p->diff.key) != 0; i++)
		;
	if (i == KINDS_MAX)
		return;
	if (i == r->kind_count) {
		r->kind_count++;
		r->kinds[i].number = p->script.number;
		memcpy(r->kinds[i].key, p->diff.key, sizeof(r->kinds[i].key));
	}
	r->kinds[i].count++;
}

static void
sequence_done(void *ctx, struct rd_pair *p)
{
	struct run *r = ctx;

	r->done++;
	r->timing += p->timing;
	for (unsigned int i = 0; i < rd_allow_count; i++)
		r->allowed[i] += p->allowed >> i & 1;
	if (r->opt->has_only || r->opt->verbose)
		rd_print(p, stdout);
	if (p->diff.what == RD_SAME)
		return;
	if (r->opt->has_only) {
		r->failed++;
		return;
	}
	r->suspects[r->suspect_count++].number = p->script.number;
}

/* --- once more -------------------------------------------------------------------------------- */

/* The kernel's time is real: what a busy machine made differ does not differ again. */
static bool
next_suspect(void *ctx, struct rd_pair *p)
{
	struct run *r = ctx;

	if (r->again == TRIES * r->suspect_count)
		return false;
	rd_generate(&p->script, r->opt->seed, r->suspects[r->again++ / TRIES].number);
	p->keep = r->opt->keep;
	return true;
}

static void
suspect_done(void *ctx, struct rd_pair *p)
{
	struct run *r = ctx;
	struct suspect *s = r->suspects;

	if (p->diff.what == RD_SAME)
		return;
	while (s->number != p->script.number)
		s++;
	if (++s->shown != TRIES_SHOWN)
		return;
	r->failed++;
	note_difference(r, p);
}

/* --- reports --------------------------------------------------------------------------------- */

static bool
next_again(void *ctx, struct rd_pair *p)
{
	struct rd_pair *model = ctx;

	if (model->timing)
		return false;
	model->timing = true;
	p->script = model->script;
	p->keep = model->keep;
	return true;
}

static void
print_again(void *ctx, struct rd_pair *p)
{
	struct rd_pair *model = ctx;

	model->diff = p->diff;
	rd_print(p, stdout);
}

static void
print_steps(uint64_t keep)
{
	const char *sep = "";

	for (unsigned int k = 0; k < RD_STEPS_MAX; k++) {
		if (!(keep >> k & 1))
			continue;
		printf("%s%u", sep, k);
		sep = ",";
	}
}

/* Shrink one of a kind, and show it. */
static void
report(struct run *r, const struct kind *kind)
{
	struct rd_pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	rd_generate(&p->script, r->opt->seed, kind->number);
	memcpy(p->diff.key, kind->key, sizeof(kind->key));
	p->diff.step = p->script.count - 1;
	p->keep = (2ull << p->diff.step) - 1;
	printf("\n%u times: %s\n", kind->count, kind->key);
	if (rd_repeat(r->world, p, TRIES) == 0) {
		printf("    sequence %llu: not again in %u tries\n",
			(unsigned long long)kind->number, TRIES);
		free(p);
		return;
	}
	p->keep = rd_shrink(r->world, p);
	printf("    %s --seed %llu --only %llu --steps ", r->opt->self,
		(unsigned long long)r->opt->seed, (unsigned long long)kind->number);
	print_steps(p->keep);
	printf(" %s %s\n", r->opt->kernel, r->opt->stack);
	p->timing = false;
	rd_wave(r->world, 1, next_again, print_again, p);
	fflush(stdout);
	free(p);
}

static int
by_count(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

/* Too many differences, or, of many sequences, an entry that explains nothing. */
static int
verdict(const struct run *r)
{
	int bad = r->failed * 1000000 > r->opt->open_ppm * r->done;

	for (unsigned int i = 0; r->done >= UNUSED_AFTER && i < rd_allow_count; i++)
		if (r->allowed[i] == 0) {
			printf("nothing is explained by '%s': it has to go\n",
				rd_allow_list[i].name);
			bad = 1;
		}
	return bad;
}

static int
summary(struct run *r)
{
	for (unsigned int i = 0; i < rd_allow_count; i++)
		printf("%8llu %s\n", (unsigned long long)r->allowed[i], rd_allow_list[i].name);
	printf("%llu sequences, %llu cut short by a timer near a step, %llu differed once, "
		"%llu again, in %u kinds\n",
		(unsigned long long)r->done, (unsigned long long)r->timing,
		(unsigned long long)r->suspect_count, (unsigned long long)r->failed,
		r->kind_count);
	qsort(r->kinds, r->kind_count, sizeof(r->kinds[0]), by_count);
	if (r->opt->triage) {
		for (unsigned int i = 0; i < r->kind_count; i++)
			printf("%6u %8llu %s\n", r->kinds[i].count,
				(unsigned long long)r->kinds[i].number, r->kinds[i].key);
		return verdict(r);
	}
	if (verdict(r) == 0 || r->opt->has_only)
		return r->failed * 1000000 > r->opt->open_ppm * r->done;
	for (unsigned int i = 0; i < r->kind_count && i < REPORTS_MAX; i++)
		report(r, &r->kinds[i]);
	return 1;
}

/* --- start ----------------------------------------------------------------------------------- */

static void
load(const char *so, void (**init)(const char *flags, struct packetdrill_interface *to))
{
	void *lib = dlopen(so, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *sym;

	sym = lib == NULL ? NULL : dlsym(lib, "packetdrill_interface_init");
	if (sym == NULL) {
		fprintf(stderr, "%s: %s\n", so, dlerror());
		exit(1);
	}
	memcpy(init, &sym, sizeof(*init));
}

static void
set_sysctls(void)
{
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/sys/net/%s", sysctls[i][0]);
		f = fopen(path, "w");
		if (f == NULL || fputs(sysctls[i][1], f) < 0 || fclose(f) != 0) {
			printf("SKIP: %s: %s\n", path, strerror(errno));
			exit(SKIPPED);
		}
	}
}

static uint64_t
parse_steps(const char *text)
{
	uint64_t keep = 0;
	char *end;

	for (; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		unsigned long k = strtoul(text, &end, 10);

		if (end == text || k >= RD_STEPS_MAX)
			return 0;
		keep |= 1ull << k;
	}
	return keep;
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "only", required_argument, NULL, 'o' },
		{ "steps", required_argument, NULL, 'k' },
		{ "width", required_argument, NULL, 'w' },
		{ "stop", required_argument, NULL, 'x' },
		{ "open-ppm", required_argument, NULL, 'p' },
		{ "triage", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		unsigned long long v = optarg == NULL ? 0 : strtoull(optarg, NULL, 10);

		o->seed = c == 's' ? v : o->seed;
		o->count = c == 'n' ? v : o->count;
		o->first = c == 'f' ? v : o->first;
		o->width = c == 'w' ? (unsigned int)v : o->width;
		o->stop = c == 'x' ? (unsigned int)v : o->stop;
		o->open_ppm = c == 'p' ? v : o->open_ppm;
		o->triage |= c == 't';
		o->verbose |= c == 'v';
		if (c == 'o') {
			o->has_only = true;
			o->first = v;
			o->count = 1;
		}
		if (c == 'k')
			o->keep = parse_steps(optarg);
		if (c == '?')
			exit(2);
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: random_differ [--seed S] [--count N] [--first N] "
			"[--only N [--steps LIST]] [--width N] [--stop N] "
			"[--open-ppm N] [--triage] KERNEL STACK\n");
		exit(2);
	}
	o->self = argv[0];
	o->kernel = argv[optind];
	o->stack = argv[optind + 1];
}

int
main(int argc, char **argv)
{
	struct options opt = { .seed = 1, .count = 300, .width = 300, .stop = KINDS_MAX,
		.keep = UINT64_MAX };
	const struct rlimit files = { 8192, 8192 };
	void (*init)(const char *flags, struct packetdrill_interface *to);
	static struct rd_world world;
	static struct run run;

	parse_options(argc, argv, &opt);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	if (unshare(CLONE_NEWNET) != 0) {
		printf("SKIP: no network namespace of our own: %s\n", strerror(errno));
		return SKIPPED;
	}
	set_sysctls();
	load(opt.kernel, &init);
	init("mtu=1500 direct", &world.kernel);
	load(opt.stack, &world.init);
	run.opt = &opt;
	run.world = &world;
	run.suspects = calloc(opt.count, sizeof(*run.suspects));
	if (run.suspects == NULL)
		return 1;
	rd_wave(&world, opt.width, next_sequence, sequence_done, &run);
	rd_wave(&world, opt.width, next_suspect, suspect_done, &run);
	return summary(&run);
}
