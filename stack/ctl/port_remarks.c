/* SPDX-License-Identifier: BSD-3-Clause */
/* The remarks, in the order of the columns of show ports --features. */
#include "ctl/port_remarks.h"

#include <string.h>

#include "base/assert.h"

unsigned int
ctl_port_remarks(const struct ctl_port_row *port, struct ctl_port_remark out[CTL_PORT_REMARKS_MAX])
{
	const struct {
		bool applies;
		const char *feature, *meaning;
	} rules[] = {
		{ port->queues < port->queues_asked, "queues",
			"fewer queues than workers: those without one get their packets handed "
			"over by the others (see show cores, HANDOV/s)" },
		{ port->rx_csum == CTL_FEATURE_SW, "csum_rx",
			"this device checks no TCP checksums: the workers read each received "
			"byte once more" },
		{ port->tx_csum == CTL_FEATURE_SW, "csum_tx",
			"this device fills in no TCP checksums: the workers read each sent "
			"byte once more" },
		{ strcmp(port->rss_key, "fixed") == 0, "rss_key",
			"the key cannot be set on this device: who knows it can aim all flows "
			"at one core; packets on the wrong one are handed over (see show "
			"cores, HANDOV/s)" },
		{ strcmp(port->rss_key, "none") == 0, "rss_key",
			"this device does not spread flows by a hash: packets on the wrong core "
			"are handed over (see show cores, HANDOV/s)" },
	};
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].applies)
			continue;
		ASSERT(count < CTL_PORT_REMARKS_MAX);
		out[count++] = (struct ctl_port_remark){ rules[i].feature, rules[i].meaning };
	}
	return count;
}
