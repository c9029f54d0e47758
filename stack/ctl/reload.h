/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the configuration again while the daemon runs: what differs, and what may change. */
#ifndef CTL_RELOAD_H
#define CTL_RELOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/backend.h"

#define CTL_RELOAD_ERR_LEN 600

/** What a reload found and did. */
struct ctl_reload {
	json_t *changes; /* rows of key, from, to, applies ("now", "restart"); the caller's */
	unsigned int restarts; /* of them, those that need a restart */
	char err[CTL_RELOAD_ERR_LEN]; /* why not, in words */
};

/**
 * Read the file the daemon was started with. All of it is taken over or, with an error, nothing: an
 * error in it, or a change that needs a restart, keeps the daemon as it is. is_dry: look only, then
 * a change that needs a restart is no error.
 * 0; -EINVAL: the file is wrong; -EPERM: a restart is needed; -EAGAIN: the workers are busy.
 */
int ctl_reload(const struct ctl_backend *b, bool is_dry, struct ctl_reload *out);

#endif
