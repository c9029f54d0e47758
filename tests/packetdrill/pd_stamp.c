/* SPDX-License-Identifier: BSD-3-Clause */
/* SO_TIMESTAMPING: when a write left, and when its last byte was acknowledged. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "packetdrill/pd.h"

#include "base/seq32.h"

#define TX_ANY (PD_TS_TX_SOFTWARE | PD_TS_TX_SCHED | PD_TS_TX_ACK)
#define KNOWN_FLAGS 0x7ffffu
/* The kinds, as SCM_TSTAMP_*. */
#define STAMP_SND 0u
#define STAMP_SCHED 1u
#define STAMP_ACK 2u
/* What goes out in one piece, and has one mark. */
#define PIECE_MAX 65536u

#ifndef SCM_TIMESTAMPING
#define SCM_TIMESTAMPING SO_TIMESTAMPING
#endif

/* A write whose last byte is told of. */
struct pd_stamp {
	struct pd_stamp *next;
	uint32_t last_seq;
	unsigned int flags;
	bool sent;
	size_t len; /* payload of the packet that it was sent in */
};

unsigned int
pd_stamp_flags(const struct pd_sock *s)
{
	return (unsigned int)s->value[PD_OPT_TIMESTAMPING];
}

/* --- control messages ----------------------------------------------------------------------- */

void
pd_cmsg_put(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t len)
{
	size_t used = msg->msg_controllen;
	struct cmsghdr *cmsg;

	if (msg->msg_control == NULL || room < used + CMSG_LEN(len)) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	cmsg = (struct cmsghdr *)((char *)msg->msg_control + used);
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), data, len);
	msg->msg_controllen = min_size(room, used + CMSG_SPACE(len));
}

void
pd_cmsg_time(const struct pd_sock *s, struct msghdr *msg, size_t room, uint64_t at_us)
{
	/* Software, unused, hardware. */
	const struct timespec ts[3] = {
		{ (time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000 },
	};
	const struct timeval tv = { ts[0].tv_sec, ts[0].tv_nsec / 1000 };

	if (s->value[PD_OPT_TIMESTAMPNS] != 0)
		pd_cmsg_put(msg, room, SOL_SOCKET, SO_TIMESTAMPNS, &ts[0], sizeof(ts[0]));
	else if (s->value[PD_OPT_TIMESTAMP] != 0)
		pd_cmsg_put(msg, room, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	if (pd_stamp_flags(s) & PD_TS_SOFTWARE)
		pd_cmsg_put(msg, room, SOL_SOCKET, SCM_TIMESTAMPING, ts, sizeof(ts));
}

/* --- the option ----------------------------------------------------------------------------- */

int
pd_stamp_set(struct pd *pd, struct pd_sock *s, unsigned int flags)
{
	unsigned int before = pd_stamp_flags(s);
	struct tcp_details d;

	if ((flags & ~KNOWN_FLAGS) ||
		((flags & PD_TS_OPT_ID_TCP) && !(flags & PD_TS_OPT_ID)) ||
		((flags & PD_TS_OPT_STATS) && !(flags & PD_TS_OPT_TSONLY)))
		return -EINVAL;
	if ((flags & PD_TS_OPT_ID) && !(before & PD_TS_OPT_ID)) {
		if (!pd_details(pd, s, &d))
			return -EINVAL;
		/* Bytes are counted from here on. */
		s->stamp_base = flags & PD_TS_OPT_ID_TCP ? d.write_seq : d.snd_una;
	}
	s->value[PD_OPT_TIMESTAMPING] = (int)flags;
	return 0;
}

/* sendmsg() may say for itself what it wants to be told. */
void
pd_stamp_once(struct pd *pd, int fd, const struct msghdr *msg)
{
	struct pd_sock *s = pd_fd_get(pd, fd);
	struct msghdr copy = *msg;
	uint32_t flags;

	if (s == NULL || msg->msg_control == NULL)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c != NULL; c = CMSG_NXTHDR(&copy, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPING ||
			c->cmsg_len != CMSG_LEN(sizeof(flags)))
			continue;
		memcpy(&flags, CMSG_DATA(c), sizeof(flags));
		s->stamp_once = flags & TX_ANY;
		s->has_stamp_once = true;
	}
}

/* --- what happens to a write ---------------------------------------------------------------- */

void
pd_stamp_free(struct pd_sock *s)
{
	while (s->stamps != NULL) {
		struct pd_stamp *st = s->stamps;

		s->stamps = st->next;
		free(st);
	}
}

/*
 * Bytes up to end were queued. As in Linux the mark is on a piece of the send queue: a write that
 * joins the piece of one before takes its mark away.
 */
void
pd_stamp_queued(struct pd *pd, struct pd_sock *s, size_t len)
{
	unsigned int flags = s->has_stamp_once ? s->stamp_once : pd_stamp_flags(s);
	struct pd_stamp **at = &s->stamps, *st;
	struct tcp_details d;

	if (!(flags & TX_ANY) || !pd_details(pd, s, &d))
		return;
	while (*at != NULL && ((*at)->next != NULL || (*at)->sent))
		at = &(*at)->next;
	st = *at;
	if (st != NULL && (st->flags & PD_TS_EOR || d.write_seq - d.snd_nxt > PIECE_MAX ||
				  len == 0)) {
		at = &st->next;
		st = NULL;
	}
	if (st == NULL) {
		st = calloc(1, sizeof(*st));
		if (st == NULL)
			abort();
		*at = st;
	}
	st->last_seq = d.write_seq - 1;
	st->flags = flags & TX_ANY;
}

void
pd_stamp_eor(struct pd_sock *s)
{
	for (struct pd_stamp *st = s->stamps; st != NULL; st = st->next)
		if (st->next == NULL)
			st->flags |= PD_TS_EOR;
}

static size_t
copied_len(const struct pd_sock *s, size_t len)
{
	return pd_stamp_flags(s) & PD_TS_OPT_TSONLY ? 0 : len;
}

/* Payload from seq on leaves, in a packet of packet_len bytes. */
void
pd_stamp_sent(struct pd *pd, struct pd_sock *s, uint32_t seq, uint32_t len, size_t packet_len)
{
	for (struct pd_stamp *st = s->stamps; st != NULL; st = st->next) {
		uint32_t byte = st->last_seq - s->stamp_base;

		if (!seq32_between(st->last_seq, seq, seq + len))
			continue;
		st->sent = true;
		st->len = len;
		if (st->flags & PD_TS_TX_SCHED)
			pd_errq_stamp(s, pd->env.now_us, STAMP_SCHED, byte,
				copied_len(s, packet_len));
		if (st->flags & PD_TS_TX_SOFTWARE)
			pd_errq_stamp(s, pd->env.now_us, STAMP_SND, byte,
				copied_len(s, packet_len));
	}
}

void
pd_stamp_acked(struct pd *pd, struct pd_sock *s, uint32_t una)
{
	struct pd_stamp *st;

	while ((st = s->stamps) != NULL && seq32_lt(st->last_seq, una)) {
		if (st->flags & PD_TS_TX_ACK)
			pd_errq_stamp(s, pd->env.now_us, STAMP_ACK,
				st->last_seq - s->stamp_base, copied_len(s, st->len));
		s->stamps = st->next;
		free(st);
	}
}
