/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a good server on the kernel's sockets does: one thread, epoll, two files over HTTP on port
 * 80, and port 9 which discards. It is for comparison only, and believes its clients.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH	     256
#define BACKLOG	     65536
#define PAGE_MAX     65536
#define REQUEST_MAX  2048
#define DISCARD_PORT 9
#define HTTP_PORT    80

struct conn {
	int fd;
	uint16_t port;	/* of ours */
	bool listens;
	bool closes;	/* after the answer */
	bool waits;	/* for room in the send queue */
	uint16_t have;	/* bytes of a request */
	off_t at, end;	/* of the large file, what is still to go */
	char request[REQUEST_MAX];
};

static struct {
	int epoll;
	int large;
	off_t large_len;
	size_t page_len;
	char page[PAGE_MAX]; /* head and file */
} server;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_file(const char *path, off_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	*len = st.st_size;
	return fd;
}

static int
head(char *out, size_t room, off_t len)
{
	return snprintf(out, room,
		"HTTP/1.1 200 OK\r\nServer: epoll\r\nContent-Length: %lld\r\n\r\n", (long long)len);
}

static void
load_page(const char *path)
{
	off_t len;
	int fd = open_file(path, &len);
	int n = head(server.page, sizeof(server.page), len);

	if (len > PAGE_MAX - n || read(fd, server.page + n, (size_t)len) != len)
		die(path);
	close(fd);
	server.page_len = (size_t)n + (size_t)len;
}

static void
watch(struct conn *c, uint32_t events, int how)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = c } };

	if (epoll_ctl(server.epoll, how, c->fd, &ev) != 0)
		die("epoll_ctl");
}

static void
end(struct conn *c)
{
	close(c->fd);
	free(c);
}

static void
listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;

	if (c == NULL || inet_pton(AF_INET, address, &at.sin_addr) != 1)
		die(address);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(c->fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(c->fd, BACKLOG) != 0)
		die("listen");
	c->port = port;
	c->listens = true;
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void
accept_all(const struct conn *listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		if (c == NULL)
			die("calloc");
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		c->port = listener->port;
		watch(c, EPOLLIN, EPOLL_CTL_ADD);
	}
}

/* False: the connection is over. */
static bool
send_large(struct conn *c)
{
	while (c->at < c->end) {
		ssize_t n = sendfile(c->fd, server.large, &c->at, (size_t)(c->end - c->at));

		if (n > 0)
			continue;
		if (n == 0 || errno != EAGAIN)
			return false;
		if (!c->waits)
			watch(c, EPOLLOUT, EPOLL_CTL_MOD);
		c->waits = true;
		return true;
	}
	if (c->waits)
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	c->waits = false;
	return !c->closes;
}

static bool
answer(struct conn *c)
{
	char large_head[256];
	int n;

	c->closes = strstr(c->request, "Connection: close") != NULL ||
		strstr(c->request, "HTTP/1.0\r\n") != NULL;
	if (strncmp(c->request, "GET /large", 10) != 0)
		return send(c->fd, server.page, server.page_len, MSG_NOSIGNAL) ==
			(ssize_t)server.page_len && !c->closes;
	n = head(large_head, sizeof(large_head), server.large_len);
	if (send(c->fd, large_head, (size_t)n, MSG_NOSIGNAL | MSG_MORE) != n)
		return false;
	c->at = 0;
	c->end = server.large_len;
	return send_large(c);
}

/* One request at a time: these clients do not pipeline. */
static bool
take_request(struct conn *c)
{
	ssize_t n = recv(c->fd, c->request + c->have, sizeof(c->request) - 1 - c->have, 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->have = (uint16_t)(c->have + n);
	c->request[c->have] = '\0';
	if (strstr(c->request, "\r\n\r\n") == NULL)
		return c->have < sizeof(c->request) - 1;
	c->have = 0;
	return answer(c);
}

static bool
discard(const struct conn *c)
{
	static char buf[1 << 18];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
serve(struct conn *c, uint32_t events)
{
	bool stays;

	if (c->listens) {
		accept_all(c);
		return;
	}
	if (c->port == DISCARD_PORT)
		stays = discard(c);
	else if (events & EPOLLOUT)
		stays = send_large(c);
	else
		stays = take_request(c);
	if (!stays)
		end(c);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[BATCH];

	if (argc != 4) {
		fprintf(stderr, "Usage: %s ADDRESS PAGE LARGE-FILE\n", argv[0]);
		return 2;
	}
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server.epoll < 0)
		die("epoll_create1");
	load_page(argv[2]);
	server.large = open_file(argv[3], &server.large_len);
	listen_on(argv[1], HTTP_PORT);
	listen_on(argv[1], DISCARD_PORT);
	for (;;) {
		int n = epoll_wait(server.epoll, events, BATCH, -1);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++)
			serve(events[i].data.ptr, events[i].events);
	}
}
