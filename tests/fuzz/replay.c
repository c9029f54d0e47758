/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target without libFuzzer: over its corpus, then over inputs made from it.
 * Input number i depends on the seed, i and the corpus alone; when one ends the program
 * it is written to a file and the command that repeats it is printed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/rng.h"
#include "fuzz/fuzz.h"
#include "lib/exact.h"

/* Longest input made up; files of the corpus run whole whatever their length. */
#define INPUT_LEN_MAX 1024
/* Mutations of one input. */
#define MUTATIONS_MAX 8
/* An input that takes longer than one to two of these hangs. */
#define WATCH_S 10

struct input {
	uint8_t *data;
	size_t len;
	char *path;
};

struct corpus {
	struct input *inputs;
	size_t count;
};

/* What the signal handler tells: the only state outside main(). */
static struct {
	const char *program;
	const char *path; /* of the corpus's file running, or NULL: a made-up input */
	char **paths; /* arguments naming the corpus */
	const uint8_t *data;
	size_t len;
	uint64_t seed;
	uint64_t number; /* of the made-up input */
	uint64_t started; /* inputs ever */
	uint64_t started_seen; /* started when the watch last looked */
} running;

static void
die(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", running.program, path, what);
	exit(2);
}

/* Writes the input that failed next to where the program runs; says so and how to repeat it. */
static void
report(const char *why)
{
	const char *slash = strrchr(running.program, '/');
	char file[256];
	int fd;

	if (running.path != NULL) {
		fprintf(stderr, "%s. Repeat: '%s' --runs 0 '%s'\n", why, running.program,
			running.path);
		return;
	}
	snprintf(file, sizeof(file), "crash-%s-%" PRIu64 "-%" PRIu64,
		slash == NULL ? running.program : slash + 1, running.seed, running.number);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, running.data, running.len) != (ssize_t)running.len)
		fprintf(stderr, "could not write %s\n", file);
	if (fd >= 0)
		close(fd);
	fprintf(stderr, "%s. Input of %zu bytes: %s\n", why, running.len, file);
	fprintf(stderr, "Repeat: '%s' --seed %" PRIu64 " --only %" PRIu64, running.program,
		running.seed, running.number);
	for (char **path = running.paths; *path != NULL; path++)
		fprintf(stderr, " '%s'", *path);
	fprintf(stderr, "\n");
}

/* The program is lost when this runs, so that what is not safe in a handler does no more harm. */
static void
on_crash(int signal_number)
{
	signal(signal_number, SIG_DFL);
	report(strsignal(signal_number));
	raise(signal_number);
}

static void
on_watch(int signal_number)
{
	(void)signal_number;
	if (running.started == running.started_seen) {
		report("No progress");
		_exit(1);
	}
	running.started_seen = running.started;
	alarm(WATCH_S);
}

static void
catch_signals(void)
{
	static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP };

	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], on_crash);
	signal(SIGALRM, on_watch);
	alarm(WATCH_S);
}

/* Like libFuzzer, hands the target a heap buffer of exact size. */
static void
run_input(const uint8_t *data, size_t len)
{
	uint8_t *exact = exact_copy(data, len);

	running.data = data;
	running.len = len;
	running.started++;
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void
add_file(struct corpus *corpus, const char *path)
{
	struct input input = { .path = strdup(path) };
	struct stat st;
	FILE *file = fopen(path, "rb");

	if (file == NULL || fstat(fileno(file), &st) != 0)
		die(strerror(errno), path);
	input.len = (size_t)st.st_size;
	input.data = malloc(input.len + 1);
	corpus->inputs = realloc(corpus->inputs, (corpus->count + 1) * sizeof(input));
	if (input.data == NULL || input.path == NULL || corpus->inputs == NULL)
		die("out of memory", path);
	if (fread(input.data, 1, input.len, file) != input.len)
		die("cannot be read", path);
	fclose(file);
	corpus->inputs[corpus->count++] = input;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Adds a file, or the files of a directory in the order of their names. */
static void
add_path(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	struct stat st;
	int count;

	if (stat(path, &st) != 0)
		die(strerror(errno), path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(corpus, path);
		return;
	}
	count = scandir(path, &entries, is_visible, alphasort);
	if (count < 0)
		die(strerror(errno), path);
	for (int i = 0; i < count; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		add_file(corpus, file);
		free(entries[i]);
	}
	free(entries);
}

static void
free_corpus(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->inputs[i].data);
		free(corpus->inputs[i].path);
	}
	free(corpus->inputs);
}

static size_t
random_bytes(struct rng *rng, uint8_t *buf)
{
	/* Short ones are where the edges are. */
	size_t len = rng_below(rng, 1 + rng_below(rng, INPUT_LEN_MAX + 1));

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)rng_u32(rng);
	return len;
}

