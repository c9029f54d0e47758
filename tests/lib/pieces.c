/* SPDX-License-Identifier: BSD-3-Clause */
/* Hands out pieces to processes, and keeps the sums in a file that is whole at any time. */
#include "lib/pieces.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fail.h"

#define FAILURES_MAX 10
#define SAVE_EVERY_S 10

/* What a signal handler can tell. */
static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* One child and where it puts what it came to, in memory that both see. */
struct job {
	pid_t pid; /* 0: none */
	uint64_t sum[PIECES_SUMS];
};

/* --- the file ------------------------------------------------------------------------------- */

static bool
read_line(FILE *file, const char *name, uint64_t *value)
{
	char is[64];

	return fscanf(file, " %63s %" SCNu64, is, value) == 2 && strcmp(is, name) == 0;
}

static bool
load(struct pieces *p)
{
	FILE *file = p->path != NULL ? fopen(p->path, "r") : NULL;
	char what[200] = "";
	bool ok;

	if (file == NULL)
		return p->path == NULL || errno == ENOENT;
	ok = fgets(what, sizeof(what), file) != NULL;
	what[strcspn(what, "\n")] = '\0';
	ok = ok && strcmp(what, p->what) == 0 && read_line(file, "next", &p->next) &&
	     read_line(file, "failed", &p->failed);
	for (unsigned int i = 0; p->names[i] != NULL; i++)
		ok = ok && read_line(file, p->names[i], &p->sum[i]);
	(void)fclose(file);
	if (!ok)
		fprintf(stderr, "%s is not of \"%s\"\n", p->path, p->what);
	return ok;
}

static void
save(const struct pieces *p)
{
	char fresh[4096];
	FILE *file;

	p->tell(p);
	if (p->path == NULL)
		return;
	(void)snprintf(fresh, sizeof(fresh), "%s.new", p->path);
	file = fopen(fresh, "w");
	CHECK(file != NULL, "%s: %s", fresh, strerror(errno));
	fprintf(file, "%s\nnext %" PRIu64 "\nfailed %" PRIu64 "\n", p->what, p->next, p->failed);
	for (unsigned int i = 0; p->names[i] != NULL; i++)
		fprintf(file, "%s %" PRIu64 "\n", p->names[i], p->sum[i]);
	CHECK(fclose(file) == 0 && rename(fresh, p->path) == 0, "%s: %s", p->path, strerror(errno));
}

/* --- the children --------------------------------------------------------------------------- */

static void
begin(struct pieces *p, struct job *job)
{
	pid_t pid;

	memset(job, 0, sizeof(*job));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		p->play(p->ctx, p->next, job->sum);
		fflush(stdout);
		_exit(0);
	}
	job->pid = pid;
	p->next++;
}

/* Wait for one of them; returns 1 if it failed. */
static int
end(struct pieces *p, struct job *jobs)
{
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		return 0;
	for (unsigned int i = 0; i < p->jobs; i++) {
		if (jobs[i].pid != pid)
			continue;
		jobs[i].pid = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			for (unsigned int k = 0; k < PIECES_SUMS; k++)
				p->sum[k] += jobs[i].sum[k];
			return 0;
		}
		/* Interrupted with us, it has found nothing. */
		if (WIFSIGNALED(status) &&
			(WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
			return 0;
		p->failed++;
		return 1;
	}
	return 0;
}

static void
run_jobs(struct pieces *p, struct job *jobs, int *failed)
{
	uint64_t first = p->next;
	time_t saved = time(NULL);
	unsigned int running = 0;

	for (;;) {
		bool enough = p->sum[0] >= p->wanted && p->next - first >= p->pieces_min;

		for (unsigned int i = 0; i < p->jobs; i++) {
			if (jobs[i].pid != 0 || enough || interrupted || *failed >= FAILURES_MAX)
				continue;
			begin(p, &jobs[i]);
			running++;
			enough = p->wanted == 0 && p->next - first >= p->pieces_min;
		}
		if (running == 0)
			return;
		*failed += end(p, jobs);
		running = 0;
		for (unsigned int i = 0; i < p->jobs; i++)
			running += jobs[i].pid != 0;
		if (time(NULL) - saved < SAVE_EVERY_S)
			continue;
		saved = time(NULL);
		save(p);
	}
}

int
pieces_run(struct pieces *p)
{
	struct sigaction act = { .sa_handler = on_signal };
	size_t size = PIECES_JOBS_MAX * sizeof(struct job);
	struct job *jobs;
	int failed = 0;

	CHECK(p->jobs > 0 && p->jobs <= PIECES_JOBS_MAX, "%u jobs", p->jobs);
	if (!load(p))
		return -1;
	jobs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(jobs != MAP_FAILED, "mmap: %s", strerror(errno));
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	run_jobs(p, jobs, &failed);
	save(p);
	(void)munmap(jobs, size);
	return failed;
}
