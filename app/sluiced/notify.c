/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams to the socket in NOTIFY_SOCKET. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

/* A path, or with '@' a name that is in no file system. */
static int
connect_to(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd;

	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, name, len);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	else
		addr_len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, addr_len) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Half the time after which we are taken for dead, if it is us that is meant. */
static uint64_t
interval_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && strtoull(pid, NULL, 10) != (uint64_t)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 2000;
}

void
notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*n = (struct notify){ .fd = -1 };
	if (name != NULL && name[0] != '\0') {
		n->fd = connect_to(name);
		n->every_ms = interval_ms();
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void
notify_say(const struct notify *n, const char *lines)
{
	/* A manager that does not listen is no reason to wait, or to fail. */
	if (n->fd >= 0)
		(void)!send(n->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
notify_alive(struct notify *n, uint64_t now_ms)
{
	if (n->every_ms == 0 || now_ms < n->next_ms)
		return;
	n->next_ms = now_ms + n->every_ms;
	notify_say(n, "WATCHDOG=1");
}

void
notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
