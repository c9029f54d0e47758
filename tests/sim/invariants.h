/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold on the wire at every moment, whatever is inside: watched at one node's port. */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/flows.h"

/*
 *  I-1   streams are byte-exact                          apps.c
 *  I-2   no ACK beyond what arrived                      here
 *  I-3   no data beyond what the peer offered            here
 *  I-4   ACKs and the offered right edge never retreat   here; the rest tcp_check_invariants()
 *  I-5   who waits has a timer                           tcp_check_invariants(); I-9
 *  I-6   packets in use = sum of owners                  lib/host.c
 *  I-7   cwnd within bounds, I-8 RTO within bounds       tcp_check_invariants()
 *  I-9   every transfer ends                             apps.c
 *  I-10  unverified peers get no more than they send     here, for each flow
 *  I-11  no reply to RST                                 here
 *  I-12  every received frame has one outcome            lib/host.c
 *  I-13  transitions of RFC 9293 figure 5 only           asserted by the engine; here: no data
 *                                                        before the handshake, none after FIN
 *  I-14  a poll ends                                     lib/host.c (rounds), here (frames)
 *  I-15  connections do not interfere                    isolation.c
 *
 *  sabotage.c breaks them on purpose and sees each check fail.
 */

struct sim_node;
struct watch;

struct watch *watch_new(struct sim_node *node);
void watch_free(struct watch *w);

/** The node starts again: it has forgotten everything, and so does who watches it. */
void watch_restart(struct watch *w);

/** A burst is about to be received by the node. */
void watch_burst(struct watch *w, uint64_t now_us, const uint8_t *const *bufs, const size_t *lens,
	unsigned int n);

/** The node sent a frame. */
void watch_sent(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len);

/** The number of the first SYN the node has sent; false: none yet. */
bool watch_first_iss(const struct watch *w, uint32_t *iss);

/**
 * Of a connection of the node that did not end well: did the other end's segments go on to arrive
 * when nothing had moved for a minute? Then it was not the network that failed it.
 */
bool watch_is_stuck(struct watch *w, const struct flow_id *id);

/** What the node sent was too long for a link that does not say so. */
void watch_swallowed(struct watch *w, uint64_t now_us, const uint8_t *buf, size_t len);

/**
 * Of a connection of the node that has just ended: has a black hole swallowed some of it since
 * anything moved, which nobody looks for while tcp_mtu_probing is 0?
 */
bool watch_is_swallowed(struct watch *w, const struct flow_id *id);

/**
 * Of a connection of the node that has just ended: was its FIN acknowledged so long ago, and the
 * other's has not come? Then it was right to go (FIN-WAIT-2, tcp_fin_timeout).
 */
bool watch_has_waited_for_fin(struct watch *w, const struct flow_id *id, uint32_t timeout_s);

/**
 * An RST that the node sent there was its answer to a cookie that is no good, or to who came when
 * the half-open connection was over.
 */
bool watch_refused(struct watch *w, const struct flow_id *id);

/** Both FINs there were acknowledged, or it was reset, and a cookie may have come again since. */
bool watch_is_over(struct watch *w, const struct flow_id *id);

/** The node's step is over. */
void watch_step_end(struct watch *w);

#endif
