/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery messages: what is accepted stays within bounds and can be sent again. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/nd.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct nd_msg msg;

	if (nd_parse(exact, size, &msg) == ND_OK) {
		uint8_t buf[ND_MSG_LEN_MAX];
		size_t len = nd_encode(buf, &msg);
		struct nd_msg again;

		FUZZ_CHECK(size >= ND_MSG_LEN && size % 8 == 0);
		FUZZ_CHECK(msg.target.b[0] != 0xff);
		FUZZ_CHECK(!msg.has_lladdr || !mac_addr_is_multicast(&msg.lladdr));
		FUZZ_CHECK(len == (msg.has_lladdr ? ND_MSG_LEN_MAX : ND_MSG_LEN));
		FUZZ_CHECK(nd_parse(buf, len, &again) == ND_OK);
		FUZZ_CHECK(ip_addr_equal(&again.target, &msg.target));
		FUZZ_CHECK(again.is_advert == msg.is_advert && again.solicited == msg.solicited &&
			again.override == msg.override && again.router == msg.router &&
			again.has_lladdr == msg.has_lladdr);
	}
	free(exact);
	return 0;
}
