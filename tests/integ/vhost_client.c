/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of the public API on a net_virtio_user port, for an appliance on net_vhost. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/eal.h"
#include "io/lcore.h"

/*
 * vhost_client SOCKET MTU QUEUES OFFLOAD MIB SERVICE
 *
 * Each of QUEUES workers opens one connection to 10.99.0.1 and moves MIB mebibytes: from chargen,
 * or to echo and back. Every byte is compared. One line per connection goes to stdout:
 * "worker=0 bytes=... mss=... largest=... csum=3 us=...", csum with 1 for checksums computed by the
 * port and 2 for those verified by it; the exit status is 0 if all was right.
 */
#define PACKETS 8192u /* of each worker */
#define CONNECTIONS 64u
#define WORKERS_MAX 2u
#define TIME_LIMIT_S 30

enum service {
	CHARGEN = 19,
	ECHO = 7,
};

/* What one worker does, and what came of it. */
struct job {
	struct run *run;
	struct worker *worker;
	struct steer_self self;
	uint64_t sent, received; /* bytes */
	uint64_t start_us, end_us;
	int mss;
	uint32_t largest; /* bytes of the longest buffer received */
	bool finished; /* our FIN is sent */
	char error[80]; /* "": none */
	_Atomic bool done;
};

/* The whole process. */
struct run {
	const char *socket;
	unsigned int queues;
	uint16_t mtu;
	bool offload;
	uint64_t bytes; /* each connection */
	enum service service;
	struct eal_facts eal;
	struct port port;
	struct rte_mempool *pool;
	struct tsc_clock clock;
	struct local_addrs local;
	struct steer steer;
	struct handoff handoff;
	struct lcore_group lcores;
	struct job jobs[WORKERS_MAX];
};

/* RFC 864: 95 rotating lines of 72 printable characters and CR LF. */
static uint8_t
chargen_byte(uint64_t pos)
{
	uint64_t line = pos / 74 % 95, column = pos % 74;

	if (column >= 72)
		return column == 72 ? '\r' : '\n';
	return (uint8_t)(' ' + (line + column) % 95);
}

/* Different at every distance that a mistake would shift by. */
static uint8_t
echo_byte(uint64_t pos)
{
	return (uint8_t)((pos * 0x9e3779b97f4a7c15u) >> 53);
}

static void
end(struct sluice *s, sluice_conn c, struct job *job)
{
	job->end_us = sluice_now_us(s);
	sluice_abort(s, c);
}

static void
compare(struct job *job, const struct sluice_buf *buf)
{
	bool is_echo = job->run->service == ECHO;

	for (uint32_t i = 0; i < buf->len && job->received < job->run->bytes; i++) {
		uint8_t want = is_echo ? echo_byte(job->received) : chargen_byte(job->received);

		if (buf->data[i] != want && job->error[0] == '\0')
			(void)snprintf(job->error, sizeof(job->error),
				"byte %" PRIu64 " is %02x, not %02x", job->received, buf->data[i],
				want);
		job->received++;
	}
	job->largest = max_u32(job->largest, buf->len);
}

static void
send_more(struct sluice *s, sluice_conn c, struct job *job)
{
	while (job->run->service == ECHO && job->sent < job->run->bytes) {
		uint64_t left = job->run->bytes - job->sent;
		struct sluice_buf buf;

		if (sluice_buf_alloc(s, &buf) != 0) {
			(void)sluice_set_timeout(s, c, 1);
			return;
		}
		buf.len = (uint32_t)min_u64(left, min_u32(buf.len, (uint32_t)job->mss));
		for (uint32_t i = 0; i < buf.len; i++)
			buf.data[i] = echo_byte(job->sent + i);
		left = buf.len;
		if (sluice_send_buf(s, c, &buf, 0) < 0) {
			sluice_buf_free(s, &buf);
			return;
		}
		job->sent += left;
	}
	if (job->run->service == ECHO && !job->finished)
		(void)sluice_shutdown(s, c, SLUICE_SHUT_WR);
	job->finished = true;
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct job *job = data;

	if (err != 0)
		return;
	(void)sluice_getopt(s, c, SLUICE_TCP_MAXSEG, &job->mss);
	send_more(s, c, job);
}

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	struct job *job = data;
	struct sluice_buf buf;
	ptrdiff_t n;

	while ((n = sluice_recv_buf(s, c, &buf)) > 0) {
		compare(job, &buf);
		sluice_buf_free(s, &buf);
	}
	/* chargen never ends; echo ends when it has given everything back. */
	if (n == 0 || (job->run->service == CHARGEN && job->received == job->run->bytes))
		end(s, c, job);
	else
		send_more(s, c, job);
}

