/* SPDX-License-Identifier: BSD-3-Clause */
/* One service running over the fake API. */
#include "lib/service_world.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const struct sluice *clock_world;
static uint64_t clock_start_us;

void
service_world_start(struct service_world *w, const struct sluice_service *service,
	const struct service_config *config, const struct fake_params *params)
{
	struct sluice_listen_params listen = { .addr.port = service->default_port };
	int err;

	w->s = fake_create(params);
	w->service = service;
	clock_world = w->s;
	clock_start_us = sluice_now_us(w->s);
	err = service->start(w->s, &listen, config, &w->state);
	assert(err == 0);
	(void)err;
}

void
service_world_stop(struct service_world *w)
{
	assert(fake_conns_open(w->s) == 0);
	assert(fake_bufs_lent(w->s) == 0);
	w->service->stop(w->s, w->state);
	fake_destroy(w->s);
	clock_world = NULL;
}

sluice_conn
service_world_connect(struct service_world *w)
{
	sluice_conn c = fake_peer_connect(w->s, w->service->default_port);

	assert(c != 0);
	fake_run(w->s);
	return c;
}

void
service_world_say_bytes(struct service_world *w, sluice_conn c, const void *data, size_t len)
{
	fake_peer_send(w->s, c, data, len);
	fake_run(w->s);
}

void
service_world_say(struct service_world *w, sluice_conn c, const char *text)
{
	service_world_say_bytes(w, c, text, strlen(text));
}

const char *
service_world_heard(struct service_world *w, sluice_conn c)
{
	return fake_peer_data(w->s, c, NULL);
}

void
service_world_leave(struct service_world *w, sluice_conn c)
{
	fake_peer_set_greedy(w->s, c, true);
	fake_peer_finish(w->s, c);
	fake_run(w->s);
	assert(fake_peer_end(w->s, c) == FAKE_FIN);
}

int64_t
service_world_clock_s(void)
{
	assert(clock_world != NULL);
	return SERVICE_WORLD_START_S +
		(int64_t)((sluice_now_us(clock_world) - clock_start_us) / 1000000);
}
