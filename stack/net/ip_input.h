/* SPDX-License-Identifier: BSD-3-Clause */
/* What the way in prepares ahead; net_input() itself is declared in net.h. */
#ifndef NET_IP_INPUT_H
#define NET_IP_INPUT_H

#include "net/net.h"

/** Derive from par.local what is compared for every packet. */
void ip_input_init(struct net *net);

#endif
