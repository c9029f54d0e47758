/* SPDX-License-Identifier: BSD-3-Clause */
/* The character generator: the pattern of RFC 864, at any pace, until the client has enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/service_world.h"
#include "services/chargen_pattern.h"

static void
the_pattern_is_the_one_of_the_rfc(void **state)
{
	static const char first[] =
		" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n"
		"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n";
	uint8_t text[CHARGEN_PERIOD_BYTES];

	(void)state;
	assert_int_equal(chargen_fill(text, sizeof(text), 0), 0);
	assert_memory_equal(text, first, sizeof(first) - 1);
	/* The last line begins with the last printable character. */
	assert_memory_equal(text + 94 * CHARGEN_LINE_BYTES, "~ !\"#", 5);
	for (unsigned int line = 0; line < CHARGEN_LINES; line++) {
		for (unsigned int column = 0; column < CHARGEN_LINE_CHARS; column++)
			assert_int_equal(text[line * CHARGEN_LINE_BYTES + column],
				' ' + (line + column) % 95);
		assert_memory_equal(text + line * CHARGEN_LINE_BYTES + 72, "\r\n", 2);
	}
}

static void
pieces_of_any_length_make_the_same_stream(void **state)
{
	static uint8_t whole[3 * CHARGEN_PERIOD_BYTES], part[sizeof(whole)];

	(void)state;
	chargen_fill(whole, sizeof(whole), 0);
	for (size_t step = 1; step < 200; step += 7) {
		uint32_t pos = 0;

		for (size_t at = 0; at < sizeof(part); at += step) {
			size_t n = sizeof(part) - at < step ? sizeof(part) - at : step;

			pos = chargen_fill(part + at, n, pos);
		}
		assert_memory_equal(part, whole, sizeof(whole));
	}
}

/* Compare what the client got with the pattern from the beginning. */
static void
assert_pattern(const char *data, size_t len)
{
	uint8_t *expected = malloc(len);

	chargen_fill(expected, len, 0);
	assert_memory_equal(data, expected, len);
	free(expected);
}

static void
a_slow_client_gets_the_stream_without_a_gap(void **state)
{
	const struct fake_params params = { .buf_bytes = 1000, .sndbuf_bytes = 2500 };
	struct service_world w;
	const char *data;
	size_t len;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_chargen, NULL, &params);
	c = fake_peer_connect(w.s, 19);
	fake_peer_set_greedy(w.s, c, false);
	for (unsigned int i = 0; i < 100; i++) {
		fake_run(w.s);
		fake_peer_take(w.s, c, 333);
	}
	data = fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 33300);
	assert_pattern(data, len);
	assert_int_equal(fake_bufs_lent(w.s), 0);
	fake_peer_send(w.s, c, "ignored", 7);
	fake_peer_finish(w.s, c);
	fake_run(w.s);
	assert_int_equal(fake_peer_unread(w.s, c), 0);
	while (fake_peer_take(w.s, c, 100) > 0)
		fake_run(w.s);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	data = fake_peer_data(w.s, c, &len);
	assert_pattern(data, len);
	service_world_stop(&w);
}

static void
without_buffers_it_waits_and_goes_on(void **state)
{
	const struct fake_params params = { .buf_bytes = 1000, .sndbuf_bytes = 2500,
		.bufs_max = 1 };
	struct service_world w;
	size_t len;
	sluice_conn c;
	struct sluice_buf held;

	(void)state;
	service_world_start(&w, &service_chargen, NULL, &params);
	assert_int_equal(sluice_buf_alloc(w.s, &held), 0);
	c = fake_peer_connect(w.s, 19);
	fake_peer_set_greedy(w.s, c, false);
	fake_advance_ms(w.s, 20);
	assert_int_equal(fake_peer_take(w.s, c, SIZE_MAX), 0);
	sluice_buf_free(w.s, &held);
	fake_advance_ms(w.s, 20);
	assert_int_equal(fake_peer_take(w.s, c, SIZE_MAX), 2000);
	fake_peer_reset(w.s, c);
	fake_run(w.s);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 2000);
	service_world_stop(&w);
}

static void
a_client_that_left_before_the_accept_gets_a_close(void **state)
{
	const struct fake_params params = { .sndbuf_bytes = 4000 };
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_chargen, NULL, &params);
	c = fake_peer_connect(w.s, 19);
	fake_peer_set_greedy(w.s, c, false);
	fake_peer_send(w.s, c, "bye", 3);
	fake_peer_finish(w.s, c);
	fake_run(w.s);
	fake_peer_take(w.s, c, SIZE_MAX);
	fake_run(w.s);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	service_world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pattern_is_the_one_of_the_rfc),
		cmocka_unit_test(pieces_of_any_length_make_the_same_stream),
		cmocka_unit_test(a_slow_client_gets_the_stream_without_a_gap),
		cmocka_unit_test(without_buffers_it_waits_and_goes_on),
		cmocka_unit_test(a_client_that_left_before_the_accept_gets_a_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
