/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the messages between the control thread and the workers. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/mailbox.h"

static unsigned int woken[2];

static void
wake(void *ctx, unsigned int worker)
{
	(void)ctx;
	woken[worker]++;
}

/* The worker's side: answer up to n messages. */
static unsigned int
answer(struct mail_hub *hub, unsigned int worker, unsigned int n)
{
	unsigned int done = 0;
	struct ctl_msg *msg;

	while (done < n && (msg = mailbox_next(&hub->boxes[worker])) != NULL) {
		msg->rows = worker + 1;
		mailbox_answer(&hub->boxes[worker], msg);
		done++;
	}
	return done;
}

static void
a_message_goes_there_and_back(void **state)
{
	struct mail_hub hub;
	struct mail *mail;

	(void)state;
	woken[1] = 0;
	assert_int_equal(mail_hub_create(2, wake, NULL, &hub), 0);
	mail = mail_take(&hub);
	assert_non_null(mail);
	mail->msg.op = CTL_LIST_CONNS;
	mail->msg.worker = 1;
	mail_send(&hub, mail);
	assert_int_equal(woken[1], 1);
	mail_collect(&hub);
	assert_true(mail->is_away);
	assert_int_equal(answer(&hub, 0, 9), 0);
	assert_int_equal(answer(&hub, 1, 9), 1);
	assert_true(mail->is_away);
	mail_collect(&hub);
	assert_false(mail->is_away);
	assert_int_equal(mail->msg.rows, 2);
	mail_drop(mail);
	mail_hub_destroy(&hub);
}

static void
a_message_dropped_while_away_is_free_only_when_it_is_back(void **state)
{
	struct mail *mails[MAIL_LISTINGS_MAX];
	struct mail_hub hub;
	unsigned int i;

	(void)state;
	assert_int_equal(mail_hub_create(1, NULL, NULL, &hub), 0);
	for (i = 0; i < MAIL_LISTINGS_MAX; i++) {
		mails[i] = mail_take(&hub);
		assert_non_null(mails[i]);
		mails[i]->msg.worker = 0;
		mail_send(&hub, mails[i]);
	}
	assert_null(mail_take(&hub));
	mail_drop(mails[3]);
	assert_null(mail_take(&hub));
	assert_int_equal(answer(&hub, 0, 99), MAIL_LISTINGS_MAX);
	mail_collect(&hub);
	assert_ptr_equal(mail_take(&hub), mails[3]);
	assert_null(mail_take(&hub));
	mail_hub_destroy(&hub);
}

static void
an_order_is_under_way_until_the_last_worker_has_taken_it(void **state)
{
	struct mail_hub hub;
	struct mail *listing;

	(void)state;
	assert_int_equal(mail_hub_create(2, NULL, NULL, &hub), 0);
	/* Who lists connections waits for nobody's order. */
	listing = mail_take(&hub);
	assert_non_null(listing);
	listing->msg.worker = 0;
	mail_send(&hub, listing);
	assert_false(mail_has_orders(&hub));
	assert_int_equal(answer(&hub, 0, 1), 1);
	assert_int_equal(mail_order_all(&hub, CTL_DRAIN, NULL), 0);
	assert_true(mail_has_orders(&hub));
	assert_int_equal(answer(&hub, 0, 1), 1);
	mail_collect(&hub);
	assert_true(mail_has_orders(&hub));
	assert_int_equal(answer(&hub, 1, 1), 1);
	mail_collect(&hub);
	assert_false(mail_has_orders(&hub));
	mail_hub_destroy(&hub);
}

static void
an_order_goes_to_all_workers_or_to_none(void **state)
{
	struct tunables tun;
	struct mail_hub hub;
	struct ctl_msg *msg;
	unsigned int i;

	(void)state;
	tunables_default(&tun);
	assert_int_equal(mail_hub_create(2, NULL, NULL, &hub), 0);
	for (i = 0; i < MAIL_ORDERS_MAX; i++) {
		tun.tcp_syn_retries = i;
		assert_int_equal(mail_order_all(&hub, CTL_SET_TUNABLES, &tun), 0);
	}
	assert_int_equal(mail_order_all(&hub, CTL_DRAIN, NULL), -EAGAIN);
	/* Only worker 0 has read: still none. */
	for (i = 0; i < MAIL_ORDERS_MAX; i++) {
		msg = mailbox_next(&hub.boxes[0]);
		assert_int_equal(msg->tunables.tcp_syn_retries, i);
		mailbox_answer(&hub.boxes[0], msg);
	}
	assert_int_equal(mail_order_all(&hub, CTL_DRAIN, NULL), -EAGAIN);
	assert_null(mailbox_next(&hub.boxes[0]));
	assert_int_equal(answer(&hub, 1, 1), 1);
	assert_int_equal(mail_order_all(&hub, CTL_DRAIN, NULL), 0);
	assert_int_equal(mailbox_next(&hub.boxes[0])->op, CTL_DRAIN);
	mail_hub_destroy(&hub);
}

/* A worker on a thread of its own: notes orders, answers listings, until it is told to stop. */
struct worker {
	struct mailbox *box;
	_Atomic uint32_t retries; /* tcp_syn_retries of the last order */
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	bool stop = false;

	while (!stop) {
		struct ctl_msg *msg = mailbox_next(w->box);

		if (msg == NULL) {
			sched_yield();
			continue;
		}
		if (msg->op == CTL_SET_TUNABLES)
			w->retries = msg->tunables.tcp_syn_retries;
		if (msg->op == CTL_LIST_CONNS)
			msg->cursor++;
		stop = msg->op == CTL_STOP;
		mailbox_answer(w->box, msg);
	}
	return NULL;
}

static void
workers_on_threads_see_whole_messages(void **state)
{
	struct worker workers[2];
	pthread_t threads[2];
	struct tunables tun;
	struct mail_hub hub;
	struct mail *mail;
	unsigned int i;

	(void)state;
	tunables_default(&tun);
	assert_int_equal(mail_hub_create(2, NULL, NULL, &hub), 0);
	for (i = 0; i < 2; i++) {
		workers[i].box = &hub.boxes[i];
		atomic_init(&workers[i].retries, 0);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	mail = mail_take(&hub);
	mail->msg.op = CTL_LIST_CONNS;
	mail->msg.cursor = 0;
	for (i = 1; i <= 500; i++) {
		mail->msg.worker = i % 2;
		mail_send(&hub, mail);
		tun.tcp_syn_retries = i;
		while (mail_order_all(&hub, CTL_SET_TUNABLES, &tun) != 0)
			sched_yield();
		while (mail->is_away) {
			sched_yield();
			mail_collect(&hub);
		}
		assert_int_equal(mail->msg.cursor, i);
	}
	while (mail_order_all(&hub, CTL_STOP, NULL) != 0)
		sched_yield();
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].retries, 500);
	}
	mail_hub_destroy(&hub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_goes_there_and_back),
		cmocka_unit_test(a_message_dropped_while_away_is_free_only_when_it_is_back),
		cmocka_unit_test(an_order_is_under_way_until_the_last_worker_has_taken_it),
		cmocka_unit_test(an_order_goes_to_all_workers_or_to_none),
		cmocka_unit_test(workers_on_threads_see_whole_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
