/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people. */
#ifndef SLUICECTL_NUMBER_H
#define SLUICECTL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that hold any text below, its end included. */
#define NUMBER_LEN 40

/** 1234567 as "1,234,567", or as it is. */
const char *number_text(int64_t value, bool separated, char buf[NUMBER_LEN]);

/** Change per second of a counter over ns nanoseconds, rounded; 0 if ns is 0. */
int64_t number_rate(int64_t before, int64_t now, int64_t ns);

/** Seconds as "3d 4h", "4h 5m", "5m 6s", "6s". */
const char *number_age(int64_t seconds, char buf[NUMBER_LEN]);

/** Microseconds as "850us", "1.5ms", "2.0s". */
const char *number_time(int64_t us, char buf[NUMBER_LEN]);

#endif
