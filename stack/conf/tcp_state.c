/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of the TCP states. */
#include "base/assert.h"
#include "conf/tcp_state.h"

static const char *const state_names[] = {
#define TCP_STATE(name, text) [TCPS_##name] = text,
#include "conf/tcp_states.def"
#undef TCP_STATE
};

_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == TCP_STATE_COUNT, "a name each");

const char *
tcp_state_name(enum tcp_state state)
{
	ASSERT((unsigned int)state < TCP_STATE_COUNT);
	return state_names[state];
}
