/* SPDX-License-Identifier: BSD-3-Clause */
/* The character generator (RFC 864): sends rotating lines until the peer closes. */
#include <stddef.h>
#include <stdint.h>

#include "services/chargen_pattern.h"
#include "services/service_listener.h"
#include "services/services.h"

#define CHARGEN_RETRY_MS 5u	/* to the next try when the stack has no buffer to give */

/*
 * A connection's whole state is its position in the pattern, and that fits into the data pointer:
 * no memory per connection, so no limit of our own. Work per callback is bounded by the send
 * buffer (tcp_wmem) and by the receive buffer.
 */
static void
chargen_send(struct sluice *s, sluice_conn c, void *data)
{
	uint32_t pos = (uint32_t)(uintptr_t)data;
	struct sluice_buf buf;
	int segment_bytes;

	if (sluice_getopt(s, c, SLUICE_TCP_MAXSEG, &segment_bytes) != 0)
		return;

	for (;;) {
		uint32_t next;

		/* Nothing may be queued here that could make the connection writable later. */
		if (sluice_buf_alloc(s, &buf) != 0) {
			sluice_set_timeout(s, c, CHARGEN_RETRY_MS);
			break;
		}
		/* Longer ones would be cut again on their way. */
		if (buf.len > (uint32_t)segment_bytes)
			buf.len = (uint32_t)segment_bytes;
		next = chargen_fill(buf.data, buf.len, pos);
		/* -EAGAIN: writable will come; other errors: closed will. */
		if (sluice_send_buf(s, c, &buf, 0) < 0) {
			sluice_buf_free(s, &buf);
			break;
		}
		pos = next;
	}
	sluice_set_data(s, c, (void *)(uintptr_t)pos, NULL);
}

/* RFC 864: "Any data received is thrown away." */
static void
chargen_readable(struct sluice *s, sluice_conn c, void *data)
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
chargen_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	while (sluice_accept(s, l, &c) == 0) {
		chargen_send(s, c, ctx);
		chargen_readable(s, c, NULL);
	}
}

static const struct sluice_ops chargen_ops = {
	.acceptable = chargen_acceptable,
	.readable = chargen_readable,
	.writable = chargen_send,
	.timeout = chargen_send,
};

static int
chargen_start(struct sluice *s, struct sluice_listen_params *params, const void *config,
	void **state)
{
	(void)config;
	return service_listener_start(s, params, &chargen_ops, state);
}

const struct sluice_service service_chargen = {
	.name = "chargen",
	.default_port = 19,
	.start = chargen_start,
	.drain = service_listener_drain,
	.stop = service_listener_stop,
};
