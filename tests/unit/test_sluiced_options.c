/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the daemon's command line and of sluiced --check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"
#include "options.h"

static const struct {
	const char *argv[6];
	int code; /* 0, or something else */
	enum sluiced_mode mode;
	const char *path;
} rows[] = {
	{ { "sluiced", "-c", "f" }, 0, SLUICED_RUN, "f" },
	{ { "sluiced", "--config", "f" }, 0, SLUICED_RUN, "f" },
	{ { "sluiced", "--config=f" }, 0, SLUICED_RUN, "f" },
	{ { "sluiced", "--check", "f" }, 0, SLUICED_CHECK, "f" },
	{ { "sluiced", "-t", "f" }, 0, SLUICED_CHECK, "f" },
	{ { "sluiced", "--help" }, 0, SLUICED_HELP, NULL },
	{ { "sluiced", "-V" }, 0, SLUICED_VERSION, NULL },
	{ { "sluiced" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-c" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "f" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-c", "f", "g" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-c", "f", "-tg" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "--nope" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-c", "f", "--test-secret", "s" }, 0, SLUICED_RUN, "f" },
	{ { "sluiced", "--test-secret", "s" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-tf", "--test-secret", "s" }, -1, SLUICED_RUN, NULL },
	{ { "sluiced", "-c", "f", "--test-secret" }, -1, SLUICED_RUN, NULL },
};

static void
one_file_and_one_mode_are_what_it_takes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sluiced_options got;
		char *argv[7] = { NULL };
		int argc;
		FILE *err = tmpfile();

		assert_non_null(err);
		for (argc = 0; rows[i].argv[argc] != NULL; argc++) {
			argv[argc] = strdup(rows[i].argv[argc]);
			assert_non_null(argv[argc]);
		}
		if ((sluiced_options_parse(argc, argv, &got, err) == 0) != (rows[i].code == 0))
			fail_msg("row %zu", i);
		if (rows[i].code == 0) {
			assert_int_equal(got.mode, rows[i].mode);
			assert_true((got.config_path == NULL) == (rows[i].path == NULL));
			if (rows[i].path != NULL)
				assert_string_equal(got.config_path, rows[i].path);
		} else {
			assert_true(ftell(err) > 0);
		}
		fclose(err);
		while (argc > 0)
			free(argv[--argc]);
	}
}

/* Writes text to a file, checks it, returns the exit code and what was printed. */
static int
check(const char *text, char *out, size_t out_len)
{
	char path[] = "/tmp/sluice-check-XXXXXX";
	int fd = mkstemp(path);
	FILE *file;
	int code;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	file = fmemopen(out, out_len, "w");
	assert_non_null(file);
	code = sluiced_check(path, NULL, file);
	fclose(file);
	unlink(path);
	return code;
}

static void
check_exits_0_only_without_errors(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(check("ports: {a: {addresses: 192.0.2.1/24}}\nservices: {x: {port: 1}}\n",
				 out, sizeof(out)),
		SLUICED_EXIT_OK);
	assert_non_null(strstr(out, ": good\n"));
	assert_int_equal(check("worker: 1\n", out, sizeof(out)), SLUICED_EXIT_FAILED);
	assert_non_null(strstr(out, ":1:1: error: unknown key 'worker'"));
	assert_non_null(strstr(out, "\n1 error, 0 warnings\n"));
}

static void
check_warns_about_what_this_machine_lacks(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(check("ports:\n"
			       "  a: {type: af_packet, iface: nosuch0, addresses: 192.0.2.1/24}\n"
			       "services: {x: {port: 1, root: /nonexistent/root}}\n"
			       "control: {group: nosuchgroup}\n",
				 out, sizeof(out)),
		SLUICED_EXIT_OK);
	assert_non_null(strstr(out, "no interface 'nosuch0'"));
	assert_non_null(strstr(out, "/nonexistent/root"));
	assert_non_null(strstr(out, "no group 'nosuchgroup'"));
	assert_non_null(strstr(out, "\n0 errors, 3 warnings\n"));
}

static void
reading_for_running_gives_a_config_or_nothing(void **state)
{
	struct config *conf;
	FILE *err = tmpfile();

	(void)state;
	assert_non_null(err);
	assert_true(sluiced_config("/nonexistent/f.yaml", NULL, &conf, err) < 0);
	assert_null(conf);
	assert_true(ftell(err) > 0);
	fclose(err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file_and_one_mode_are_what_it_takes),
		cmocka_unit_test(check_exits_0_only_without_errors),
		cmocka_unit_test(check_warns_about_what_this_machine_lacks),
		cmocka_unit_test(reading_for_running_gives_a_config_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
