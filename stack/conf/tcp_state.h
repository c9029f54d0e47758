/* SPDX-License-Identifier: BSD-3-Clause */
/* The states of a TCP connection and their names. */
#ifndef CONF_TCP_STATE_H
#define CONF_TCP_STATE_H

/** RFC 9293 s3.3.2. A zeroed connection is closed. */
enum tcp_state {
#define TCP_STATE(name, text) TCPS_##name,
#include "conf/tcp_states.def"
#undef TCP_STATE
};

/** How many states there are; for arrays with one element per state. */
enum {
#define TCP_STATE(name, text) +1
	TCP_STATE_COUNT = 0
#include "conf/tcp_states.def"
#undef TCP_STATE
};

/** The name shown to operators: "fin-wait-1". */
const char *tcp_state_name(enum tcp_state state);

#endif
