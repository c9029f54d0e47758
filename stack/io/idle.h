/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker without work does: spin a little, then sleep, and how others wake it. */
#ifndef IO_IDLE_H
#define IO_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_atomic.h>

#include "base/compiler.h"

/*
 * The ladder. For spin_us after the last work the worker only pauses. Then it sleeps: on the port's
 * descriptor where there is one, until that is readable; otherwise for a sixteenth of the time it
 * has been idle, at most IDLE_NAP_MAX_US, so that it looks often while traffic is fresh. Other
 * threads that put something into its rings call idle_wake().
 */

/** Longest sleep of a worker that has to look at its port itself. */
#define IDLE_NAP_MAX_US 1000u
#define IDLE_NAP_MIN_US 10u
/** Longest sleep of one that is woken by its port. */
#define IDLE_SLEEP_MAX_US 1000000u

struct idle {
	/* written by the worker, read by whoever wakes it */
	SLUICE_CACHE_ALIGNED _Atomic bool asleep;
	/* never written after idle_init */
	SLUICE_CACHE_ALIGNED int epoll_fd;
	int wake_fd; /* an eventfd */
	bool must_look; /* nobody wakes us for packets */
	bool spin_only;
	uint32_t spin_us;
	/* the worker's own */
	uint64_t since_us; /* end of the last work */
	unsigned int fruitless; /* wake-ups by the port in a row that brought nothing */
	uint64_t sleeps; /* times slept, ever */
};

/**
 * rx_fd: the port's descriptor, -1: none. must_look: packets may come that nothing wakes us for.
 * spin_only: never sleep. 0 or -errno.
 */
int idle_init(struct idle *idle, int rx_fd, bool must_look, bool spin_only, uint32_t spin_us);
void idle_fini(struct idle *idle);

/** Precise short sleeps for the calling thread; once per worker. */
void idle_prepare_thread(void);

/** The worker did something. */
static inline void
idle_reset(struct idle *idle, uint64_t now_us)
{
	idle->since_us = now_us;
	idle->fruitless = 0;
}

/**
 * The worker found nothing to do and need not do anything for max_us. has_work looks into its rings
 * once more after the others can see that it sleeps: what they put there before would wake nobody.
 */
void idle_wait(struct idle *idle, uint64_t now_us, uint64_t max_us,
	bool (*has_work)(const void *ctx), const void *ctx);

/** Slow half of idle_wake. */
void idle_wake_asleep(struct idle *idle);

/** Something is in the worker's rings; any thread, after it was put there. */
static inline void
idle_wake(struct idle *idle)
{
	/* The put must be visible before asleep is read: see idle_wait for the other half. */
	rte_smp_mb();
	if (atomic_load_explicit(&idle->asleep, memory_order_relaxed))
		idle_wake_asleep(idle);
}

#endif
