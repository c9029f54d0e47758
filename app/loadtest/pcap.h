/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes frames to a file that tcpdump, pktgen and testpmd read. */
#ifndef LOADTEST_PCAP_H
#define LOADTEST_PCAP_H

#include <stdint.h>
#include <stdio.h>

/** The head of a file of Ethernet frames. 0 or -EIO. */
int pcap_begin(FILE *out);

/** One frame, sent at_us after the first. 0 or -EIO. */
int pcap_add(FILE *out, const uint8_t *frame, uint16_t len, uint64_t at_us);

#endif
