/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's TCP behind a tap, a server on it, and its clients; run it with with_tap. */
#ifndef BENCH_LINUX_BED_H
#define BENCH_LINUX_BED_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/peer_frames.h"

/** Frames that are written in a row; connections that are worked on at a time. */
#define LINUX_BURST 32u

struct linux_bed {
	int tap;
	int epoll;
	int listener;
	unsigned int accepted;	/* connections, ever */
	uint64_t cycles;	/* in the kernel and the server since it was last set to 0 */
	void (*serve)(int fd);	/* what the server does with a connection that is ready */
	uint32_t events;	/* what makes it ready, as for epoll_ctl */
};

/* All of these end the program when something is not as it should be. */

/** Says what went wrong, with errno, and ends the program. */
void linux_fail(const char *what) __attribute__((noreturn));
void linux_check(bool fine, const char *what);

/** No interface but the tap is up, no route leads elsewhere; stay on one CPU. */
void linux_bed_alone(void);

/** Open the tap and an echo server; syncookies as the tunable's 0, 1, 2. */
void linux_bed_open(struct linux_bed *bed, unsigned int syncookies);

/** Connections still open are the process's to close: their RSTs find no reader. */
void linux_bed_close(struct linux_bed *bed);

/** One turn of the server: everything that waits, for each waits once. Counts. */
void linux_serve(struct linux_bed *bed);

/** Give the kernel n <= LINUX_BURST frames of an ethertype; 0x0800 is what it knows. Counts. */
void linux_write(struct linux_bed *bed, const struct peer_frame *frames, unsigned int n,
	uint16_t ethertype);
void linux_send(struct linux_bed *bed, const struct peer_frame *frames, unsigned int n);

/** The next TCP segment of the kernel; false: none yet. */
bool linux_next(struct linux_bed *bed, struct peer_reply *r);

/** Wait for n segments with all of these flags, or with a request's answer if flags is 0. */
void linux_await(struct linux_bed *bed, uint8_t flags, unsigned int n,
	struct peer_reply *replies);

/* These take n <= LINUX_BURST clients. */

/** Handshakes of clients [first, first + n), whose SYNs are as lie says; they begin at peers[0]. */
void linux_open_burst(struct linux_bed *bed, struct peer *peers, uint32_t first, unsigned int n,
	enum peer_lie lie);
void linux_request_burst(struct linux_bed *bed, struct peer **peers, unsigned int n);
void linux_ack_burst(struct linux_bed *bed, struct peer **peers, unsigned int n);

/** The client closes first, so nothing stays behind. */
void linux_close_burst(struct linux_bed *bed, struct peer **peers, unsigned int n);

/** Open clients 0 to n - 1, and close them. */
void linux_open_all(struct linux_bed *bed, struct peer *peers, uint32_t n);
void linux_close_all(struct linux_bed *bed, struct peer *peers, uint32_t n);

#endif