/* Copies the end of some input of the corpus over the end of buf, from a place of its own. */
static size_t
splice_end(struct rng *rng, const struct corpus *corpus, uint8_t *buf, size_t len)
{
	const struct input *other = &corpus->inputs[rng_below(rng, (uint32_t)corpus->count)];
	size_t at = rng_below(rng, (uint32_t)len + 1);
	size_t from = rng_below(rng, (uint32_t)other->len + 1);
	size_t count = min_size(other->len - from, INPUT_LEN_MAX - at);

	memcpy(buf + at, other->data + from, count);
	return at + count;
}

/* Changes bytes in place: a bit, a byte, or two or four to values at the edge of something. */
static void
change(struct rng *rng, uint8_t *buf, size_t len)
{
	static const uint32_t edges[] = { 0, 1, 2, 4, 5, 7, 8, 20, 40, 60, 0x7f, 0x80, 0xff, 0x100,
		0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	uint32_t edge = edges[rng_below(rng, ARRAY_SIZE(edges))];
	size_t at = rng_below(rng, (uint32_t)len);

	switch (rng_below(rng, 4)) {
	case 0:
		buf[at] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 1:
		buf[at] = rng_below(rng, 2) ? (uint8_t)edge : (uint8_t)rng_u32(rng);
		break;
	case 2:
		if (len - at >= 2)
			store_be16(buf + at, (uint16_t)edge);
		break;
	default:
		if (len - at >= 4)
			store_be32(buf + at, edge);
	}
}

/* Makes buf longer or shorter by a few bytes somewhere, or cuts it; returns the new length. */
static size_t
resize(struct rng *rng, uint8_t *buf, size_t len)
{
	size_t at = rng_below(rng, (uint32_t)len + 1);
	size_t count = 1 + rng_below(rng, 16);

	switch (rng_below(rng, 3)) {
	case 0:
		return at;
	case 1:
		count = min_size(count, len - at);
		memmove(buf + at, buf + at + count, len - at - count);
		return len - count;
	default:
		count = min_size(count, INPUT_LEN_MAX - len);
		memmove(buf + at + count, buf + at, len - at);
		for (size_t i = 0; i < count; i++)
			buf[at + i] = (uint8_t)rng_u32(rng);
		return len + count;
	}
}

/* Makes an input in buf from rng alone and the corpus; returns its length. */
static size_t
make_input(struct rng *rng, const struct corpus *corpus, uint8_t *buf)
{
	size_t len;
	uint32_t mutations;

	if (corpus->count == 0 || rng_below(rng, 8) == 0)
		return random_bytes(rng, buf);
	len = splice_end(rng, corpus, buf, 0);
	if (rng_below(rng, 4) != 0) {
		const struct input *whole =
			&corpus->inputs[rng_below(rng, (uint32_t)corpus->count)];

		len = min_size(whole->len, INPUT_LEN_MAX);
		memcpy(buf, whole->data, len);
	}
	mutations = 1 + rng_below(rng, MUTATIONS_MAX);
	for (uint32_t i = 0; i < mutations; i++) {
		uint32_t kind = rng_below(rng, 8);

		if (kind == 0)
			len = splice_end(rng, corpus, buf, len);
		else if (kind == 1)
			len = resize(rng, buf, len);
		else if (len > 0)
			change(rng, buf, len);
	}
	return len;
}

static void
run_made_up(const struct corpus *corpus, uint64_t number)
{
	uint8_t buf[INPUT_LEN_MAX];
	struct rng rng;
	size_t len;

	rng_seed(&rng, running.seed * 0x9e3779b97f4a7c15ULL + number);
	running.number = number;
	len = make_input(&rng, corpus, buf);
	run_input(buf, len);
}

static uint64_t
number_argument(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		die("not a number", text);
	return value;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "only", required_argument, NULL, 'o' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct corpus corpus = { 0 };
	uint64_t first = 0;
	uint64_t runs = 20000;
	bool only = false;
	int option;

	running.program = argv[0];
	running.seed = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'o') {
			only = true;
			first = number_argument(optarg);
			runs = 1;
		} else if (option == 'r') {
			runs = number_argument(optarg);
		} else if (option == 's') {
			running.seed = number_argument(optarg);
		} else {
			fprintf(stderr, "usage: %s [--seed S] [--runs N | --only I] corpus...\n",
				argv[0]);
			return 2;
		}
	}
	running.paths = argv + optind;
	for (char **path = running.paths; *path != NULL; path++)
		add_path(&corpus, *path);
	catch_signals();
	/* Each input makes a world and frees it: the memory is kept, not given to the system. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	for (size_t i = 0; i < corpus.count && !only; i++) {
		running.path = corpus.inputs[i].path;
		run_input(corpus.inputs[i].data, corpus.inputs[i].len);
	}
	running.path = NULL;
	for (uint64_t i = 0; i < runs; i++)
		run_made_up(&corpus, first + i);
	printf("%zu files and %" PRIu64 " inputs of seed %" PRIu64 "\n", only ? 0 : corpus.count,
		runs, running.seed);
	free_corpus(&corpus);
	return 0;
}
