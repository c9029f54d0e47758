/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire and the clock as the tool drives them: slots 24 to 27. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "packetdrill/pd.h"

#define IP_LEN_MIN 20u
#define IP_LEN_MAX 65000u
#define IP_PROTO_OFF 9u

/* The sysctls that a SYN asks for may have changed since socket(). */
static bool
is_syn(const uint8_t *ip, size_t len)
{
	size_t at = ip[0] >> 4 == 4 ? (size_t)(ip[0] & 15) * 4 : 40;
	uint8_t proto = ip[0] >> 4 == 4 ? ip[IP_PROTO_OFF] : ip[6];

	return proto == 6 && at + 14 <= len && (ip[at + 13] & 0x02) != 0;
}

int
pd_slot_netdev_send(void *ud, const void *buf, size_t n)
{
	struct pd *pd = pd_enter(ud);
	int err = -EINVAL;

	if (buf != NULL && n >= IP_LEN_MIN && n <= IP_LEN_MAX) {
		if (is_syn(buf, n)) {
			pd_sysctl_load(pd);
			pd_syn_keep(pd, buf, n);
		}
		err = pd_ttl_is_enough(pd, buf, n) ? pd_engine_input(pd, buf, n) : 0;
	}
	return (int)pd_leave(pd, err);
}

static void
take_packet(struct pd *pd, void *buf, size_t *n, long long *time_us)
{
	struct pd_packet *p = pd->out_head;

	*n = min_size(*n, p->len);
	memcpy(buf, p->bytes, *n);
	*time_us = (long long)p->at_us;
	pd->out_head = p->next;
	if (pd->out_head == NULL)
		pd->out_tail = &pd->out_head;
	free(p);
}

/* Jump from one thing that is due to the next until a packet leaves, or the time for it is over. */
int
pd_slot_netdev_receive(void *ud, void *buf, size_t *n, long long *time_us)
{
	struct pd *pd = pd_enter(ud);
	uint64_t until = pd->env.now_us + pd->wait_us;

	pd_clock_settle(pd);
	while (pd->out_head == NULL && pd->wait_us > 0 && pd_due_at(pd) <= until)
		pd_clock_move(pd, pd_due_at(pd));
	if (pd->out_head != NULL) {
		take_packet(pd, buf, n, time_us);
	} else {
		*n = 0;
		*time_us = (long long)pd->env.now_us;
	}
	return (int)pd_leave(pd, 0);
}

int
pd_slot_usleep(void *ud, useconds_t us)
{
	struct pd *pd = pd_enter(ud);

	pd_clock_move(pd, pd->env.now_us + us);
	return (int)pd_leave(pd, 0);
}

int
pd_slot_gettimeofday(void *ud, struct timeval *tv, void *tz)
{
	uint64_t now_us = pd_clock_read(ud);

	(void)tz;
	tv->tv_sec = (time_t)(now_us / 1000000);
	tv->tv_usec = (suseconds_t)(now_us % 1000000);
	return 0;
}
