/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams that are being put together from fragments: a bounded table, IPv4 and IPv6 alike. */
#ifndef NET_REASS_H
#define NET_REASS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "conf/env.h"
#include "pkt/pkt.h"
#include "wire/addr.h"

/*
 * Threat model. Anybody can send fragments at line rate, under any source, and never the last one
 * (FragmentSmack, CVE-2018-5391), or with contradictions made to be read in two ways. So
 *  - a fragment is copied to its place in the one buffer of its datagram at once: what a datagram
 *    takes does not depend on how it was cut, and there is no list to walk. What fits no buffer is
 *    given up: no peer that keeps to our MSS sends it;
 *  - rows are fixed in number, buffers by ipfrag_high_thresh, and none is taken from the reserve
 *    that receiving lives on;
 *  - the oldest datagram gives way, since the fragments of an honest one come back to back; one
 *    source holds an eighth of the rows at most, and then its own oldest gives way;
 *  - 64 fragments of a datagram are looked at, for ipfrag_time from the first one;
 *  - an overlap with other bytes, or a contradiction about the end, condemns the datagram: its
 *    buffer is given back and the row stays for its time, to refuse what else comes of it
 *    (RFC 5722 s4, for IPv4 as well). The very same bytes again are a network's duplicate;
 *  - rows are found by a keyed hash.
 */

/** Rows of each worker: datagrams that can be under way at a time. */
#define REASS_ROWS 1024u
/** Fragments of one datagram that are looked at. */
#define REASS_FRAGMENTS_MAX 64u
/** Bytes of the largest payload: what the largest MTU lets a buffer hold. */
#define REASS_BYTES_MAX 9216u
/** A source has 1 / REASS_SHARE of the rows. */
#define REASS_SHARE 8u
/** Lists of rows by source; sources of one list share their share. */
#define REASS_SOURCES 256u

/** No row, as an index. */
#define REASS_NONE UINT16_MAX

/** A fragment, as both versions of IP describe it. All of it is in the frame it came in. */
struct reass_fragment {
	uint64_t key[3];		/* reass_key_make() */
	const uint8_t *frame;		/* Ethernet header and IP header without options */
	const uint8_t *data;		/* behind the headers */
	uint16_t offset, len;		/* bytes of data, and their place in the payload */
	uint8_t ip_hdr_len;		/* bytes of the IP header that is kept: 20, 40 */
	uint8_t next_header;		/* what the payload begins with; of the first one */
	uint8_t ecn;			/* enum ip_ecn */
	bool more;
};

struct reass_link {
	uint16_t prev, next;
};

struct reass_row {
	uint64_t key[3];
	struct pkt *pkt;		/* headers at its data, payload behind; NULL: given up */
	uint64_t due_us;		/* when its time is over */
	struct reass_link by_age, by_source;
	uint16_t chain;			/* next of the hash chain, or of the free list */
	uint16_t source;		/* list it is in */
	uint16_t got, total;		/* bytes that are there, and in all; total 0: not known */
	uint16_t end;			/* behind the last byte that is there */
	uint16_t first_len;		/* bytes of the first fragment's payload; 0: did not come */
	uint8_t ip_hdr_len;
	uint8_t next_header;
	uint8_t fragments;
	uint8_t ecn;			/* a bit for each enum ip_ecn seen */
	uint64_t units[REASS_BYTES_MAX / 8 / 64]; /* a bit for each 8 bytes that are there */
};

struct reass_list {
	uint16_t head, tail;
	uint16_t count;
};

struct reass_table {
	struct reass_row *rows;
	uint16_t *buckets;		/* heads of the hash chains */
	struct reass_list ages[2];	/* IPv4, IPv6; oldest first */
	struct reass_list sources[REASS_SOURCES];
	uint16_t free;
	uint16_t used;
	struct siphash_key key;
};

/** Takes all memory. -ENOMEM. */
int reass_init(struct reass_table *t, const struct siphash_key *key);

/** Frees the packets and the memory; env is not looked at if there are none. */
void reass_fini(struct reass_table *t, struct env *env);

/** What is the same of all fragments of a datagram (RFC 791 s3.2, RFC 8200 s4.5). */
void reass_key_make(uint64_t key[3], const struct ip_addr *src, unsigned int laddr_idx, uint32_t id,
	uint8_t proto);

/**
 * Take a fragment in. OUTCOME_MAX: with it the datagram is complete, *whole is it: the headers as
 * they came with the first fragment, then the payload; the caller owns it and makes the headers
 * right. Else the outcome of the fragment. *row is set then and only then.
 */
unsigned int reass_add(struct reass_table *t, struct env *env, const struct reass_fragment *f,
	struct reass_row *row, struct pkt **whole);

/** When reass_expired() finds something next; UINT64_MAX: never. */
uint64_t reass_due_at(const struct reass_table *t);

/**
 * Forget one datagram whose time is over. False: there is none. What is known of it is in *row;
 * row->pkt, the caller's, is NULL unless its first fragment came.
 */
bool reass_expired(struct reass_table *t, struct env *env, struct reass_row *row);

#endif