static void
on_writable(struct sluice *s, sluice_conn c, void *data)
{
	send_more(s, c, data);
}

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct job *job = data;

	(void)s;
	(void)c;
	if (job->error[0] == '\0' && job->received != job->run->bytes)
		(void)snprintf(job->error, sizeof(job->error), "ended at byte %" PRIu64 ": %s",
			job->received, strerror(-err));
	atomic_store(&job->done, true);
}

static const struct sluice_ops ops = {
	.connected = on_connected,
	.readable = on_readable,
	.writable = on_writable,
	.timeout = on_writable,
	.closed = on_closed,
};

/* On the worker's thread, before its first packet. */
static int
begin(void *ctx, struct worker *w, uint64_t now_us)
{
	struct job *job = ctx;
	struct sluice_addr to = {
		.ip = { [10] = 0xff, [11] = 0xff, 10, 99, 0, 1 },
		.port = (uint16_t)job->run->service,
	};
	sluice_conn c;

	job->start_us = now_us;
	return sluice_connect(&w->sluice, NULL, &to, &ops, job, &c);
}

static int
make_worker(struct run *run, unsigned int id)
{
	struct job *job = &run->jobs[id];
	struct worker_params par = {
		.net = {
			.mac = run->port.mac,
			.mtu = run->mtu,
			.primary = id == STEER_PRIMARY,
			.trust_rx_csum = run->port.rx_csum,
			.local = &run->local,
			.neigh_max = 16,
		},
		.tcp = {
			.conns_max = CONNECTIONS,
			.synq_max = CONNECTIONS,
			.timewait_max = CONNECTIONS,
			.ranges_max = 1024,
			.mtu = run->mtu,
			.worker = id,
			.workers = run->queues,
			.local = &run->local,
			.is_mine = steer_is_mine,
			.is_mine_ctx = &job->self,
		},
		.source = mbuf_source(run->pool),
		.pkts = PACKETS * run->queues,
		.pkts_reserve = PACKETS / 8,
		.payload_max = (uint16_t)port_payload_bytes(run->mtu),
		.pkt_stock = true,
		.tx_caps = run->port.tx_caps,
		.seed = id,
	};
	const struct lcore_params lcore = {
		.worker = aligned_alloc(CACHE_LINE,
			(sizeof(struct worker) + CACHE_LINE - 1) & ~(CACHE_LINE - 1ul)),
		.hooks = { .ctx = job, .start = begin },
		.id = id,
	};
	int rc;

	tunables_default(&par.tun);
	job->run = run;
	job->self = (struct steer_self){ &run->steer, id };
	if (lcore.worker == NULL)
		return -ENOMEM;
	rc = worker_init(lcore.worker, &par, tsc_clock_now(&run->clock));
	if (rc != 0) {
		free(lcore.worker);
		return rc;
	}
	job->worker = lcore.worker;
	return lcore_create(&run->lcores, &lcore);
}

static int
open_port(struct run *run, struct io_error *err)
{
	const unsigned int payload = port_payload_bytes(run->mtu);
	const struct eal_params eal = {
		.workers = run->queues,
		.memory_bytes = mbuf_pool_bytes(PACKETS * run->queues, payload),
		.memory = EAL_MEMORY_NORMAL,
	};
	const struct port_params port = {
		.name = "client",
		.type = PORT_TYPE_VIRTIO_USER,
		.device = run->socket,
		.queues = run->queues,
		.rx_descriptors = 1024,
		.tx_descriptors = 1024,
		.mtu = run->mtu,
		/* Always the same: the appliance asks before it believes in another. */
		.mac = { { 0x02, 0, 0, 0, 0x99, 0x02 } },
		.csum_offload = run->offload,
	};
	const struct mbuf_pool_params pool = {
		.name = "client",
		.count = PACKETS * run->queues,
		.payload_max = payload,
		.socket = SOCKET_ID_ANY,
		.oversubscribed = true,
	};
	int rc = eal_start(&eal, &run->eal, err);

	if (rc == 0)
		rc = mbuf_claim_app_area(err);
	if (rc == 0)
		rc = port_attach(&run->port, &port, err);
	if (rc == 0)
		rc = mbuf_pool_create(&pool, &run->pool, err);
	return rc == 0 ? port_start(&run->port, run->pool, err) : rc;
}

