/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock and the virtual clock: when time may move, and what a caller that slept is told. */
#include <errno.h>
#include <time.h>

#include "packetdrill/pd.h"

/*
 * Time is virtual: it moves by a microsecond with each reading, and jumps where somebody waits. Two
 * rules make the end of a blocking call exact. First, before the clock moves, everybody who was
 * woken has gone back to sleep or has read the clock. Second, the first reading of a thread after
 * its blocking call is the time at which that call was done.
 *
 * A caller counts as busy from being woken until then. It may be that it never reads the clock, so
 * the wait for it ends after real time, too.
 */
#define SETTLE_REAL_NS 100000000L
#define ENTER_REAL_NS 50000L
#define ENTER_TRIES 200u

/* Of this thread: it was woken, and its call was done at done_us. */
static __thread bool is_busy;
static __thread uint64_t done_us;

static void
no_longer_busy(struct pd *pd)
{
	if (!is_busy)
		return;
	is_busy = false;
	if (pd->busy > 0)
		pd->busy--;
	pthread_cond_broadcast(&pd->settled);
}

static void
take_lock(struct pd *pd)
{
	atomic_fetch_add(&pd->entering, 1);
	pthread_mutex_lock(&pd->lock);
	atomic_fetch_sub(&pd->entering, 1);
}

struct pd *
pd_enter(void *ud)
{
	struct pd *pd = ud;

	take_lock(pd);
	no_longer_busy(pd);
	return pd;
}

ssize_t
pd_leave(struct pd *pd, ssize_t result)
{
	if (is_busy)
		done_us = pd->env.now_us;
	pthread_mutex_unlock(&pd->lock);
	/* Last, so that nothing touches it on the way out. */
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

int
pd_sleep(struct pd *pd, uint64_t deadline_us)
{
	struct pd_waiter w = { .next = pd->waiters, .deadline_us = deadline_us };
	struct pd_waiter **at;

	if (pd->env.now_us >= deadline_us)
		return -ETIMEDOUT;
	no_longer_busy(pd);
	pd->waiters = &w;
	while (!w.woken)
		pthread_cond_wait(&pd->wake, &pd->lock);
	for (at = &pd->waiters; *at != &w; at = &(*at)->next)
		;
	*at = w.next;
	is_busy = true;
	return 0;
}

void
pd_wake_all(struct pd *pd)
{
	for (struct pd_waiter *w = pd->waiters; w != NULL; w = w->next) {
		if (w->woken)
			continue;
		w->woken = true;
		pd->busy++;
	}
	pthread_cond_broadcast(&pd->wake);
}

uint64_t
pd_due_at(const struct pd *pd)
{
	uint64_t at = pd_engine_due_at(pd);

	for (const struct pd_waiter *w = pd->waiters; w != NULL; w = w->next)
		if (!w->woken && w->deadline_us < at)
			at = w->deadline_us;
	return at < pd->env.now_us ? pd->env.now_us : at;
}

static struct timespec
real_deadline(long ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ns;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

/* Who stands at the door came before the time that is about to be. */
static void
let_in(struct pd *pd)
{
	const struct timespec t = { .tv_nsec = ENTER_REAL_NS };

	for (unsigned int i = 0; i < ENTER_TRIES && atomic_load(&pd->entering) > 0; i++) {
		pthread_mutex_unlock(&pd->lock);
		nanosleep(&t, NULL);
		pthread_mutex_lock(&pd->lock);
	}
}

void
pd_clock_settle(struct pd *pd)
{
	struct timespec until = real_deadline(SETTLE_REAL_NS);

	let_in(pd);
	while (pd->busy > (is_busy ? 1u : 0u))
		if (pthread_cond_timedwait(&pd->settled, &pd->lock, &until) == ETIMEDOUT)
			pd->busy = is_busy ? 1 : 0;
}

void
pd_clock_move(struct pd *pd, uint64_t at_us)
{
	uint64_t due;

	pd_clock_settle(pd);
	while ((due = pd_due_at(pd)) <= at_us) {
		pd_engine_set_now(pd, due);
		pd_engine_poll(pd);
		pd_wake_all(pd);
		pd_clock_settle(pd);
		/* What is due now and stays so waits for somebody else. */
		if (pd_due_at(pd) <= due && due == at_us)
			break;
	}
	if (pd->env.now_us < at_us)
		pd_engine_set_now(pd, at_us);
}

uint64_t
pd_clock_read(struct pd *pd)
{
	uint64_t now_us;

	take_lock(pd);
	if (is_busy) {
		no_longer_busy(pd);
		now_us = done_us;
	} else {
		pd_clock_move(pd, pd->env.now_us + 1);
		now_us = pd->env.now_us;
	}
	pthread_mutex_unlock(&pd->lock);
	return now_us;
}

uint64_t
pd_deadline(const struct pd *pd, const struct timeval *tv)
{
	if (tv->tv_sec == 0 && tv->tv_usec == 0)
		return UINT64_MAX;
	return pd->env.now_us + (uint64_t)tv->tv_sec * 1000000 + (uint64_t)tv->tv_usec;
}

uint64_t
pd_deadline_ms(const struct pd *pd, int ms)
{
	return ms < 0 ? UINT64_MAX : pd->env.now_us + 1000 * (uint64_t)ms;
}
