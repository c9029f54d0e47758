/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors that we send, and the budget of all ICMP that we send. */
#ifndef NET_ICMP_OUTPUT_H
#define NET_ICMP_OUTPUT_H

#include "net/net.h"
#include "wire/icmp.h"

/** Messages that may go out at once, however long nothing was sent (Linux: icmp_msgs_burst). */
#define ICMP_BURST 50u

/** Take one message out of icmp_msgs_per_sec; false: there is none (counted). */
bool icmp_take_credit(struct net *net, struct env *env);

/**
 * Answer p, taken over, with the error msg about it, or free it: Ethernet header, IP header to the
 * end; to one of our addresses, from one that ip_input lets pass. The error is written into p.
 */
void icmp4_error(struct net *net, struct env *env, struct pkt *p, const struct icmp_msg *msg,
	struct pkt_txq *tx);

/** The same of IPv6. */
void icmp6_error(struct net *net, struct env *env, struct pkt *p, const struct icmp_msg *msg,
	struct pkt_txq *tx);

#endif