static int
start(struct run *run, struct io_error *err)
{
	int rc = open_port(run, err);

	if (rc != 0)
		return rc;
	if (run->port.queues != run->queues)
		return io_fail(err, -ENOTSUP, "the port has %u queues", run->port.queues);
	tsc_clock_start(&run->clock);
	run->local.count = 1;
	run->local.addr[0] = ip_addr_from_v4(0x0a630002);
	run->local.prefix_len[0] = 24;
	run->steer = (struct steer){ .workers = run->queues, .local = &run->local };
	rc = handoff_init(&run->handoff, run->queues, run->queues, 4096);
	run->lcores = (struct lcore_group){
		.port = &run->port,
		.clock = &run->clock,
		.steer = &run->steer,
		.handoff = &run->handoff,
		.pool = run->pool,
	};
	for (unsigned int i = 0; rc == 0 && i < run->queues; i++)
		rc = make_worker(run, i);
	if (rc == 0)
		rc = lcore_group_launch(&run->lcores);
	return rc == 0 ? 0 : io_fail(err, rc, "the workers do not start: %s", strerror(-rc));
}

static void
stop(struct run *run)
{
	lcore_group_stop(&run->lcores);
	for (unsigned int i = 0; i < run->queues; i++) {
		worker_fini(run->jobs[i].worker, tsc_clock_now(&run->clock));
		free(run->jobs[i].worker);
	}
	lcore_group_destroy(&run->lcores);
	handoff_fini(&run->handoff);
	port_close(&run->port);
	eal_stop();
}

static bool
all_done(const struct run *run)
{
	for (unsigned int i = 0; i < run->queues; i++)
		if (!atomic_load(&run->jobs[i].done))
			return false;
	return true;
}

/* Returns how many connections failed. */
static int
report(const struct run *run)
{
	int csum = ((run->port.tx_caps & ENV_TX_TCP_CSUM) != 0) + 2 * run->port.rx_csum;
	int failed = 0;

	for (unsigned int i = 0; i < run->queues; i++) {
		const struct job *job = &run->jobs[i];
		bool done = atomic_load(&job->done);

		printf("worker=%u bytes=%" PRIu64 " mss=%d largest=%" PRIu32 " csum=%d us=%" PRIu64
		       "\n",
			i, job->received, job->mss, job->largest, csum,
			done ? job->end_us - job->start_us : 0);
		if (!done)
			printf("error: not done after %d s\n", TIME_LIMIT_S);
		else if (job->error[0] != '\0')
			printf("error: %s\n", job->error);
		failed += !done || job->error[0] != '\0';
	}
	return failed;
}

static bool
parse(struct run *run, int argc, char **argv)
{
	if (argc != 7)
		return false;
	run->socket = argv[1];
	run->mtu = (uint16_t)strtoul(argv[2], NULL, 10);
	run->queues = (unsigned int)strtoul(argv[3], NULL, 10);
	run->offload = strcmp(argv[4], "on") == 0;
	run->bytes = strtoull(argv[5], NULL, 10) << 20;
	run->service = strcmp(argv[6], "echo") == 0 ? ECHO : CHARGEN;
	return run->mtu >= 576 && run->queues >= 1 && run->queues <= WORKERS_MAX && run->bytes > 0;
}

int
main(int argc, char **argv)
{
	static struct run run;
	const struct timespec tick = { .tv_nsec = 1000000 };
	struct io_error err;
	int failed;

	if (!parse(&run, argc, argv)) {
		fputs("usage: vhost_client SOCKET MTU QUEUES on|off MIB chargen|echo\n", stderr);
		return 2;
	}
	if (start(&run, &err) != 0) {
		fprintf(stderr, "error: %s\n", err.text);
		return 2;
	}
	for (unsigned int ms = 0; ms < TIME_LIMIT_S * 1000 && !all_done(&run); ms++)
		(void)nanosleep(&tick, NULL);
	stop(&run);
	failed = report(&run);
	return failed == 0 ? 0 : 1;
}
