/* SPDX-License-Identifier: BSD-3-Clause */
/* The forward service: what one side says the other hears, data, ends and errors alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/fake_sluice.h"
#include "services/services.h"

#define PORT 8000

struct forward_world {
	struct sluice *s;
	void *state;
};

static void
start(struct forward_world *w, uint32_t max_conns, const struct fake_params *params)
{
	struct sluice_listen_params listen = { .addr.port = PORT };
	struct service_config config;

	service_config_default(&config);
	config.max_conns = max_conns;
	config.to = (struct sluice_addr){ .ip = { 1, 2, 3 }, .port = 99 };
	w->s = fake_create(params);
	assert_int_equal(service_forward.start(w->s, &listen, &config, &w->state), 0);
}

static void
stop(struct forward_world *w)
{
	assert_int_equal(fake_conns_open(w->s), 0);
	assert_int_equal(fake_bufs_lent(w->s), 0);
	service_forward.stop(w->s, w->state);
	fake_destroy(w->s);
}

static sluice_conn
join_nth(struct forward_world *w, unsigned int n, sluice_conn *target)
{
	sluice_conn c = fake_peer_connect(w->s, PORT);

	fake_run(w->s);
	*target = fake_target(w->s, n, NULL);
	assert_int_not_equal(*target, 0);
	fake_target_answer(w->s, *target, 0);
	fake_run(w->s);
	return c;
}

static void
say(struct forward_world *w, sluice_conn c, const char *text)
{
	fake_peer_send(w->s, c, text, strlen(text));
	fake_run(w->s);
}

static void
end(struct forward_world *w, sluice_conn c)
{
	fake_peer_finish(w->s, c);
	fake_run(w->s);
}

static const char *
heard(struct forward_world *w, sluice_conn c)
{
	return fake_peer_data(w->s, c, NULL);
}

/* What came before the client was accepted: of it, what fits into a SYN goes with it. */
static void
with_fastopen_the_first_data_goes_with_the_syn(void **state)
{
	static const struct fake_params params[] = { { .mss_bytes = 4 }, { .mss_bytes = 100 } };
	struct sluice_listen_params listen = { .addr.port = PORT, .fastopen = true };
	struct service_config config;

	(void)state;
	service_config_default(&config);
	config.to = (struct sluice_addr){ .ip = { 1, 2, 3 }, .port = 99 };
	for (size_t i = 0; i < 2; i++) {
		struct forward_world w = { .s = fake_create(&params[i]) };
		sluice_conn c, t;

		assert_int_equal(service_forward.start(w.s, &listen, &config, &w.state), 0);
		c = fake_peer_connect(w.s, PORT);
		fake_peer_send(w.s, c, "question", 8);
		fake_run(w.s);
		t = fake_target(w.s, 0, NULL);
		assert_string_equal(heard(&w, t), i == 0 ? "ques" : "question");
		fake_target_answer(w.s, t, 0);
		say(&w, t, "answer");
		say(&w, c, ", again");
		assert_string_equal(heard(&w, t), "question, again");
		assert_string_equal(heard(&w, c), "answer");
		/* And one without a word yet. */
		assert_int_not_equal(fake_peer_connect(w.s, PORT), 0);
		fake_run(w.s);
		fake_target_answer(w.s, fake_target(w.s, 1, NULL), -ECONNREFUSED);
		end(&w, c);
		end(&w, t);
		stop(&w);
	}
}

static void
both_sides_hear_each_other(void **state)
{
	struct forward_world w;
	struct sluice_addr to;
	sluice_conn c, t;

	(void)state;
	start(&w, 8, NULL);
	c = join_nth(&w, 0, &t);
	fake_target(w.s, 0, &to);
	assert_int_equal(to.port, 99);
	assert_int_equal(to.ip[2], 3);
	say(&w, c, "question");
	say(&w, t, "answer");
	assert_string_equal(heard(&w, t), "question");
	assert_string_equal(heard(&w, c), "answer");
	end(&w, c);
	end(&w, t);
	stop(&w);
}

static void
what_comes_before_the_target_answers_is_passed_on_afterwards(void **state)
{
	struct forward_world w;
	sluice_conn c, t;

	(void)state;
	start(&w, 8, NULL);
	c = fake_peer_connect(w.s, PORT);
	fake_peer_send(w.s, c, "early", 5);
	fake_peer_finish(w.s, c);
	fake_run(w.s);
	t = fake_target(w.s, 0, NULL);
	assert_int_equal(fake_peer_unread(w.s, c), 5);
	fake_target_answer(w.s, t, 0);
	fake_run(w.s);
	assert_string_equal(heard(&w, t), "early");
	assert_int_equal(fake_peer_end(w.s, t), FAKE_FIN);
	end(&w, t);
	stop(&w);
}

