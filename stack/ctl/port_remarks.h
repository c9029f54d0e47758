/* SPDX-License-Identifier: BSD-3-Clause */
/* What it means where a port grants less than was asked for. */
#ifndef CTL_PORT_REMARKS_H
#define CTL_PORT_REMARKS_H

#include "ctl/backend.h"

#define CTL_PORT_REMARKS_MAX 4u

struct ctl_port_remark {
	const char *feature; /* the member of "features", or of the port, that it is about */
	const char *meaning; /* in plain words, with what to do */
};

/** Fill out; returns how many. None: the port does all that was asked. */
unsigned int ctl_port_remarks(
	const struct ctl_port_row *port, struct ctl_port_remark out[CTL_PORT_REMARKS_MAX]);

#endif
