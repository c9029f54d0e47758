/* SPDX-License-Identifier: BSD-3-Clause */
/* The program "script": plays the files it is given, each in a process of its own. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script/script.h"

static int
play_one(const char *path, const struct script_opts *opts)
{
	struct script s;
	int rc;

	if (script_load(&s, path) != 0)
		return 1;
	rc = script_run(&s, opts);
	script_free(&s);
	return rc;
}

/* A failure aborts its process; the others go on. */
static int
play_apart(const char *path, const struct script_opts *opts)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (pid == 0)
		exit(play_one(path, opts));
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int
usage(FILE *to)
{
	fprintf(to, "usage: script [--ip6] [--seed N] [-v] FILE...\n"
		    "Plays scripts of TCP segments against the stack on a virtual clock.\n"
		    "  --ip6     over IPv6\n"
		    "  --seed N  of the stack's randomness (default 1)\n"
		    "  -v        print every packet\n");
	return to == stdout ? 0 : 2;
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "ip6", no_argument, NULL, '6' },
		{ "seed", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct script_opts opts = { .seed = 1 };
	int c, failed = 0;

	while ((c = getopt_long(argc, argv, "6s:vh", longopts, NULL)) != -1) {
		if (c == '6')
			opts.ip6 = true;
		else if (c == 's')
			opts.seed = strtoull(optarg, NULL, 0);
		else if (c == 'v')
			opts.verbose = true;
		else
			return usage(c == 'h' ? stdout : stderr);
	}
	if (optind >= argc)
		return usage(stderr);
	if (argc - optind == 1)
		return play_one(argv[optind], &opts);
	for (int i = optind; i < argc; i++) {
		int rc = play_apart(argv[i], &opts);

		printf("%s %s\n",
			rc == 0                ? "ok  "
			: rc == SCRIPT_SKIPPED ? "skip"
					       : "FAIL",
			argv[i]);
		failed += rc != 0 && rc != SCRIPT_SKIPPED;
	}
	printf("%d of %d scripts failed\n", failed, argc - optind);
	return failed == 0 ? 0 : 1;
}
