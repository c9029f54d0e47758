/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a service whose only state of its own is its listener. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "services/service_listener.h"

struct service_listener {
	sluice_listener handle;
	bool open;
};

int
service_listener_start(struct sluice *s, struct sluice_listen_params *params,
	const struct sluice_ops *ops, void **state)
{
	struct service_listener *listener = calloc(1, sizeof(*listener));
	int err;

	if (listener == NULL)
		return -ENOMEM;
	params->ops = ops;
	params->ctx = NULL;
	err = sluice_listen(s, params, &listener->handle);
	if (err != 0) {
		free(listener);
		return err;
	}
	listener->open = true;
	*state = listener;
	return 0;
}

void
service_listener_drain(struct sluice *s, void *state)
{
	struct service_listener *listener = state;

	if (listener->open)
		sluice_listener_close(s, listener->handle);
	listener->open = false;
}

void
service_listener_stop(struct sluice *s, void *state)
{
	service_listener_drain(s, state);
	free(state);
}
