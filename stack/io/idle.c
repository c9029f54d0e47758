/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleeping on an epoll set of the port's descriptor and an eventfd. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_pause.h>

#include "io/idle.h"

/* Fraction of the idle time that a worker without a descriptor sleeps. */
#define NAP_SHIFT 4
/* A port that wakes us this often for nothing (no buffers, no interface) is not listened to. */
#define FRUITLESS_MAX 4u
#define TIMER_SLACK_NS 1000ul

enum {
	EVENT_WAKE,
	EVENT_RX,
};

static int
watch(const struct idle *idle, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ev = { .events = events, .data.u32 = what };

	return epoll_ctl(idle->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int
idle_init(struct idle *idle, int rx_fd, bool must_look, bool spin_only, uint32_t spin_us)
{
	int rc;

	memset(idle, 0, sizeof(*idle));
	idle->spin_only = spin_only;
	idle->spin_us = spin_us;
	idle->must_look = must_look;
	idle->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	idle->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (idle->epoll_fd < 0 || idle->wake_fd < 0) {
		rc = -errno;
	} else {
		/* Edge-triggered: each write wakes once, nobody has to read. */
		rc = watch(idle, idle->wake_fd, EPOLLIN | EPOLLET, EVENT_WAKE);
		if (rc == 0 && rx_fd >= 0)
			rc = watch(idle, rx_fd, EPOLLIN, EVENT_RX);
	}
	if (rc != 0)
		idle_fini(idle);
	return rc;
}

void
idle_fini(struct idle *idle)
{
	if (idle->epoll_fd >= 0)
		(void)close(idle->epoll_fd);
	if (idle->wake_fd >= 0)
		(void)close(idle->wake_fd);
	idle->epoll_fd = -1;
	idle->wake_fd = -1;
}

void
idle_prepare_thread(void)
{
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

void
idle_wake_asleep(struct idle *idle)
{
	const uint64_t one = 1;

	(void)!write(idle->wake_fd, &one, sizeof(one));
}

/* How long to sleep, 0: not yet. */
static uint64_t
nap_of(const struct idle *idle, uint64_t now_us, uint64_t max_us)
{
	uint64_t idle_us = now_us - idle->since_us;
	uint64_t nap = idle_us >> NAP_SHIFT;

	if (idle->spin_only || idle_us < idle->spin_us || max_us == 0)
		return 0;
	if (!idle->must_look && idle->fruitless < FRUITLESS_MAX)
		return min_u64(max_us, IDLE_SLEEP_MAX_US);
	return min_u64(max_us, min_u64(max_u64(nap, IDLE_NAP_MIN_US), IDLE_NAP_MAX_US));
}

static void
sleep_for(struct idle *idle, uint64_t nap_us)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(nap_us / 1000000u),
		.tv_nsec = (long)(nap_us % 1000000u) * 1000,
	};
	struct epoll_event events[2];
	bool port_deaf = idle->fruitless >= FRUITLESS_MAX;
	int n;

	idle->sleeps++;
	if (port_deaf) {
		(void)nanosleep(&ts, NULL);
		idle->fruitless = 0;
		return;
	}
	n = epoll_pwait2(idle->epoll_fd, events, (int)ARRAY_SIZE(events), &ts, NULL);
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 == EVENT_RX)
			idle->fruitless++;
}

void
idle_wait(struct idle *idle, uint64_t now_us, uint64_t max_us, bool (*has_work)(const void *ctx),
	const void *ctx)
{
	uint64_t nap_us = nap_of(idle, now_us, max_us);

	if (nap_us == 0) {
		rte_pause();
		return;
	}
	atomic_store_explicit(&idle->asleep, true, memory_order_relaxed);
	/* The other half of idle_wake: asleep is visible before the rings are looked at. */
	rte_smp_mb();
	if (!has_work(ctx))
		sleep_for(idle, nap_us);
	atomic_store_explicit(&idle->asleep, false, memory_order_relaxed);
}
