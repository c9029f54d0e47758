/* SPDX-License-Identifier: BSD-3-Clause */
/* Campaigns in pieces: what counts, what is kept between two runs, and what a failure does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/pieces.h"

static const char *const names[] = { "packets", "lives", NULL };

/* Piece n is worth n packets; 13 fails. */
static void
play(void *ctx, uint64_t number, uint64_t *sums)
{
	(void)ctx;
	if (number == 13)
		_exit(1);
	sums[0] += number;
	sums[1]++;
}

static void
tell_nothing(const struct pieces *p)
{
	(void)p;
}

static struct pieces
campaign(const char *path, uint64_t wanted)
{
	return (struct pieces){ .what = "test",
		.path = path,
		.names = names,
		.wanted = wanted,
		.jobs = 3,
		.play = play,
		.tell = tell_nothing };
}

static int
make_path(void **state)
{
	char *path = strdup("/tmp/sluice-pieces-XXXXXX");
	int fd = path != NULL ? mkstemp(path) : -1;

	if (fd < 0)
		return -1;
	(void)close(fd);
	(void)unlink(path);
	*state = path;
	return 0;
}

static int
remove_path(void **state)
{
	(void)unlink(*state);
	free(*state);
	return 0;
}

static void
pieces_are_played_until_it_is_enough(void **state)
{
	struct pieces p = campaign(NULL, 45);

	(void)state;
	assert_int_equal(pieces_run(&p), 0);
	/* 0 + ... + 9, and perhaps two more that were under way. */
	assert_in_range(p.next, 10, 12);
	assert_int_equal(p.sum[0], p.next * (p.next - 1) / 2);
	assert_int_equal(p.sum[1], p.next);
}

static void
a_number_of_pieces_is_just_that(void **state)
{
	struct pieces p = campaign(NULL, 0);

	(void)state;
	p.next = 100;
	p.pieces_min = 5;
	assert_int_equal(pieces_run(&p), 0);
	assert_int_equal(p.next, 105);
	assert_int_equal(p.sum[1], 5);
}

static void
the_next_run_goes_on_where_the_last_one_ended(void **state)
{
	struct pieces p = campaign(*state, 20), q;
	uint64_t next;

	assert_int_equal(pieces_run(&p), 0);
	next = p.next;
	/* There is enough already. */
	q = campaign(*state, 20);
	assert_int_equal(pieces_run(&q), 0);
	assert_int_equal(q.next, next);
	assert_int_equal(q.sum[0], p.sum[0]);
	q = campaign(*state, p.sum[0] + 1);
	assert_int_equal(pieces_run(&q), 0);
	assert_in_range(q.next, next + 1, next + 3);
	assert_int_equal(q.sum[0], q.next * (q.next - 1) / 2);
}

static void
one_that_fails_is_counted_and_the_others_go_on(void **state)
{
	struct pieces p = campaign(*state, 120), q;

	assert_int_equal(pieces_run(&p), 1);
	assert_true(p.sum[0] >= 120);
	assert_int_equal(p.sum[1], p.next - 1);
	assert_int_equal(p.failed, 1);
	/* It stays in the account. */
	q = campaign(*state, 120);
	assert_int_equal(pieces_run(&q), 0);
	assert_int_equal(q.failed, 1);
}

static void
another_campaigns_file_is_refused(void **state)
{
	struct pieces p = campaign(*state, 5);

	assert_int_equal(pieces_run(&p), 0);
	p.what = "another";
	assert_int_equal(pieces_run(&p), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_played_until_it_is_enough),
		cmocka_unit_test(a_number_of_pieces_is_just_that),
		cmocka_unit_test_setup_teardown(
			the_next_run_goes_on_where_the_last_one_ended, make_path, remove_path),
		cmocka_unit_test_setup_teardown(
			one_that_fails_is_counted_and_the_others_go_on, make_path, remove_path),
		cmocka_unit_test_setup_teardown(
			another_campaigns_file_is_refused, make_path, remove_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
