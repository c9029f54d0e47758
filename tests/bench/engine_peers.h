/* SPDX-License-Identifier: BSD-3-Clause */
/* The service that benchmarks of the engine talk to, and clients that talk to it in bursts. */
#ifndef BENCH_ENGINE_PEERS_H
#define BENCH_ENGINE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/membed.h"

/** Connections that are worked on at a time. */
#define ENGINE_BURST 32u

/** What the service does with a request. */
enum engine_service {
	ENGINE_ECHO,		/* sends it back; closes after the client */
	ENGINE_CLOSE,		/* closes, so that TIME_WAIT is its own */
	ENGINE_SINK,		/* reads the packets themselves */
	ENGINE_SINK_COPY,	/* reads into memory of its own */
	ENGINE_SOURCE,		/* sends packets without an end, after a byte from the client */
	ENGINE_SOURCE_COPY,	/* the same from memory of its own */
};

/** Serve PEER_SERVER_PORT; syncookies as the tunable's 0, 1, 2. Ends the program on failure. */
void engine_listen(struct membed *m, int syncookies, enum engine_service service);

/* All of these take n <= ENGINE_BURST clients and end the program when an answer is not right. */

/** Handshake. */
void engine_open_burst(struct membed *m, struct peer *peers, unsigned int n);

/** The clients acknowledge what they have, with nothing to send. */
void engine_ack_burst(struct membed *m, struct peer **peers, unsigned int n);

/** A request on each and its answer, which the next segment acknowledges. */
void engine_request_burst(struct membed *m, struct peer **peers, unsigned int n);

/** The client closes first, so nothing stays behind. */
void engine_close_burst(struct membed *m, struct peer *peers, unsigned int n);

/** With ENGINE_CLOSE: a request, the server closes first, its TIME_WAIT stays behind. */
void engine_time_wait_burst(struct membed *m, struct peer *peers, unsigned int n);

/** Open connections of the first n clients. */
void engine_establish(struct membed *m, struct peer *peers, uint32_t n);
/** The same for peers first to end - 1, after those before them. */
void engine_establish_more(struct membed *m, struct peer *peers, uint32_t first, uint32_t end);

#endif
