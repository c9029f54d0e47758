/* SPDX-License-Identifier: BSD-3-Clause */
/* capture and trace as requests: limits, arguments, rows, and the end of a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/capture.h"
#include "ctl/session.h"
#include "lib/fake_backend.h"

static struct fake_backend fake;
static struct ctl_session session;
static struct ctl_buf out;

static int
begin(void **state)
{
	(void)state;
	fake_backend_init(&fake);
	ctl_session_init(&session, &fake.backend, CTL_ADMIN);
	out = (struct ctl_buf){ 0 };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	ctl_session_fini(&session);
	ctl_buf_free(&out);
	fake_backend_fini(&fake);
	return 0;
}

static json_t *
next_line(void)
{
	const char *line = ctl_buf_data(&out);
	const char *newline;
	json_t *reply;

	if (ctl_buf_len(&out) == 0)
		return NULL;
	newline = memchr(line, '\n', ctl_buf_len(&out));
	assert_non_null(newline);
	assert_true((size_t)(newline - line) < CTL_ANSWER_MAX);
	reply = json_loadb(line, (size_t)(newline - line), 0, NULL);
	assert_non_null(reply);
	ctl_buf_drop(&out, (size_t)(newline - line) + 1);
	return reply;
}

static void
request(const char *line)
{
	ctl_session_request(&session, line, strlen(line), &out);
}

static void
turn(void)
{
	fake_backend_turn(&fake);
	mail_collect(&fake.hub);
	capture_poll(&fake.hub);
	if (ctl_session_is_busy(&session))
		ctl_session_step(&session, true, &out);
}

/* All rows of a request in one array; *last: the last line. */
static json_t *
stream(const char *line, json_t **last)
{
	json_t *rows = json_array(), *reply;
	bool more = true;
	unsigned int i;

	*last = NULL;
	request(line);
	for (i = 0; more && i < 10000; i++) {
		turn();
		while ((reply = next_line()) != NULL) {
			assert_null(json_object_get(reply, "error"));
			json_array_extend(rows, json_object_get(reply, "frames"));
			more = json_is_true(json_object_get(reply, "more"));
			json_decref(*last);
			*last = reply;
		}
	}
	assert_false(more);
	/* Let the workers see the end. */
	turn();
	turn();
	return rows;
}

static void
it_ends_after_so_many_frames(void **state)
{
	json_t *last;
	json_t *rows = stream("{\"cmd\":\"trace\",\"args\":{\"count\":1001},\"id\":9}", &last);

	(void)state;
	assert_int_equal(json_array_size(rows), 1001);
	assert_int_equal(json_integer_value(json_object_get(last, "taken")), 1001);
	assert_int_equal(json_integer_value(json_object_get(last, "lost")), 0);
	assert_int_equal(json_integer_value(json_object_get(last, "id")), 9);
	assert_null(fake.taps[0]);
	json_decref(rows);
	json_decref(last);
}

static void
it_ends_after_so_many_bytes(void **state)
{
	json_t *last;
	json_t *rows = stream("{\"cmd\":\"capture\",\"args\":{\"bytes\":600}}", &last);

	(void)state;
	assert_int_equal(json_array_size(rows), 10);
	json_decref(rows);
	json_decref(last);
}

/* Also while more comes than is taken. */
static void
it_ends_after_its_time(void **state)
{
	uint64_t began_us = fake.now_us;
	json_t *last, *rows;

	(void)state;
	fake.tick_us = 1000;
	rows = stream("{\"cmd\":\"trace\",\"args\":{\"seconds\":2,\"count\":1000000}}", &last);
	assert_in_range(fake.now_us - began_us, 2000000, 2100000);
	assert_true(json_array_size(rows) > 10);
	json_decref(rows);
	json_decref(last);
}

