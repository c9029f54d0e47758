/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache: which MAC address is behind a next hop, for IPv4 and IPv6 alike. */
#ifndef NET_NEIGH_H
#define NET_NEIGH_H

#include <stdint.h>

#include "base/siphash.h"
#include "conf/env.h"
#include "pkt/pkt.h"
#include "wire/addr.h"

/*
 * Threat model. Anybody on the segment can send ARP at line rate, under any name, and anybody at
 * all can make us send to addresses of our prefix that do not exist. So
 *  - memory is fixed: neigh_max entries, taken at start;
 *  - an entry is evicted in the order below, and each state that strangers can fill (INCOMPLETE by
 *    making us ask, STALE by telling us unasked) holds a quarter of the table at most: at least
 *    half of it belongs to neighbours that have answered, and the one who answered last goes last;
 *  - hearsay (STALE) never displaces anything but older hearsay;
 *  - the table is keyed with SipHash, so that nobody can choose who shares a chain.
 *
 *                     answer               time over or MAC disputed, then used
 *      INCOMPLETE ------------> REACHABLE -------------------------> PROBE
 *       |   ^                      ^                                 | | |
 *       |   | used                 +----------- answer --------------+ | |
 *       v   |                      +------ upper layer confirms -------+ |
 *      (free) <------------------------- no answer ----------------------+
 *           |
 *           +--- told unasked ---> STALE -- used --> PROBE             PERMANENT: by configuration
 */
enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE,	/* asked by broadcast, packets wait */
	NEIGH_STALE,		/* hearsay: told us, never asked */
	NEIGH_PROBE,		/* asked by unicast, in use meanwhile */
	NEIGH_REACHABLE,	/* has answered; once its time is over it is probed when used */
	NEIGH_PERMANENT,	/* configured; never changes, never leaves */
	NEIGH_STATES,
};

/** Packets that wait for one answer; a fourth displaces the oldest (RFC 4861 s7.2.2). */
#define NEIGH_WAITING_MAX 3u
/** Packets that wait in all; what comes then is dropped. */
#define NEIGH_WAITING_TOTAL_MAX 256u
/** Requests, a second apart, before a neighbour is given up (RFC 4861 s10). */
#define NEIGH_TRIES 3u
#define NEIGH_RETRY_US 1000000u
/** How long an answer is good (RFC 4861 s10: REACHABLE_TIME). */
#define NEIGH_REACHABLE_US 30000000u
/** A neighbour confirmed within this time is not confirmed or put in doubt again. */
#define NEIGH_SETTLED_US 1000000u

/** Direct-mapped front of the table, by the address's low bits. */
#define NEIGH_HOT 16u

#define NEIGH_MIN 16u
#define NEIGH_MAX 1048576u

/** No entry, as an index. */
#define NEIGH_NONE UINT32_MAX

struct neigh {
	/* Read for every packet. */
	struct ip_addr addr;		/* all ones while free: no next hop ever looks like that */
	union {
		struct mac_addr mac;	/* unless free or INCOMPLETE */
		uint64_t mac_word;	/* the same and two spare bytes, for one store */
	};
	uint64_t valid_until_us;	/* the MAC may be used before that; 0: not at all */

	uint64_t due_us;		/* INCOMPLETE, PROBE: when to ask again or give up */
	uint32_t chain;			/* next of the hash chain */
	uint32_t prev, next;		/* of the list of its state, oldest first */
	uint8_t state;			/* enum neigh_state */
	uint8_t tries;			/* requests that may still be sent */
	uint8_t waiting_count;
	struct pkt *waiting[NEIGH_WAITING_MAX];	/* IP packets, oldest first; held by the cache */
};

struct neigh_list {
	uint32_t head, tail;
	uint32_t count;
};

struct neigh_table {
	struct neigh *hot[NEIGH_HOT];	/* last hit of each slot; never NULL */
	struct neigh *entries;
	uint32_t *buckets;		/* heads of the hash chains */
	uint32_t bucket_mask;
	uint32_t max;			/* entries in all */
	uint32_t waiting;		/* packets that wait in all */
	struct siphash_key key;
	struct neigh_list lists[NEIGH_STATES];	/* each entry is in the list of its state */
};

/** Takes memory for max entries, NEIGH_MIN .. NEIGH_MAX. -EINVAL, -ENOMEM. */
int neigh_init(struct neigh_table *t, unsigned int max, const struct siphash_key *key);

/** Frees the waiting packets and the memory. */
void neigh_fini(struct neigh_table *t, struct env *env);

/** The general half of neigh_find(). */
struct neigh *neigh_find_hashed(struct neigh_table *t, const struct ip_addr *addr);

/** The entry of addr, or NULL. */
static inline struct neigh *
neigh_find(struct neigh_table *t, const struct ip_addr *addr)
{
	struct neigh *e = t->hot[addr->b[15] % NEIGH_HOT];

	if (ip_addr_equal(&e->addr, addr))
		return e;
	return neigh_find_hashed(t, addr);
}

/**
 * A new entry for addr, which has none, in one of the states INCOMPLETE (due now), STALE or
 * PERMANENT (with mac). NULL if there is no room for another STALE or PERMANENT one; INCOMPLETE
 * always finds some. What had to go for it or was refused is counted.
 */
struct neigh *neigh_add(struct neigh_table *t, struct env *env, const struct ip_addr *addr,
	enum neigh_state state, const struct mac_addr *mac);

/** Forget e; its waiting packets are dropped and counted. Not for PERMANENT. */
void neigh_remove(struct neigh_table *t, struct env *env, struct neigh *e);

/** e has answered, or the upper layer says it must be alive: good for NEIGH_REACHABLE_US. */
void neigh_set_reachable(struct neigh_table *t, struct env *env, struct neigh *e);

/** From STALE or REACHABLE: in use, but to be asked at once and tries times in all. */
void neigh_set_probe(struct neigh_table *t, struct env *env, struct neigh *e, unsigned int tries);

/** A request went out (INCOMPLETE, PROBE): one try less, the next thing is due in a second. */
void neigh_asked(struct neigh_table *t, struct env *env, struct neigh *e);

/** The INCOMPLETE or PROBE entry longest due at now_us, or NULL. */
struct neigh *neigh_due(struct neigh_table *t, uint64_t now_us);

/** When neigh_due() finds something next; UINT64_MAX: never. */
uint64_t neigh_due_at(const struct neigh_table *t);

/** True if e was confirmed less than NEIGH_SETTLED_US ago, or is PERMANENT. */
bool neigh_is_settled(const struct neigh *e, uint64_t now_us);

/** Let p, taken over, wait for the answer to e (INCOMPLETE). */
void neigh_wait(struct neigh_table *t, struct env *env, struct neigh *e, struct pkt *p);

/** Hand the waiting packets over to the caller, oldest first; returns how many. */
unsigned int neigh_take_waiting(
	struct neigh_table *t, struct neigh *e, struct pkt *out[NEIGH_WAITING_MAX]);

#endif
