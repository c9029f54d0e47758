/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine alone takes to wake a thread: one sleeps in epoll_wait on the first CPU, another
 * on the last writes its eventfd after 20 ms of silence. Axis (j) has no less.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 300u
#define QUICK_ROUNDS 5u
#define SILENCE_NS 20000000u

struct sleeper {
	int epoll_fd, event_fd;
	_Atomic uint64_t woke_ns; /* 0: asleep */
	_Atomic bool is_over;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		perror("wake_floor: sched_setaffinity");
		exit(1);
	}
}

static void *
doze(void *arg)
{
	struct sleeper *s = arg;

	run_on(0);
	while (!atomic_load(&s->is_over)) {
		struct epoll_event ev;
		uint64_t count;

		if (epoll_wait(s->epoll_fd, &ev, 1, -1) != 1)
			continue;
		atomic_store(&s->woke_ns, now_ns());
		(void)!read(s->event_fd, &count, sizeof(count));
	}
	return NULL;
}

static void
ring(struct sleeper *s)
{
	const uint64_t one = 1;

	(void)!write(s->event_fd, &one, sizeof(one));
}

static uint64_t
wake(struct sleeper *s)
{
	uint64_t start = now_ns(), woke;

	while (now_ns() - start < SILENCE_NS)
		;
	atomic_store(&s->woke_ns, 0);
	start = now_ns();
	ring(s);
	while ((woke = atomic_load(&s->woke_ns)) == 0)
		;
	return woke - start;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	struct sleeper s = { epoll_create1(EPOLL_CLOEXEC), eventfd(0, EFD_CLOEXEC), 0, false };
	struct epoll_event ev = { .events = EPOLLIN };
	unsigned int rounds = argc > 1 ? QUICK_ROUNDS : ROUNDS;
	uint64_t took[ROUNDS];
	pthread_t thread;

	if (argc > 1 && strcmp(argv[1], "--quick") != 0) {
		fprintf(stderr, "Usage: wake_floor [--quick]\n");
		return 2;
	}
	if (epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, s.event_fd, &ev) != 0 ||
		pthread_create(&thread, NULL, doze, &s) != 0) {
		perror("wake_floor");
		return 1;
	}
	run_on((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	for (unsigned int i = 0; i < rounds; i++)
		took[i] = wake(&s);
	atomic_store(&s.is_over, true);
	ring(&s);
	(void)pthread_join(thread, NULL);
	qsort(took, rounds, sizeof(took[0]), compare);
	printf("{\"bench\":\"wake_floor\",\"unit\":\"ns\",\"p50\":%" PRIu64 ",\"p99\":%" PRIu64
	       ",\"runs\":%u}\n",
		took[rounds / 2], took[rounds * 99 / 100], rounds);
	return 0;
}
