/* SPDX-License-Identifier: BSD-3-Clause */
/* A run in a process of its own, and what is to be known of its failure. */
#include "sim/child.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fail.h"

SLUICE_NORETURN static void
play_here(void (*play)(const void *arg), const void *arg, const int fds[2])
{
	const struct rlimit no_core = { 0, 0 };
	int null = open("/dev/null", O_WRONLY);

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)dup2(fds[1], STDERR_FILENO);
	(void)close(fds[0]);
	(void)close(fds[1]);
	if (null >= 0)
		(void)dup2(null, STDOUT_FILENO);
	play(arg);
	_exit(0);
}

bool
child_plays(void (*play)(const void *arg), const void *arg, char *said, size_t cap)
{
	size_t len = 0;
	int fds[2], status;
	char rest[4096];
	ssize_t n;
	pid_t pid;

	CHECK(pipe(fds) == 0, "pipe");
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0, "fork");
	if (pid == 0)
		play_here(play, arg, fds);
	(void)close(fds[1]);
	while (len + 1 < cap && (n = read(fds[0], said + len, cap - len - 1)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	while (read(fds[0], rest, sizeof(rest)) > 0)
		;
	(void)close(fds[0]);
	CHECK(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Words with digits in them are of this run only. */
static void
take_words(const char *line, size_t len, struct failure *f)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t word = strcspn(line + i, " \n");
		bool digits = false;

		for (size_t k = 0; k < word; k++)
			digits |= isdigit((unsigned char)line[i + k]) != 0;
		if (!digits && n + word + 2 < sizeof(f->what)) {
			memcpy(f->what + n, line + i, word);
			n += word;
			f->what[n++] = ' ';
		}
		i += word + 1;
	}
	f->what[n] = '\0';
}

void
failure_parse(const char *said, struct failure *f)
{
	static const char whose[] = ", node ";
	const char *context = strstr(said, "\nscenario ");
	size_t len;

	memset(f, 0, sizeof(*f));
	said += strspn(said, "=\n");
	len = strcspn(said, "\n");
	/* An assertion of the engine is known by its file and line. */
	if (strncmp(said, "I-", 2) == 0 || strstr(said, ": assertion failed: ") != NULL)
		(void)snprintf(f->what, sizeof(f->what), "%.*s",
			(int)min_size(said[0] == 'I' ? strcspn(said, ":") : len, 119), said);
	else
		take_words(said, len, f);
	f->node = -1;
	if (context == NULL)
		return;
	context = strstr(context, whose);
	if (context != NULL)
		f->node = (int)strtol(context + sizeof(whose) - 1, NULL, 10);
}

bool
failure_is_same(const struct failure *a, const struct failure *b)
{
	return a->node == b->node && strcmp(a->what, b->what) == 0;
}
