/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of reading the configuration again: what differs, what is taken over, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>

#include "ctl/reload.h"
#include "lib/fake_backend.h"

/* What the made-up daemon was started with. */
#define PORTS "ports: {wan0: {addresses: [192.0.2.1/24, '2001:db8::1/64'], gateway: 192.0.2.254}}\n"
#define SERVICES "services: {echo: {port: 7}, http: {port: 80, root: /srv/www}}\n"
#define SAME "workers: 2\n" PORTS SERVICES

static struct fake_backend fake;
static struct ctl_reload reload;
static char path[] = "/tmp/sluice-reload-XXXXXX";

static int
begin(void **state)
{
	(void)state;
	fake_backend_init(&fake);
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	close(mkstemp(path));
	fake.backend.config_path = path;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unlink(path);
	fake_backend_fini(&fake);
	return 0;
}

/* Reload with this in the file; the rows of what differs as "key from to applies", in one text. */
static const char *
run(const char *text, bool is_dry, int want)
{
	static char said[4096];
	FILE *file = fopen(path, "w");
	size_t used = 0, i;
	json_t *row;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(ctl_reload(&fake.backend, is_dry, &reload), want);
	said[0] = '\0';
	json_array_foreach(reload.changes, i, row)
	{
		char *from = json_dumps(json_object_get(row, "from"), JSON_ENCODE_ANY);
		char *to = json_dumps(json_object_get(row, "to"), JSON_ENCODE_ANY);

		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s %s %s %s;",
			json_string_value(json_object_get(row, "key")), from, to,
			json_string_value(json_object_get(row, "applies")));
		free(from);
		free(to);
	}
	json_decref(reload.changes);
	fake_backend_turn(&fake);
	mail_collect(&fake.hub);
	return said;
}

static void
the_same_file_differs_in_nothing(void **state)
{
	(void)state;
	assert_string_equal(run(SAME, false, 0), "");
	assert_string_equal(run("# a comment\n" SAME, true, 0), "");
}

static void
tunables_and_the_drain_time_change_at_once(void **state)
{
	static const char text[] = SAME
		"tunables: {tcp_sack: off, tcp_rmem: [4096, 8192, 1Mi]}\n"
		"drain_timeout: 5s\n";
	static const char rows[] =
		"drain_timeout 30 5 now;"
		"tunables.tcp_sack \"1\" \"0\" now;"
		"tunables.tcp_rmem \"4096 131072 6291456\" \"4096 8192 1048576\" now;";

	(void)state;
	assert_string_equal(run(text, true, 0), rows);
	assert_int_equal(fake.worker_tunables[1].tcp_sack, 1);
	assert_int_equal(fake.conf.drain_timeout_s, 30);
	assert_string_equal(run(text, false, 0), rows);
	assert_int_equal(fake.tunables.tcp_sack, 0);
	assert_int_equal(fake.worker_tunables[0].tcp_sack, 0);
	assert_int_equal(fake.worker_tunables[1].tcp_rmem[2], 1048576);
	assert_int_equal(fake.conf.drain_timeout_s, 5);
	assert_string_equal(run(text, false, 0), "");
}

/* The file says how it shall be: what was set by hand meanwhile is set back. */
static void
what_was_set_by_hand_differs_too(void **state)
{
	(void)state;
	fake.tunables.somaxconn = 9;
	assert_string_equal(run(SAME, false, 0), "tunables.somaxconn \"9\" \"4096\" now;");
	assert_int_equal(fake.tunables.somaxconn, 4096);
}

static void
what_needs_a_restart_is_refused_as_a_whole(void **state)
{
	static const char text[] = "workers: 3\n" PORTS
				   "services: {echo: {port: 8}, web: {type: http, port: 80}}\n"
				   "tunables: {tcp_sack: off}\n";
	const char *rows;

	(void)state;
	rows = run(text, true, 0);
	assert_non_null(strstr(rows, "workers 2 3 restart;"));
	assert_non_null(strstr(rows, "services.echo.port 7 8 restart;"));
	assert_non_null(strstr(rows, "services.http {"));
	assert_non_null(strstr(rows, "services.web null {"));
	assert_non_null(strstr(rows, "tunables.tcp_sack \"1\" \"0\" now;"));
	assert_int_equal(reload.restarts, 4);
	run(text, false, -EPERM);
	assert_non_null(strstr(reload.err, "restart"));
	assert_non_null(strstr(reload.err, " workers"));
	assert_non_null(strstr(reload.err, " services.echo.port"));
	assert_null(strstr(reload.err, "tcp_sack"));
	assert_int_equal(fake.tunables.tcp_sack, 1);
	assert_int_equal(fake.worker_tunables[0].tcp_sack, 1);
}

static void
an_error_in_the_file_changes_nothing(void **state)
{
	(void)state;
	run(SAME "tunables:\n  tcp_sack: off\n  tcp_sak: off\n  x: 1\n", false, -EINVAL);
	assert_non_null(strstr(reload.err, ":6:3: "));
	assert_non_null(strstr(reload.err, "tcp_sack"));
	assert_non_null(strstr(reload.err, "and more"));
	run(SAME "tunables: {tcp_sak: off}\n", true, -EINVAL);
	assert_null(strstr(reload.err, "and more"));
	assert_int_equal(fake.tunables.tcp_sack, 1);
	fake.backend.config_path = "/nonexistent/sluice.yaml";
	assert_int_equal(ctl_reload(&fake.backend, false, &reload), -EINVAL);
	assert_non_null(strstr(reload.err, "/nonexistent/sluice.yaml"));
	json_decref(reload.changes);
}

static void
another_secret_differs_and_is_not_shown(void **state)
{
	const char *rows;

	(void)state;
	run(SAME "tunables: {tcp_fastopen_key: 1-2-3-4}\n", false, 0);
	rows = run(SAME "tunables: {tcp_fastopen_key: 1-2-3-5}\n", false, 0);
	assert_string_equal(rows, "tunables.tcp_fastopen_key \"set\" \"set\" now;");
	assert_string_equal(run(SAME "tunables: {tcp_fastopen_key: 1-2-3-5}\n", false, 0), "");
}

static void
workers_that_do_not_listen_keep_all_as_it_was(void **state)
{
	static const char text[] = SAME "tunables: {tcp_sack: off}\n";
	unsigned int i;

	(void)state;
	fake.workers_asleep = true;
	for (i = 0; i < MAIL_ORDERS_MAX; i++)
		assert_int_equal(mail_order_all(&fake.hub, CTL_SET_TUNABLES, &fake.tunables), 0);
	run(text, false, -EAGAIN);
	assert_int_equal(fake.tunables.tcp_sack, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_file_differs_in_nothing),
		TEST(tunables_and_the_drain_time_change_at_once),
		TEST(what_was_set_by_hand_differs_too),
		TEST(what_needs_a_restart_is_refused_as_a_whole),
		TEST(an_error_in_the_file_changes_nothing),
		TEST(another_secret_differs_and_is_not_shown),
		TEST(workers_that_do_not_listen_keep_all_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
