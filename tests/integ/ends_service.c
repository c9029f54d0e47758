/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's services, and one that ends connections in every way an application can. */
#include <stddef.h>
#include <stdint.h>

/* The list is the daemon's own but for its last row. */
#define services_all services_builtin
#include "services/services.c"
#undef services_all

#include "services/service_listener.h"

extern const struct sluice_service *const services_all[];

#define LINGER_S 2
#define CLOSES_MS 1500u
/* What a connection has for data once it was told what to do; and once it reads no more. */
#define TOLD ((void *)(uintptr_t)1)
#define DEAF ((void *)(uintptr_t)2)

static void
send_much(struct sluice *s, sluice_conn c)
{
	static const char much[10000]; /* less than tcp_wmem */

	(void)sluice_send(s, c, much, sizeof(much), 0);
}

static void
linger(struct sluice *s, sluice_conn c, int seconds)
{
	(void)sluice_setopt(s, c, SLUICE_SO_LINGER, seconds);
	send_much(s, c);
	(void)sluice_close(s, c);
}

static void
half_close(struct sluice *s, sluice_conn c, enum sluice_shut how)
{
	(void)sluice_shutdown(s, c, how);
	if (how == SLUICE_SHUT_WR)
		return;
	(void)sluice_set_data(s, c, DEAF, NULL);
	(void)sluice_set_timeout(s, c, CLOSES_MS);
}

/* What the client asks for. */
static void
obey(struct sluice *s, sluice_conn c, char what)
{
	switch (what) {
	case '0': /* SO_LINGER with 0 s */
		linger(s, c, 0);
		break;
	case 'n': /* SO_LINGER with some seconds */
		linger(s, c, LINGER_S);
		break;
	case 'r':
		half_close(s, c, SLUICE_SHUT_RD);
		break;
	case 'w':
		send_much(s, c);
		half_close(s, c, SLUICE_SHUT_WR);
		break;
	case 'b':
		half_close(s, c, SLUICE_SHUT_RDWR);
		break;
	default: /* close, with what else has come unread */
		(void)sluice_close(s, c);
		break;
	}
}

static void
ends_readable(struct sluice *s, sluice_conn c, void *data)
{
	struct sluice_buf buf;
	char what;
	ptrdiff_t n;

	if (data == NULL && sluice_recv(s, c, &what, 1) == 1) {
		(void)sluice_set_data(s, c, TOLD, NULL);
		obey(s, c, what);
		return;
	}
	if (data == DEAF)
		return;
	while ((n = sluice_recv_buf(s, c, &buf)) > 0)
		sluice_buf_free(s, &buf);
	if (n == 0)
		(void)sluice_close(s, c);
}

static void
ends_timeout(struct sluice *s, sluice_conn c, void *data)
{
	(void)data;
	(void)sluice_close(s, c);
}

static void
ends_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	(void)ctx;
	while (sluice_accept(s, l, &c) == 0)
		ends_readable(s, c, NULL);
}

static const struct sluice_ops ends_ops = {
	.acceptable = ends_acceptable,
	.readable = ends_readable,
	.timeout = ends_timeout,
};

static int
ends_start(struct sluice *s, struct sluice_listen_params *params, const void *config, void **state)
{
	(void)config;
	return service_listener_start(s, params, &ends_ops, state);
}

static const struct sluice_service service_ends = {
	.name = "ends",
	.default_port = 4000,
	.start = ends_start,
	.drain = service_listener_drain,
	.stop = service_listener_stop,
};

const struct sluice_service *const services_all[] = {
	&service_echo,
	&service_discard,
	&service_chargen,
	&service_http,
	&service_forward,
	&service_ends,
	NULL,
};
