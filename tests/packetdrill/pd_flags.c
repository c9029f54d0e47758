/* SPDX-License-Identifier: BSD-3-Clause */
/* What --so_flags says: our addresses, the MTU, where the sysctls are, patience. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

/* The tool's own defaults, for scripts that say nothing. */
#define DEFAULT_ADDRS "192.168.0.1,fd3d:fa7b:d17d::1"
#define DEFAULT_MTU 1500
#define DEFAULT_SYSCTLS "/proc/sys/net"

static int
parse_addrs(struct pd *pd, char *list)
{
	char *save = NULL;

	pd->local.count = 0;
	for (char *a = strtok_r(list, ",", &save); a != NULL; a = strtok_r(NULL, ",", &save)) {
		unsigned int i = pd->local.count;

		if (i == LOCAL_ADDRS_MAX || ip_addr_parse(&pd->local.addr[i], a, strlen(a)) != 0)
			return -EINVAL;
		/* Nothing is on link but ourselves: all goes to the one neighbour. */
		pd->local.prefix_len[i] = ip_addr_is_v4(&pd->local.addr[i]) ? 32 : 128;
		pd->local.count++;
	}
	return pd->local.count > 0 ? 0 : -EINVAL;
}

static int
parse_mtu(struct pd *pd, const char *text)
{
	char *end;
	unsigned long mtu = strtoul(text, &end, 10);

	if (*end != '\0' || mtu < 576 || mtu > 9216)
		return -EINVAL;
	pd->mtu = (uint16_t)mtu;
	return 0;
}

static int
parse_wait(struct pd *pd, const char *text)
{
	char *end;
	unsigned long wait_s = strtoul(text, &end, 10);

	if (*end != '\0' || wait_s > 3600)
		return -EINVAL;
	pd->wait_us = 1000000 * (uint64_t)wait_s;
	return 0;
}

static int
parse_word(struct pd *pd, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return -EINVAL;
	*value++ = '\0';
	if (strcmp(word, "ip") == 0)
		return parse_addrs(pd, value);
	if (strcmp(word, "mtu") == 0)
		return parse_mtu(pd, value);
	if (strcmp(word, "wait") == 0)
		return parse_wait(pd, value);
	if (strcmp(word, "sysctl") == 0) {
		snprintf(pd->sysctl_dir, sizeof(pd->sysctl_dir), "%s", value);
		return 0;
	}
	return -EINVAL;
}

int
pd_flags_parse(struct pd *pd, const char *flags)
{
	char addrs[] = DEFAULT_ADDRS;
	char text[1024];
	char *save = NULL;

	parse_addrs(pd, addrs);
	pd->mtu = DEFAULT_MTU;
	pd->wait_us = PD_WAIT_US;
	snprintf(pd->sysctl_dir, sizeof(pd->sysctl_dir), "%s", DEFAULT_SYSCTLS);
	snprintf(text, sizeof(text), "%s", flags == NULL ? "" : flags);
	for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		int err = parse_word(pd, w);

		if (err != 0)
			return err;
	}
	return 0;
}
