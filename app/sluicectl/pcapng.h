/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes frames as tcpdump and Wireshark read them: pcapng, one interface, comments per frame. */
#ifndef SLUICECTL_PCAPNG_H
#define SLUICECTL_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pcapng_frame {
	uint64_t at_ns; /* since 1970 */
	const uint8_t *data;
	uint32_t data_len, frame_len;
	bool is_sent;
	const char *comment; /* NULL: none */
};

/** What a file begins with. Errors of writing are those of out: ferror(). */
void pcapng_begin(FILE *out);

void pcapng_frame(FILE *out, const struct pcapng_frame *frame);

/** What a file ends with: frames that are in it, and that were lost. */
void pcapng_end(FILE *out, uint64_t at_ns, uint64_t taken, uint64_t lost);

#endif
