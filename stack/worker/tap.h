/* SPDX-License-Identifier: BSD-3-Clause */
/* What one worker copies of its frames for somebody who looks on, without ever waiting for them. */
#ifndef WORKER_TAP_H
#define WORKER_TAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "conf/counters.h"
#include "pkt/pkt.h"
#include "wire/addr.h"

/** Bytes kept of a frame at most: what fits its length in a record. */
#define TAP_SNAP_MAX 65535u
/** Bytes looked at to find out what a frame is about: two tags, IPv6 with extensions, TCP. */
#define TAP_LOOK_LEN 256u

/** record.outcome of a frame that was sent, not received. */
#define TAP_SENT OUTCOME_MAX

/** One end of a conversation, or what is asked of it. */
struct tap_end {
	bool has_addr;
	struct ip_addr addr;
	uint16_t port; /* 0: any */
};

/** Which frames are kept. */
struct tap_filter {
	struct tap_end local, remote;
	uint16_t port; /* of either end; 0: any */
	bool drops_only; /* received and dropped */
	int outcome; /* received and ended so; -1: any */
};

struct tap_record {
	uint64_t at_us; /* when its burst came, on the worker's clock */
	uint32_t frame_len; /* bytes of the whole frame */
	uint16_t data_len; /* bytes that were kept of it */
	uint16_t outcome; /* enum outcome of a received frame; TAP_SENT; TAP_SENT + 1: not known */
};

/*
 * The worker appends records to a ring of bytes, the control thread takes them. Who is late loses
 * frames, which are counted; the worker never waits.
 *
 *      got (oldest)            put (next free)
 *        v                       v
 *   | . | record data | record data | . . . |      put - got bytes, positions count on for ever
 */
struct tap {
	/* set while no worker has it */
	struct tap_filter filter;
	uint32_t snap_len;
	uint32_t size; /* bytes of data, a power of two */
	/* the worker's */
	SLUICE_CACHE_ALIGNED _Atomic uint64_t put;
	_Atomic uint64_t lost; /* frames that found no room */
	uint64_t held; /* bytes behind put of a frame whose outcome is not known yet */
	bool is_full; /* ... which found no room */
	/* the reader's */
	SLUICE_CACHE_ALIGNED _Atomic uint64_t got;
	SLUICE_CACHE_ALIGNED uint8_t data[];
};

/** Bytes of a tap with room for size bytes of records. */
size_t tap_bytes(uint32_t size);

/** An empty tap in mem, aligned to CACHE_LINE; size is a power of two above TAP_SNAP_MAX. */
struct tap *tap_init(
	void *mem, uint32_t size, const struct tap_filter *filter, uint32_t snap_len);

/**
 * Worker: keep a frame, p's first bytes, if its ends are asked for; false: they are not. Nobody
 * sees it before tap_keep() says how it ended.
 */
bool tap_hold(struct tap *t, uint64_t now_us, const struct pkt *p, bool is_sent);

/** Worker: the frame held ended so; it is forgotten if nobody asks for that. False: it is lost. */
bool tap_keep(struct tap *t, unsigned int outcome);

/** Reader: what the oldest record says, without taking it; false: there is none. */
bool tap_peek(const struct tap *t, struct tap_record *out);

/** Reader: take the oldest record; data has room for TAP_SNAP_MAX. False: there is none. */
bool tap_take(struct tap *t, struct tap_record *out, uint8_t *data);

/** Frames lost so far, by any thread. */
uint64_t tap_lost(const struct tap *t);

#endif