static void
a_quiet_one_says_each_second_that_it_is_there(void **state)
{
	unsigned int lines = 0, i;
	json_t *reply;

	(void)state;
	fake.tick_us = 10000;
	request("{\"cmd\":\"trace\",\"args\":{\"port\":9,\"seconds\":100}}");
	for (i = 0; i < 200; i++) {
		uint64_t before = fake.now_us;

		turn();
		fake.now_us = before + 50000;
		while ((reply = next_line()) != NULL) {
			lines++;
			json_decref(reply);
		}
	}
	assert_in_range(lines, 9, 12);
}

static const char *
text_of(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static json_int_t
int_of(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

static void
a_row_of_a_trace_tells_the_frame_and_how_it_ended(void **state)
{
	json_t *last;
	json_t *rows = stream("{\"cmd\":\"trace\",\"args\":{\"count\":2}}", &last);
	const json_t *in = json_array_get(rows, 0), *sent = json_array_get(rows, 1);

	(void)state;
	assert_string_equal(text_of(in, "direction"), "in");
	assert_string_equal(text_of(in, "outcome"), "no-listener");
	assert_true(json_is_true(json_object_get(in, "dropped")));
	assert_string_equal(text_of(in, "protocol"), "tcp");
	assert_string_equal(text_of(in, "local"), "192.0.2.1");
	assert_int_equal(int_of(in, "local_port"), 80);
	assert_string_equal(text_of(in, "remote"), "192.0.2.9");
	assert_int_equal(int_of(in, "remote_port"), 4242);
	assert_string_equal(text_of(in, "flags"), "S");
	assert_int_equal(int_of(in, "seq"), 7);
	assert_int_equal(int_of(in, "window"), 64240);
	assert_int_equal(int_of(in, "length"), 60);
	assert_null(json_object_get(in, "data"));
	assert_string_equal(text_of(sent, "direction"), "out");
	assert_string_equal(text_of(sent, "local"), "192.0.2.1");
	assert_string_equal(text_of(sent, "flags"), "R.");
	assert_null(json_object_get(sent, "outcome"));
	json_decref(rows);
	json_decref(last);
}

static void
a_row_of_a_capture_has_the_bytes(void **state)
{
	json_t *last;
	json_t *rows = stream("{\"cmd\":\"capture\",\"args\":{\"count\":1,\"snaplen\":18}}", &last);
	const json_t *row = json_array_get(rows, 0);

	(void)state;
	assert_string_equal(text_of(row, "data"), "000000000000000000000000080045000028");
	assert_int_equal(int_of(row, "length"), 60);
	json_decref(rows);
	json_decref(last);
}

static void
reason_and_filter_choose(void **state)
{
	static const struct {
		const char *args, *direction; /* of all rows; NULL: there are none */
	} rows[] = {
		{ "\"drops\":true", "in" },
		{ "\"reason\":\"no-listener\"", "in" },
		{ "\"reason\":\"delivered\"", NULL },
		{ "\"local\":\"192.0.2.1:80\",\"drops\":true", "in" },
		{ "\"remote\":\"192.0.2.8\"", NULL },
	};
	unsigned int i;
	size_t j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[200];
		json_t *last, *all;

		snprintf(line, sizeof(line),
			"{\"cmd\":\"trace\",\"args\":{\"count\":4,\"seconds\":1,%s}}",
			rows[i].args);
		fake.tick_us = 10000;
		all = stream(line, &last);
		if ((json_array_size(all) > 0) != (rows[i].direction != NULL))
			fail_msg("row %u", i);
		for (j = 0; j < json_array_size(all); j++)
			assert_string_equal(
				text_of(json_array_get(all, j), "direction"), rows[i].direction);
		json_decref(all);
		json_decref(last);
	}
}

static void
assert_refused(const char *line, const char *code, const char *part)
{
	const json_t *error;
	json_t *reply;

	request(line);
	assert_false(ctl_session_is_busy(&session));
	reply = next_line();
	error = json_object_get(reply, "error");
	assert_string_equal(text_of(error, "code"), code);
	if (strstr(text_of(error, "message"), part) == NULL)
		fail_msg("%s: %s", line, text_of(error, "message"));
	json_decref(reply);
}

static void
wrong_arguments_are_named(void **state)
{
	(void)state;
	assert_refused(
		"{\"cmd\":\"trace\",\"args\":{\"count\":0}}", CTL_E_BAD_ARGUMENT, "count '0'");
	assert_refused("{\"cmd\":\"trace\",\"args\":{\"seconds\":\"1d\"}}", CTL_E_BAD_ARGUMENT,
		"seconds '1d'");
	assert_refused("{\"cmd\":\"trace\",\"args\":{\"reason\":\"no-lisener\"}}",
		CTL_E_BAD_ARGUMENT, "no outcome is called 'no-lisener'");
	assert_refused("{\"cmd\":\"capture\",\"args\":{\"snaplen\":65536}}", CTL_E_BAD_ARGUMENT,
		"snaplen '65536' is not within 1..65535");
	assert_refused("{\"cmd\":\"capture\",\"args\":{\"remote\":\"x\"}}", CTL_E_BAD_ARGUMENT,
		"remote 'x'");
	/* Nothing was begun by any of them. */
	assert_int_equal(capture_begin(&fake.hub, &(struct tap_filter){ .outcome = -1 }, 1, 1), 0);
}

static void
frames_need_an_admin_and_their_heads_an_operator(void **state)
{
	(void)state;
	session.role = CTL_OPERATE;
	assert_refused("{\"cmd\":\"capture\"}", CTL_E_PERMISSION, "admin");
	session.role = CTL_READ;
	assert_refused("{\"cmd\":\"trace\"}", CTL_E_PERMISSION, "operate");
}

static void
a_second_one_is_told_to_wait(void **state)
{
	struct ctl_session other;

	(void)state;
	ctl_session_init(&other, &fake.backend, CTL_ADMIN);
	ctl_session_request(&other, "{\"cmd\":\"trace\"}", 15, &out);
	assert_refused("{\"cmd\":\"trace\"}", CTL_E_BUSY, "under way");
	/* Its client dies; the next one may begin once the workers are done. */
	ctl_session_fini(&other);
	assert_refused("{\"cmd\":\"trace\"}", CTL_E_BUSY, "under way");
	turn();
	turn();
	request("{\"cmd\":\"trace\"}");
	assert_true(ctl_session_is_busy(&session));
}

static void
a_client_that_does_not_read_costs_a_buffer_only(void **state)
{
	unsigned int i;

	(void)state;
	request("{\"cmd\":\"capture\"}");
	for (i = 0; i < 20000; i++) {
		fake_backend_turn(&fake);
		mail_collect(&fake.hub);
		assert_int_equal(ctl_session_step(&session, false, &out), CTL_STEP_WAIT);
	}
	assert_int_equal(ctl_buf_len(&out), 0);
	assert_true(capture_lost(&fake.hub) > 0);
}

static void
capture_buffer_counts_from_the_next_one_on(void **state)
{
	char err[TUNABLE_ERR_LEN];

	(void)state;
	assert_int_equal(
		tunables_set(&fake.tunables, "capture_buffer", "200000", err, sizeof(err)), 0);
	request("{\"cmd\":\"trace\"}");
	turn();
	assert_int_equal(fake.taps[0]->size, 262144);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_ends_after_so_many_frames),
		TEST(it_ends_after_so_many_bytes),
		TEST(it_ends_after_its_time),
		TEST(a_quiet_one_says_each_second_that_it_is_there),
		TEST(a_row_of_a_trace_tells_the_frame_and_how_it_ended),
		TEST(a_row_of_a_capture_has_the_bytes),
		TEST(reason_and_filter_choose),
		TEST(wrong_arguments_are_named),
		TEST(frames_need_an_admin_and_their_heads_an_operator),
		TEST(a_second_one_is_told_to_wait),
		TEST(a_client_that_does_not_read_costs_a_buffer_only),
		TEST(capture_buffer_counts_from_the_next_one_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
