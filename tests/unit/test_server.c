/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the control server over real sockets, with a clock of their own: promises C-03 to C-07.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/server.h"
#include "ctl/socket.h"
#include "lib/fake_backend.h"

static struct fake_backend fake;
static struct ctl_server *server;
static struct ctl_socket sock;
static char dir[64];

static int
begin(void **state)
{
	struct ctl_server_params par = { .backend = &fake.backend };
	char path[100], err[CTL_SOCKET_ERR_LEN];

	(void)state;
	fake_backend_init(&fake);
	snprintf(dir, sizeof(dir), "/tmp/sluice-server-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/c.sock", dir);
	if (ctl_socket_open(path, false, 0, &sock, err, sizeof(err)) != 0)
		return -1;
	par.listen_fd = sock.fd;
	par.rules.own_uid = geteuid();
	return ctl_server_create(&par, &server);
}

static int
end(void **state)
{
	char lock[128];

	(void)state;
	ctl_server_destroy(server);
	snprintf(lock, sizeof(lock), "%s.lock", sock.path);
	ctl_socket_close(&sock);
	unlink(lock);
	fake_backend_fini(&fake);
	return rmdir(dir);
}

/* Rounds of the server and the workers, until nothing is left to do. */
static void
rounds(unsigned int n)
{
	while (n-- > 0) {
		assert_int_equal(ctl_server_poll(server, 0), 0);
		fake_backend_turn(&fake);
	}
}

static void
later(uint64_t us)
{
	fake.now_us += us;
	rounds(2);
}

