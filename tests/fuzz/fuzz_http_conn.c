/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The http service under a script of a peer: pieces of input, slow reading, silence, resets. The
 * input's first byte chooses sizes; then each byte is an act of the peer, the top bits saying which
 * and the low ones how much, followed by the bytes it sends.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/service_world.h"

#define PEERS 3u

enum act {
	ACT_SEND,	/* the next low + 1 bytes */
	ACT_SEND_MORE,	/* 32 times as many */
	ACT_TAKE,	/* 8 * low + 1 bytes */
	ACT_GREEDY,	/* take everything from now on, or stop doing so */
	ACT_WAIT,	/* a while: low in powers of two, milliseconds */
	ACT_FINISH,
	ACT_RESET,
	ACT_SWITCH,	/* to another peer, or a new one in its place */
};

struct peers {
	struct service_world w;
	sluice_conn conns[PEERS];
	bool finished[PEERS];
	bool greedy[PEERS];
	unsigned int now;
};

static void
connect_peer(struct peers *p)
{
	p->conns[p->now] = fake_peer_connect(p->w.s, p->w.service->default_port);
	p->finished[p->now] = false;
	p->greedy[p->now] = true;
	fake_run(p->w.s);
}

/* Do what one byte says; returns how many bytes of data it used. */
static size_t
act(struct peers *p, uint8_t byte, const uint8_t *data, size_t size)
{
	sluice_conn c = p->conns[p->now];
	unsigned int low = byte & 0x1f;
	size_t n = 0;

	switch ((enum act)(byte >> 5)) {
	case ACT_SEND:
	case ACT_SEND_MORE:
		n = (low + 1) * (byte >> 5 == ACT_SEND ? 1 : 32);
		n = n < size ? n : size;
		if (!p->finished[p->now])
			fake_peer_send(p->w.s, c, data, n);
		break;
	case ACT_TAKE:
		fake_peer_take(p->w.s, c, 8 * low + 1);
		break;
	case ACT_GREEDY:
		p->greedy[p->now] = !p->greedy[p->now];
		fake_peer_set_greedy(p->w.s, c, p->greedy[p->now]);
		break;
	case ACT_WAIT:
		fake_advance_ms(p->w.s, 1u << (low % 18));
		break;
	case ACT_FINISH:
		p->finished[p->now] = true;
		fake_peer_finish(p->w.s, c);
		break;
	case ACT_RESET:
		fake_peer_reset(p->w.s, c);
		break;
	case ACT_SWITCH:
		p->now = low % PEERS;
		if (p->conns[p->now] == 0 || low >= 16)
			connect_peer(p);
		break;
	}
	fake_run(p->w.s);
	return n;
}

/* Whoever connects last still gets an answer, and afterwards nothing is left. */
static void
check_end(struct peers *p)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	sluice_conn c;

	/* Every phase has a deadline: in this time the service has let go of everybody. */
	fake_set_bufs_max(p->w.s, UINT32_MAX);
	for (unsigned int i = 0; i < 10; i++)
		fake_advance_ms(p->w.s, 60000);
	FUZZ_CHECK(fake_bufs_lent(p->w.s) == 0);
	c = service_world_connect(&p->w);
	service_world_say(&p->w, c, request);
	FUZZ_CHECK(strncmp(service_world_heard(&p->w, c), "HTTP/1.1 200 OK\r\n", 17) == 0);
	FUZZ_CHECK(fake_peer_end(p->w.s, c) == FAKE_FIN);
	/* Who was closed but never took it is still the stack's; a real one gives up in time. */
	for (unsigned int i = 0; i < PEERS; i++)
		if (p->conns[i] != 0)
			fake_peer_reset(p->w.s, p->conns[i]);
	fake_run(p->w.s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_params params = { 0 };
	struct service_config config;
	struct peers p = { 0 };
	size_t at = 1;

	if (size < 2)
		return 0;
	service_config_default(&config);
	config.wall_clock_s = service_world_clock_s;
	config.max_conns = 2;
	config.partial_heads = 1 + (data[0] & 1);
	config.max_header_bytes = 256;
	config.max_body_bytes = 100;
	config.max_requests = 5;
	params.buf_bytes = 16u << (data[0] >> 1 & 7);
	params.sndbuf_bytes = 16u << (data[0] >> 4 & 7);
	service_world_start(&p.w, &service_http, &config, &params);
	connect_peer(&p);
	while (at < size) {
		uint8_t byte = data[at++];

		at += act(&p, byte, data + at, size - at);
	}
	check_end(&p);
	for (sluice_conn c = 1; fake_conns_open(p.w.s) > 0; c++) {
		fake_peer_reset(p.w.s, c);
		fake_run(p.w.s);
	}
	service_world_stop(&p.w);
	return 0;
}
