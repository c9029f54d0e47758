/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Serves the made-up daemon of fake_backend.h on a real control socket, for tests of programs that
 * talk to one: fake_daemon PATH [CONNECTIONS]. Prints "ready" and serves until it is killed or
 * told to stop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/server.h"
#include "ctl/socket.h"
#include "lib/fake_backend.h"

int
main(int argc, char **argv)
{
	static struct fake_backend fake;
	struct ctl_server_params par = { .backend = &fake.backend };
	char err[CTL_SOCKET_ERR_LEN];
	struct ctl_server *server;
	struct ctl_socket sock;
	/* How many handshakes meet a full accept queue in each turn. */
	const char *text = getenv("FAKE_OVERFLOWS");
	uint64_t overflows = text != NULL ? strtoull(text, NULL, 10) : 0;

	if (argc < 2 || argc > 3)
		return 2;
	fake_backend_init(&fake);
	fake.real_time = true;
	fake.backend.started_us = fake.backend.now_us(&fake);
	/* What reload reads. */
	if (getenv("FAKE_CONFIG") != NULL)
		fake.backend.config_path = getenv("FAKE_CONFIG");
	if (argc == 3)
		fake.conn_count = strtoull(argv[2], NULL, 10);
	if (ctl_socket_open(argv[1], false, 0, &sock, err, sizeof(err)) != 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	par.listen_fd = sock.fd;
	par.rules.own_uid = geteuid();
	if (ctl_server_create(&par, &server) != 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fake.stopping == 0) {
		if (ctl_server_poll(server, 100) == -EINTR)
			break;
		fake_backend_turn(&fake);
		fake.overflows += overflows;
		fake.counters[0].RxPackets += 100;
		fake.counters[0].outcome[OUT_DELIVERED] += 90;
		fake.counters[0].outcome[OUT_NO_LISTENER] += 10;
	}
	ctl_server_destroy(server);
	ctl_socket_close(&sock);
	fake_backend_fini(&fake);
	return 0;
}
