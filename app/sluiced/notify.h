/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells a service manager how far the daemon is (sd_notify(3)), without its library. */
#ifndef SLUICED_NOTIFY_H
#define SLUICED_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	uint64_t every_ms; /* between signs of life; 0: none are asked for */
	uint64_t next_ms;
};

/** By the environment that systemd(1) starts services with, which is taken out of it. */
void notify_open(struct notify *n);

/** "READY=1", "STOPPING=1"; one line each, several at a time. */
void notify_say(const struct notify *n, const char *lines);

/** A sign of life, if it is time for one. */
void notify_alive(struct notify *n, uint64_t now_ms);

void notify_close(struct notify *n);

#endif
