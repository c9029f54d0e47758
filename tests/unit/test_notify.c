/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager is told, on a socket of its own, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "notify.h"

static struct notify n;
static int manager;

static int
begin(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64];
	int len;

	(void)state;
	len = snprintf(name, sizeof(name), "@sluice-notify-%ld", (long)getpid());
	memcpy(addr.sun_path + 1, name + 1, (size_t)len - 1);
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(manager, (const struct sockaddr *)&addr,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	notify_close(&n);
	close(manager);
	return 0;
}

/* What the manager was told last, "" if nothing. */
static const char *
heard(void)
{
	static char text[100];
	ssize_t len = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void
what_is_said_is_heard_and_the_name_is_not_passed_on(void **state)
{
	(void)state;
	notify_open(&n);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_say(&n, "READY=1\nSTATUS=serving");
	assert_string_equal(heard(), "READY=1\nSTATUS=serving");
	/* No sign of life that nobody asked for. */
	notify_alive(&n, 1000);
	assert_string_equal(heard(), "");
}

static void
signs_of_life_come_in_half_the_time(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "10000000", 1);
	notify_open(&n);
	notify_alive(&n, 100000);
	assert_string_equal(heard(), "WATCHDOG=1");
	notify_alive(&n, 104999);
	assert_string_equal(heard(), "");
	notify_alive(&n, 105000);
	assert_string_equal(heard(), "WATCHDOG=1");
}

static void
a_watchdog_of_another_process_is_not_ours(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "10000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open(&n);
	notify_alive(&n, 100000);
	assert_string_equal(heard(), "");
}

/* Neither fails: started by hand, or the manager is gone. */
static void
nobody_has_to_listen(void **state)
{
	static const char *const names[] = { "", "relative", "/nonexistent/socket" };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_open(&n);
		assert_int_equal(n.fd, -1);
		notify_say(&n, "READY=1");
		notify_close(&n);
	}
	unsetenv("NOTIFY_SOCKET");
	notify_open(&n);
	assert_int_equal(n.fd, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_said_is_heard_and_the_name_is_not_passed_on),
		TEST(signs_of_life_come_in_half_the_time),
		TEST(a_watchdog_of_another_process_is_not_ours),
		TEST(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
