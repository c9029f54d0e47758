/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host must be like for sluiced, as checks that look and change nothing. */
#ifndef SLUICECTL_DOCTOR_H
#define SLUICECTL_DOCTOR_H

#include "ctl/config.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_SKIP, /* means nothing on this host, or for this configuration */
	DOCTOR_WARN, /* slower than need be, or will be in the way */
	DOCTOR_FAIL, /* sluiced will not start or not serve */
};

/** What a check found. */
struct doctor_result {
	enum doctor_status status;
	char what[300];
	char fix[300]; /* "": nothing to be done */
};

/** What the checks look at. */
struct doctor {
	const char *sysroot; /* in front of /sys, /proc and /dev; "": this host */
	const struct config *conf; /* defaults if there is no file */
};

struct doctor_check {
	const char *id;
	void (*run)(const struct doctor *d, struct doctor_result *r);
};

/** All checks; id NULL behind the last. */
extern const struct doctor_check doctor_checks[];

#endif