static void
a_half_close_is_passed_on_and_the_other_way_stays_open(void **state)
{
	(void)state;
	for (unsigned int who = 0; who < 2; who++) {
		struct forward_world w;
		sluice_conn side[2];

		start(&w, 8, NULL);
		side[0] = join_nth(&w, 0, &side[1]);
		say(&w, side[who], "last words");
		end(&w, side[who]);
		assert_string_equal(heard(&w, side[!who]), "last words");
		assert_int_equal(fake_peer_end(w.s, side[!who]), FAKE_FIN);
		assert_int_equal(fake_peer_end(w.s, side[who]), FAKE_OPEN);
		say(&w, side[!who], "still here");
		assert_string_equal(heard(&w, side[who]), "still here");
		end(&w, side[!who]);
		assert_int_equal(fake_peer_end(w.s, side[who]), FAKE_FIN);
		stop(&w);
	}
}

static void
a_side_that_does_not_read_stops_the_reading_of_the_other(void **state)
{
	const struct fake_params params = { .buf_bytes = 300, .sndbuf_bytes = 700 };
	uint8_t data[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (unsigned int who = 0; who < 2; who++) {
		struct forward_world w;
		sluice_conn side[2];
		size_t len;

		start(&w, 8, &params);
		side[0] = join_nth(&w, 0, &side[1]);
		fake_peer_set_greedy(w.s, side[!who], false);
		fake_peer_send(w.s, side[who], data, sizeof(data));
		fake_peer_finish(w.s, side[who]);
		fake_run(w.s);
		/* Two buffers are queued, one is pending, seven are not read. */
		assert_int_equal(fake_bufs_lent(w.s), 1);
		assert_int_equal(fake_peer_unread(w.s, side[who]), 2100);
		/* The other way is not affected. */
		say(&w, side[!who], "go on");
		assert_string_equal(heard(&w, side[who]), "go on");
		while (fake_peer_take(w.s, side[!who], 50) > 0)
			fake_run(w.s);
		assert_memory_equal(fake_peer_data(w.s, side[!who], &len), data, sizeof(data));
		assert_int_equal(len, sizeof(data));
		assert_int_equal(fake_peer_end(w.s, side[!who]), FAKE_FIN);
		fake_peer_set_greedy(w.s, side[!who], true);
		end(&w, side[!who]);
		stop(&w);
	}
}

static void
short_buffers_are_copied_and_may_be_taken_in_parts(void **state)
{
	const struct fake_params params = { .sndbuf_bytes = 7 };
	struct forward_world w;
	sluice_conn c, t;

	(void)state;
	start(&w, 8, &params);
	c = join_nth(&w, 0, &t);
	fake_peer_set_greedy(w.s, t, false);
	say(&w, c, "0123");
	/* Copied: the packet is free again while the bytes wait. */
	assert_int_equal(fake_bufs_lent(w.s), 0);
	say(&w, c, "456789");
	assert_int_equal(fake_bufs_lent(w.s), 1);
	while (fake_peer_take(w.s, t, 2) > 0)
		fake_run(w.s);
	assert_string_equal(heard(&w, t), "0123456789");
	assert_int_equal(fake_bufs_lent(w.s), 0);
	fake_peer_set_greedy(w.s, t, true);
	end(&w, c);
	end(&w, t);
	stop(&w);
}

static void
a_reset_is_passed_on_and_gives_everything_back(void **state)
{
	const struct fake_params params = { .buf_bytes = 300, .sndbuf_bytes = 300 };
	char data[900] = { 0 };

	(void)state;
	for (unsigned int who = 0; who < 2; who++) {
		struct forward_world w;
		sluice_conn side[2];

		start(&w, 8, &params);
		side[0] = join_nth(&w, 0, &side[1]);
		for (unsigned int i = 0; i < 2; i++)
			fake_peer_set_greedy(w.s, side[i], false);
		for (unsigned int i = 0; i < 2; i++)
			fake_peer_send(w.s, side[i], data, sizeof(data));
		fake_run(w.s);
		assert_int_equal(fake_bufs_lent(w.s), 2);
		fake_peer_reset(w.s, side[who]);
		fake_run(w.s);
		assert_int_equal(fake_peer_end(w.s, side[!who]), FAKE_RESET);
		stop(&w);
	}
}

static void
a_reset_after_a_half_close_is_passed_on(void **state)
{
	(void)state;
	for (unsigned int who = 0; who < 2; who++) {
		struct forward_world w;
		sluice_conn side[2];

		start(&w, 8, NULL);
		side[0] = join_nth(&w, 0, &side[1]);
		end(&w, side[who]);
		fake_peer_reset(w.s, side[!who]);
		fake_run(w.s);
		assert_int_equal(fake_peer_end(w.s, side[who]), FAKE_RESET);
		stop(&w);
	}
}

static void
a_target_that_does_not_open_resets_the_client(void **state)
{
	static const int errors[] = { -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct forward_world w;
		sluice_conn c;

		start(&w, 8, NULL);
		c = fake_peer_connect(w.s, PORT);
		fake_peer_send(w.s, c, "lost", 4);
		fake_run(w.s);
		fake_target_answer(w.s, fake_target(w.s, 0, NULL), errors[i]);
		fake_run(w.s);
		assert_int_equal(fake_peer_end(w.s, c), FAKE_RESET);
		stop(&w);
	}
}

static void
a_connection_that_cannot_be_tried_resets_the_client(void **state)
{
	const struct fake_params params = { .connect_error = -ENOBUFS };
	struct forward_world w;
	sluice_conn c;

	(void)state;
	start(&w, 8, &params);
	c = fake_peer_connect(w.s, PORT);
	fake_run(w.s);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_RESET);
	stop(&w);
}

