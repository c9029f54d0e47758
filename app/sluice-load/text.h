/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people. */
#ifndef SLUICE_LOAD_TEXT_H
#define SLUICE_LOAD_TEXT_H

#include <stdint.h>

#define LOAD_TEXT_LEN 32

/** 1234567 as "1,234,567". */
const char *load_text_count(uint64_t value, char buf[LOAD_TEXT_LEN]);

/** 138021 as "138.0k"; below 10000 as it is. */
const char *load_text_rate(uint64_t value, char buf[LOAD_TEXT_LEN]);

/** Nanoseconds as "850ns", "12.3us", "1.54ms", "2.01s"; 0 as "-". */
const char *load_text_time(uint64_t ns, char buf[LOAD_TEXT_LEN]);

#endif
