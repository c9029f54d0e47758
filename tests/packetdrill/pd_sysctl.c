/* SPDX-License-Identifier: BSD-3-Clause */
/* The namespace's sysctls are the store of parameters: each sets the tunable of its name. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/syscall.h>

#include "packetdrill/pd.h"

#define SNDBUF_OPEN 87040u
/* Linux's default of net.core.{r,w}mem_max. */
#define MEM_MAX 212992

/* Where a tunable stands, if not in ipv4/<name>; NULL: Linux means something else by the name. */
static const struct {
	const char *name;
	const char *path;
} elsewhere[] = {
	{ "somaxconn", "core/somaxconn" },
	{ "netdev_max_backlog", "core/netdev_max_backlog" },
	{ "tcp_rto_min", "ipv4/tcp_rto_min_us" },
	{ "tcp_rto_max", "ipv4/tcp_rto_max_ms" },
	/* For the whole host there, and no script is about it. */
	{ "icmp_msgs_per_sec", NULL },
	{ "tcp_max_orphans", NULL },
	{ "tcp_max_tw_buckets", NULL },
};

static const char *
path_of(const char *name, char *buf, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (strcmp(elsewhere[i].name, name) == 0)
			return elsewhere[i].path;
	snprintf(buf, len, "ipv4/%s", name);
	return buf;
}

/* read() and close() of the C library may be ours; see adapter.c. */
static bool
read_value(const struct pd *pd, const char *path, char *buf, size_t len)
{
	char full[512];
	ssize_t n;
	int fd;

	snprintf(full, sizeof(full), "%s/%s", pd->sysctl_dir, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, len - 1);
	syscall(SYS_close, fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	for (char *c = buf; *c != '\0'; c++)
		if (*c == '\t')
			*c = ' ';
	return true;
}

/* Where Linux has another unit, or more to say. */
static void
adapt(struct pd *pd, const char *name, char *text, size_t len)
{
	unsigned long n = strtoul(text, NULL, 0);

	if (strcmp(name, "tcp_rto_min") == 0)
		snprintf(text, len, "%lu", n / 1000);
	/* Linux has no most; ours is as good as none for a script. */
	if (strcmp(name, "tcp_challenge_ack_limit") == 0)
		snprintf(text, len, "%lu", n < UINT8_MAX ? n : UINT8_MAX);
	if (strcmp(name, "tcp_fastopen") != 0)
		return;
	pd->fastopen_bits = (uint32_t)n;
	snprintf(text, len, "%lu", n & 3);
}

static int
read_int(const struct pd *pd, const char *path, int otherwise)
{
	char text[64];

	return read_value(pd, path, text, sizeof(text)) ? (int)strtoul(text, NULL, 10) : otherwise;
}

/* What sockets have set for all of them. */
static void
override(const struct pd *pd, struct tunables *tun)
{
	if (pd->rto_max_ms != 0)
		tun->tcp_rto_max = pd->rto_max_ms;
	if (pd->rto_min_ms != 0)
		tun->tcp_rto_min = pd->rto_min_ms;
	if (pd->delack_max_ms != 0)
		tun->tcp_delack_max = pd->delack_max_ms;
	tun->tcp_delack_min = min_u32(tun->tcp_delack_min, tun->tcp_delack_max);
}

/* What the stack does not have, or refuses, keeps its value: the script will say what it missed. */
void
pd_sysctl_load(struct pd *pd)
{
	const struct tunable_desc *row;
	struct tunables tun = pd->tun;
	char name[128], text[256], err[TUNABLE_ERR_LEN];

	for (size_t i = 0; (row = tunables_row(i)) != NULL; i++) {
		const char *path = path_of(row->name, name, sizeof(name));

		if (row->count > 0 && path != NULL && read_value(pd, path, text, sizeof(text))) {
			adapt(pd, row->name, text, sizeof(text));
			tunables_assign(&tun, row->name, text, err, sizeof(err));
		}
	}
	pd->notsent_lowat = read_value(pd, "ipv4/tcp_notsent_lowat", text, sizeof(text)) ?
		(uint32_t)strtoul(text, NULL, 10) :
		0;
	if (tunables_check(&tun, err, sizeof(err)) != 0)
		return;
	pd->rmem_max = read_int(pd, "core/rmem_max", MEM_MAX);
	pd->wmem_max = read_int(pd, "core/wmem_max", MEM_MAX);
	override(pd, &tun);
	pd->sndbuf_first = tun.tcp_wmem[1];
	/* Linux grows the buffer of a connection that opens to what ten segments take twice. */
	tun.tcp_wmem[1] = max_u32(tun.tcp_wmem[1], min_u32(SNDBUF_OPEN, tun.tcp_wmem[2]));
	/* Not there: scripts are written for a sender that paces. */
	tun.tcp_growth_limit = 0;
	pd->tun = tun;
}
