/* SPDX-License-Identifier: BSD-3-Clause */
/* The discard service (RFC 863): reads everything, answers nothing. */
#include <stddef.h>

#include "services/service_listener.h"
#include "services/services.h"

/* A connection costs nothing beyond the stack's own state. */
static void
discard_readable(struct sluice *s, sluice_conn c, void *data)
{
	struct sluice_buf buf;
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv_buf(s, c, &buf)) > 0)
		sluice_buf_free(s, &buf);
	if (n == 0)
		sluice_close(s, c);
}

static void
discard_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	(void)ctx;
	while (sluice_accept(s, l, &c) == 0)
		discard_readable(s, c, NULL);
}

static const struct sluice_ops discard_ops = {
	.acceptable = discard_acceptable,
	.readable = discard_readable,
};

static int
discard_start(struct sluice *s, struct sluice_listen_params *params, const void *config,
	void **state)
{
	(void)config;
	return service_listener_start(s, params, &discard_ops, state);
}

const struct sluice_service service_discard = {
	.name = "discard",
	.default_port = 9,
	.start = discard_start,
	.drain = service_listener_drain,
	.stop = service_listener_stop,
};