static void
a_client_that_leaves_early_ends_the_attempt(void **state)
{
	struct forward_world w;
	sluice_conn c, t;

	(void)state;
	start(&w, 8, NULL);
	c = fake_peer_connect(w.s, PORT);
	fake_run(w.s);
	t = fake_target(w.s, 0, NULL);
	fake_peer_reset(w.s, c);
	fake_run(w.s);
	assert_int_equal(fake_peer_end(w.s, t), FAKE_RESET);
	fake_target_answer(w.s, t, 0);
	fake_run(w.s);
	stop(&w);
}

static void
without_a_free_slot_connections_wait_and_are_joined_later(void **state)
{
	struct forward_world w;
	sluice_conn c[2], t[2];

	(void)state;
	start(&w, 1, NULL);
	c[0] = join_nth(&w, 0, &t[0]);
	c[1] = fake_peer_connect(w.s, PORT);
	say(&w, c[1], "?");
	assert_int_equal(fake_target(w.s, 1, NULL), 0);
	end(&w, c[0]);
	end(&w, t[0]);
	t[1] = fake_target(w.s, 1, NULL);
	fake_target_answer(w.s, t[1], 0);
	fake_run(w.s);
	assert_string_equal(heard(&w, t[1]), "?");
	end(&w, t[1]);
	end(&w, c[1]);
	stop(&w);
}

static void
draining_accepts_nobody_and_lets_the_others_go_on(void **state)
{
	struct forward_world w;
	sluice_conn c, t;

	(void)state;
	start(&w, 8, NULL);
	c = join_nth(&w, 0, &t);
	service_forward.drain(w.s, w.state);
	assert_int_equal(fake_peer_connect(w.s, PORT), 0);
	say(&w, c, "still");
	assert_string_equal(heard(&w, t), "still");
	end(&w, c);
	end(&w, t);
	stop(&w);
}

static void
a_start_that_fails_says_why_and_keeps_nothing(void **state)
{
	const struct fake_params params = { .listen_error = -EADDRINUSE };
	struct sluice_listen_params listen = { .addr.port = PORT };
	struct sluice *s = fake_create(&params);
	struct service_config config;
	void *forward = NULL;

	(void)state;
	service_config_default(&config);
	assert_int_equal(service_forward.start(s, &listen, NULL, &forward), -EDESTADDRREQ);
	assert_int_equal(service_forward.start(s, &listen, &config, &forward), -EDESTADDRREQ);
	config.to.port = 99;
	assert_int_equal(service_forward.start(s, &listen, &config, &forward), -EADDRINUSE);
	config.max_conns = 0;
	assert_int_equal(service_forward.start(s, &listen, &config, &forward), -EINVAL);
	assert_null(forward);
	fake_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_hear_each_other),
		cmocka_unit_test(with_fastopen_the_first_data_goes_with_the_syn),
		cmocka_unit_test(what_comes_before_the_target_answers_is_passed_on_afterwards),
		cmocka_unit_test(a_half_close_is_passed_on_and_the_other_way_stays_open),
		cmocka_unit_test(a_side_that_does_not_read_stops_the_reading_of_the_other),
		cmocka_unit_test(short_buffers_are_copied_and_may_be_taken_in_parts),
		cmocka_unit_test(a_reset_is_passed_on_and_gives_everything_back),
		cmocka_unit_test(a_reset_after_a_half_close_is_passed_on),
		cmocka_unit_test(a_target_that_does_not_open_resets_the_client),
		cmocka_unit_test(a_connection_that_cannot_be_tried_resets_the_client),
		cmocka_unit_test(a_client_that_leaves_early_ends_the_attempt),
		cmocka_unit_test(without_a_free_slot_connections_wait_and_are_joined_later),
		cmocka_unit_test(draining_accepts_nobody_and_lets_the_others_go_on),
		cmocka_unit_test(a_start_that_fails_says_why_and_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