static int
dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(addr.sun_path, sock.path, strlen(sock.path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* What the server has sent by now, at most len - 1 bytes; -1: it has closed and nothing is left. */
static ssize_t
hear(int fd, char *text, size_t len)
{
	ssize_t n, used = 0;

	do {
		rounds(1);
		n = recv(fd, text + used, len - 1 - (size_t)used, MSG_DONTWAIT);
		if (n > 0)
			used += n;
	} while (n > 0 && (size_t)used < len - 1);
	text[used] = '\0';
	return used > 0 || n < 0 ? used : -1;
}

static int
dial_and_greet(void)
{
	char text[300];
	int fd = dial();

	rounds(2);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_ptr_equal(strstr(text, "{\"sluice\":\"0.0.0-test\",\"protocol\":1"), text);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool
is_closed(int fd)
{
	static char text[400000];

	rounds(2);
	while (hear(fd, text, sizeof(text)) > 0)
		;
	return recv(fd, text, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static unsigned int
count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
requests_are_answered_in_order(void **state)
{
	char text[4000];
	int fd = dial_and_greet();
	const char *first, *second;

	(void)state;
	say(fd, "{\"cmd\":\"show version\",\"id\":1}\n\n{\"cmd\":\"show listeners\",\"id\":2}\r\n"
		"{\"cmd\":\"nope\",\"id\":3}\n");
	rounds(8);
	hear(fd, text, sizeof(text));
	assert_int_equal(count_lines(text), 3);
	first = strstr(text, "\"id\":1");
	second = strstr(text, "\"id\":2");
	assert_non_null(first);
	assert_true(first < second);
	assert_true(second < strstr(text, "\"id\":3"));
	close(fd);
}

static void
a_clock_that_moves_during_a_round_ends_nobody(void **state)
{
	int fd = dial_and_greet();
	char text[400];

	(void)state;
	fake.tick_us = 1;
	say(fd, "{\"cmd\":\"show version\"}\n");
	rounds(3);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	say(fd, "{\"cmd\":\"show listeners\"}\n");
	rounds(3);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_int_equal(ctl_server_clients(server), 1);
	close(fd);
}

static void
a_request_may_come_byte_by_byte(void **state)
{
	static const char request[] = "{\"cmd\":\"show version\"}\n";
	char text[400], one[2] = "";
	int fd = dial_and_greet();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(request) - 1; i++) {
		one[0] = request[i];
		say(fd, one);
		rounds(1);
	}
	assert_true(hear(fd, text, sizeof(text)) > 0);
	close(fd);
}

static void
c03_a_line_without_end_is_refused_at_64_kib(void **state)
{
	static char junk[4096];
	char text[400];
	int fd = dial_and_greet();
	size_t sent = 0;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	while (sent < 10 * CTL_FRAME_MAX) {
		ssize_t n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		rounds(1);
	}
	assert_true(sent < 10 * CTL_FRAME_MAX);
	hear(fd, text, sizeof(text));
	assert_non_null(strstr(text, CTL_E_TOO_LONG));
	assert_true(is_closed(fd));
	close(fd);
}

static void
c03_the_longest_line_is_taken(void **state)
{
	static char line[CTL_FRAME_MAX + 1];
	char text[400] = "";
	int fd = dial_and_greet();
	size_t sent = 0;

	(void)state;
	memset(line, ' ', CTL_FRAME_MAX);
	memcpy(line, "{\"cmd\":\"show version\"}", 22);
	line[CTL_FRAME_MAX - 1] = '\n';
	while (sent < CTL_FRAME_MAX) {
		ssize_t n = send(fd, line + sent, CTL_FRAME_MAX - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		rounds(1);
	}
	hear(fd, text, sizeof(text));
	assert_non_null(strstr(text, "\"version\""));
	close(fd);
}

static void
c04_a_slow_request_ends_after_ten_seconds(void **state)
{
	char text[400];
	int fd = dial_and_greet();

	(void)state;
	say(fd, "{\"cmd\"");
	rounds(1);
	later(CTL_REQUEST_TIMEOUT_US);
	say(fd, ":");
	rounds(1);
	assert_false(is_closed(fd));
	later(1);
	hear(fd, text, sizeof(text));
	assert_non_null(strstr(text, CTL_E_TIMEOUT));
	assert_true(is_closed(fd));
	close(fd);
}

static void
c04_an_idle_client_ends_after_a_minute(void **state)
{
	int fd = dial_and_greet();

	(void)state;
	later(CTL_IDLE_TIMEOUT_US);
	assert_false(is_closed(fd));
	say(fd, "{\"cmd\":\"show version\"}\n");
	assert_false(is_closed(fd));
	later(CTL_IDLE_TIMEOUT_US);
	assert_false(is_closed(fd));
	later(1);
	assert_true(is_closed(fd));
	close(fd);
}

static void
c04_the_longest_idle_makes_room(void **state)
{
	int fds[CTL_CLIENTS_MAX + 1];
	unsigned int i;

	(void)state;
	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		fds[i] = dial_and_greet();
		say(fds[i], "{"); /* slow writers, all of them */
		fake.now_us += 1000;
	}
	say(fds[0], "\"cmd\":\"show version\"}\n");
	rounds(2);
	assert_int_equal(ctl_server_clients(server), CTL_CLIENTS_MAX);
	fds[CTL_CLIENTS_MAX] = dial_and_greet();
	assert_int_equal(ctl_server_clients(server), CTL_CLIENTS_MAX);
	assert_true(is_closed(fds[1]));
	assert_false(is_closed(fds[0]));
	assert_false(is_closed(fds[2]));
	for (i = 0; i <= CTL_CLIENTS_MAX; i++)
		close(fds[i]);
}

static void
c05_a_reader_that_stops_makes_nothing_grow(void **state)
{
	int fd = dial_and_greet();
	unsigned int i;

	(void)state;
	fake.conn_count = 1000000;
	say(fd, "{\"cmd\":\"show connections\"}\n");
	rounds(500);
	for (i = 0; i < 500; i++) {
		rounds(1);
		assert_true(ctl_server_queued(server) <= CTL_OUT_MAX);
	}
	assert_true(ctl_server_queued(server) > CTL_OUT_MAX / 2);
	later(CTL_STALL_TIMEOUT_US);
	assert_int_equal(ctl_server_clients(server), 1);
	later(1);
	assert_int_equal(ctl_server_clients(server), 0);
	assert_int_equal(ctl_server_queued(server), 0);
	close(fd);
}

static void
c05_a_slow_reader_gets_everything(void **state)
{
	static char text[200000];
	int fd = dial_and_greet();
	unsigned int lines = 0;
	unsigned int i;

	(void)state;
	fake.conn_count = 20000;
	say(fd, "{\"cmd\":\"show connections\"}\n");
	for (i = 0; i < 3000; i++) {
		ssize_t n;

		later(CTL_STALL_TIMEOUT_US / 2);
		n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
		assert_true(n != 0);
		if (n < 0)
			continue;
		text[n] = '\0';
		lines += count_lines(text);
		if (strstr(text, "\"more\":false") != NULL)
			break;
	}
	assert_true(lines >= 2 * 20000 / CTL_ROWS_MAX);
	assert_true(i < 3000);
	close(fd);
}

static void
c06_a_client_that_dies_leaves_nothing(void **state)
{
	static const char request[] =
		"{\"cmd\":\"show connections\"}\n{\"cmd\":\"show version\"}\n";
	size_t len, wait;

	(void)state;
	fake.conn_count = 5000;
	for (len = 0; len < sizeof(request); len++) {
		for (wait = 0; wait < 4; wait++) {
			int fd = dial();

			rounds(2);
			assert_int_equal(send(fd, request, len, MSG_NOSIGNAL), len);
			rounds((unsigned int)wait);
			close(fd);
			rounds(4);
			assert_int_equal(ctl_server_clients(server), 0);
		}
	}
	/* All messages are free again. */
	rounds(2);
	for (len = 0; len < MAIL_LISTINGS_MAX; len++)
		assert_non_null(mail_take(&fake.hub));
}

static void
c06_what_was_asked_before_the_end_is_still_done(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_sack\",\"value\":0}}\n");
	close(fd);
	rounds(4);
	assert_int_equal(fake.worker_tunables[0].tcp_sack, 0);
	assert_int_equal(ctl_server_clients(server), 0);
}

static void
a_client_may_close_its_side_and_read_on(void **state)
{
	char text[2000];
	int fd = dial();

	(void)state;
	say(fd, "{\"cmd\":\"show version\",\"id\":1}\n{\"cmd\":\"show "
		"listeners\",\"id\":2}\n{\"cm");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	rounds(8);
	hear(fd, text, sizeof(text));
	assert_int_equal(count_lines(text), 3);
	assert_non_null(strstr(text, "\"id\":2"));
	assert_true(is_closed(fd));
	close(fd);
}

static void
c07_without_descriptors_nothing_spins(void **state)
{
	struct rlimit old, tight;
	int fds[64], own[4], spare[3];
	unsigned int i, used = 0;
	char text[300];

	(void)state;
	for (i = 0; i < 4; i++)
		own[i] = dial();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	/* Use up every descriptor below a tight limit, but one. */
	tight = old;
	tight.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	while (used < 64 && (fds[used] = dup(0)) >= 0)
		used++;
	assert_true(used > 0);
	close(fds[--used]);
	for (i = 0; i < 4; i++)
		rounds(1);
	assert_int_equal(ctl_server_clients(server), 1);
	/* The others are told instead of being left waiting, and poll has nothing to report. */
	for (i = 1; i < 4; i++) {
		ssize_t n = recv(own[i], text, sizeof(text) - 1, MSG_DONTWAIT);

		assert_true(n > 0);
		text[n] = '\0';
		assert_non_null(strstr(text, CTL_E_TOO_MANY));
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (used > 0)
		close(fds[--used]);
	for (i = 0; i < 4; i++)
		close(own[i]);
	rounds(2);
	for (i = 0; i < 3; i++)
		spare[i] = dial_and_greet();
	assert_int_equal(ctl_server_clients(server), 3);
	for (i = 0; i < 3; i++)
		close(spare[i]);
}

/* Asks for tcp_syn_retries 3 and 4 at once while the workers stand still. */
static int
dial_and_set_twice(void)
{
	int fd = dial_and_greet();

	fake.workers_asleep = true;
	say(fd, "{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_syn_retries\",\"value\":\"3\"}}\n"
		"{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_syn_retries\",\"value\":\"4\"}}\n");
	rounds(2);
	return fd;
}

static void
what_was_set_holds_on_every_worker_when_it_is_answered(void **state)
{
	char text[2000];
	int fd = dial_and_set_twice(), other = dial_and_greet();

	(void)state;
	later(CTL_ORDER_TIMEOUT_US / 2);
	assert_int_equal(hear(fd, text, sizeof(text)), 0);
	say(other, "{\"cmd\":\"get\",\"args\":{\"name\":\"tcp_syn_retries\"}}\n");
	rounds(2);
	assert_true(hear(other, text, sizeof(text)) > 0);
	fake.workers_asleep = false;
	rounds(6);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_int_equal(count_lines(text), 2);
	for (unsigned int i = 0; i < FAKE_WORKERS; i++)
		assert_int_equal(fake.worker_tunables[i].tcp_syn_retries, 4);
	close(fd);
	close(other);
}

static void
a_worker_that_stands_still_is_not_waited_for(void **state)
{
	char text[2000];
	int fd = dial_and_set_twice();

	(void)state;
	later(CTL_ORDER_TIMEOUT_US + 1);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_int_equal(count_lines(text), 1);
	later(CTL_ORDER_TIMEOUT_US + 1);
	assert_true(hear(fd, text, sizeof(text)) > 0);
	assert_int_equal(count_lines(text), 1);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_in_order),
		TEST(a_clock_that_moves_during_a_round_ends_nobody),
		TEST(a_request_may_come_byte_by_byte),
		TEST(c03_a_line_without_end_is_refused_at_64_kib),
		TEST(c03_the_longest_line_is_taken),
		TEST(c04_a_slow_request_ends_after_ten_seconds),
		TEST(c04_an_idle_client_ends_after_a_minute),
		TEST(c04_the_longest_idle_makes_room),
		TEST(c05_a_reader_that_stops_makes_nothing_grow),
		TEST(c05_a_slow_reader_gets_everything),
		TEST(c06_a_client_that_dies_leaves_nothing),
		TEST(c06_what_was_asked_before_the_end_is_still_done),
		TEST(a_client_may_close_its_side_and_read_on),
		TEST(c07_without_descriptors_nothing_spins),
		TEST(what_was_set_holds_on_every_worker_when_it_is_answered),
		TEST(a_worker_that_stands_still_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
