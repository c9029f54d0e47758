/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of the benchmarked engine: every answer is checked, so that no figure is of failures. */
#include <stdlib.h>

#include "bench/bulk_peers.h"
#include "bench/engine_peers.h"

#include "sluice/sluice.h"

#define BACKLOG (1u << 21)

/* --- the services ---------------------------------------------------------------------------- */

static void
echo_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t buf[2048];
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv(s, c, buf, sizeof(buf))) > 0)
		sluice_send(s, c, buf, (size_t)n, 0);
	if (n == 0)
		sluice_close(s, c);
}

static void
close_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t buf[2048];

	(void)data;
	if (sluice_recv(s, c, buf, sizeof(buf)) >= 0)
		sluice_close(s, c);
}

/* Data is thrown away as it came. */
static void
sink_readable(struct sluice *s, sluice_conn c, void *data)
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
sink_copy_readable(struct sluice *s, sluice_conn c, void *data)
{
	static uint8_t buf[65536];
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv(s, c, buf, sizeof(buf))) > 0)
		;
	if (n == 0)
		sluice_close(s, c);
}

/* Full segments without an end, begun by a byte from the client; their content does not matter. */
static void
source_send(struct sluice *s, sluice_conn c, void *data)
{
	struct sluice_buf buf;

	(void)data;
	for (;;) {
		if (sluice_buf_alloc(s, &buf) != 0)
			abort();
		buf.len = BULK_SEGMENT_BYTES;
		if (sluice_send_buf(s, c, &buf, 0) < 0) {
			sluice_buf_free(s, &buf);
			return;
		}
	}
}

static void
source_copy_send(struct sluice *s, sluice_conn c, void *data)
{
	static uint8_t buf[8 * BULK_SEGMENT_BYTES];

	(void)data;
	/* A segment is sent when it is full. */
	while (sluice_send(s, c, buf, sizeof(buf), SLUICE_MSG_MORE) > 0)
		;
}

static void
source_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t byte;

	if (sluice_recv(s, c, &byte, 1) == 1)
		source_send(s, c, data);
}

static void
source_copy_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t byte;

	if (sluice_recv(s, c, &byte, 1) == 1)
		source_copy_send(s, c, data);
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	(void)ctx;
	while (sluice_accept(s, l, &c) == 0)
		;
}

static const struct sluice_ops services[] = {
	[ENGINE_ECHO] = { .acceptable = on_acceptable, .readable = echo_readable },
	[ENGINE_CLOSE] = { .acceptable = on_acceptable, .readable = close_readable },
	[ENGINE_SINK] = { .acceptable = on_acceptable, .readable = sink_readable },
	[ENGINE_SINK_COPY] = { .acceptable = on_acceptable, .readable = sink_copy_readable },
	[ENGINE_SOURCE] = { .acceptable = on_acceptable, .readable = source_readable,
		.writable = source_send },
	[ENGINE_SOURCE_COPY] = { .acceptable = on_acceptable, .readable = source_copy_readable,
		.writable = source_copy_send },
};

void
engine_listen(struct membed *m, int syncookies, enum engine_service service)
{
	struct sluice_listen_params par = {
		.addr = { .port = PEER_SERVER_PORT },
		.backlog = BACKLOG,
		.syncookies = syncookies,
		.syncookies_set = true,
		.nodelay = true,
		.ops = &services[service],
		.name = "bench",
	};
	struct tunables tun = m->w.tun;
	sluice_listener l;

	tun.somaxconn = BACKLOG;
	tun.tcp_max_syn_backlog = BACKLOG;
	worker_set_tunables(&m->w, &tun);
	if (sluice_listen(&m->w.sluice, &par, &l) != 0)
		abort();
}

/* --- the clients ----------------------------------------------------------------------------- */

void
engine_open_burst(struct membed *m, struct peer *peers, unsigned int n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };
	struct peer_reply replies[ENGINE_BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(&peers[i], PEER_SYN, 0);
	if (membed_burst(m, frames, n, replies, ENGINE_BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (replies[i].dport != peers[i].sport || replies[i].flags != (PEER_SYN | PEER_ACK))
			abort();
		peers[i].snd_nxt++;
		peers[i].rcv_nxt = replies[i].seq + 1;
		frames[i] = peer_frame_of(&peers[i], PEER_ACK, 0);
	}
	membed_burst(m, frames, n, replies, ENGINE_BURST);
}

void
engine_ack_burst(struct membed *m, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_ACK, 0);
	membed_burst(m, frames, n, NULL, 0);
}

void
engine_request_burst(struct membed *m, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };
	struct peer_reply replies[ENGINE_BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_PSH | PEER_ACK, PEER_REQUEST_BYTES);
	if (membed_burst(m, frames, n, replies, ENGINE_BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (replies[i].len != PEER_REQUEST_BYTES)
			abort();
		peers[i]->snd_nxt += PEER_REQUEST_BYTES;
		peers[i]->rcv_nxt += PEER_REQUEST_BYTES;
	}
}

void
engine_close_burst(struct membed *m, struct peer *peers, unsigned int n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };
	struct peer_reply replies[ENGINE_BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(&peers[i], PEER_FIN | PEER_ACK, 0);
	if (membed_burst(m, frames, n, replies, ENGINE_BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if ((replies[i].flags & PEER_FIN) == 0)
			abort();
		peers[i].snd_nxt++;
		peers[i].rcv_nxt++;
		frames[i] = peer_frame_of(&peers[i], PEER_ACK, 0);
	}
	membed_burst(m, frames, n, replies, ENGINE_BURST);
}

void
engine_time_wait_burst(struct membed *m, struct peer *peers, unsigned int n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };
	struct peer_reply replies[ENGINE_BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(&peers[i], PEER_PSH | PEER_ACK, PEER_REQUEST_BYTES);
	if (membed_burst(m, frames, n, replies, ENGINE_BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if ((replies[i].flags & PEER_FIN) == 0)
			abort();
		peers[i].snd_nxt += PEER_REQUEST_BYTES;
		peers[i].rcv_nxt++;
		frames[i] = peer_frame_of(&peers[i], PEER_FIN | PEER_ACK, 0);
	}
	membed_burst(m, frames, n, replies, ENGINE_BURST);
}

void
engine_establish_more(struct membed *m, struct peer *peers, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		peers[i] = peer_of(i);
	for (uint32_t i = first; i < end; i += ENGINE_BURST)
		engine_open_burst(m, peers + i, end - i < ENGINE_BURST ? end - i : ENGINE_BURST);
	if (m->w.ctr.CurrEstab < end)
		abort();
}

void
engine_establish(struct membed *m, struct peer *peers, uint32_t n)
{
	engine_establish_more(m, peers, 0, n);
}
