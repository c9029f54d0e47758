/* SPDX-License-Identifier: BSD-3-Clause */
/* The error queue of a socket: which writes with MSG_ZEROCOPY are done with, as Linux tells it. */
#include <errno.h>
/* errqueue.h needs struct timespec. */
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

#include "base/seq32.h"

#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

/*
 * Each write has a number. Its buffer is given back when its last byte is acknowledged or the
 * connection is gone; the numbers of writes given back one after the other make one notice, until
 * somebody reads it. That the bytes were copied is true here, and what Linux says on a tun device.
 */
struct pd_notice {
	struct pd_notice *next;
	uint32_t lo, hi; /* numbers of writes */
	uint32_t end_seq; /* while it is waited for */
	bool open; /* the call is not over */
};

static struct pd_notice **
tail_of(struct pd_notice **head)
{
	while (*head != NULL)
		head = &(*head)->next;
	return head;
}

static void
free_list(struct pd_notice **head)
{
	while (*head != NULL) {
		struct pd_notice *n = *head;

		*head = n->next;
		free(n);
	}
}

void
pd_errq_free(struct pd_sock *s)
{
	free_list(&s->lent);
	free_list(&s->errq);
}

/* The first that is waited for is done with. */
static void
give_back(struct pd_sock *s)
{
	struct pd_notice *n = s->lent, *last = s->errq;

	s->lent = n->next;
	n->next = NULL;
	s->activity++;
	while (last != NULL && last->next != NULL)
		last = last->next;
	if (last == NULL) {
		s->errq = n;
	} else if (last->hi + 1 == n->lo) {
		last->hi = n->hi;
		free(n);
	} else {
		last->next = n;
	}
}

void
pd_errq_acked(struct pd_sock *s, uint32_t una)
{
	while (s->lent != NULL && !s->lent->open && seq32_leq(s->lent->end_seq, una))
		give_back(s);
}

void
pd_errq_gone(struct pd_sock *s)
{
	while (s->lent != NULL && !s->lent->open)
		give_back(s);
}

bool
pd_errq_begin(struct pd *pd, int fd, size_t len, int flags)
{
	struct pd_notice *n;
	struct pd_sock *s;

	if (!(flags & MSG_ZEROCOPY) || len == 0 || pd_sock_get(pd, fd, &s) != 0 ||
		s->value[PD_OPT_ZEROCOPY] == 0)
		return false;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		abort();
	n->lo = n->hi = s->lent_next++;
	n->open = true;
	*tail_of(&s->lent) = n;
	return true;
}

/* What joins a write that has not left yet is given back with it. */
static bool
join(struct pd_sock *s, struct pd_notice *n, const struct tcp_details *d)
{
	struct pd_notice *before = s->lent;

	while (before != n && before->next != n)
		before = before->next;
	if (before == n || before->open || !seq32_gt(before->end_seq, d->snd_nxt))
		return false;
	before->hi = n->hi;
	before->end_seq = n->end_seq;
	before->next = n->next;
	free(n);
	return true;
}

void
pd_errq_end(struct pd *pd, int fd, ssize_t sent)
{
	struct pd_notice *n;
	struct tcp_details d;
	struct pd_sock *s;

	if (pd_sock_get(pd, fd, &s) != 0)
		return;
	for (n = s->lent; n != NULL && !n->open; n = n->next)
		;
	if (n == NULL)
		return;
	if (sent <= 0) {
		/* The number is the next one's. */
		s->lent_next--;
		for (struct pd_notice **at = &s->lent; *at != NULL; at = &(*at)->next)
			if (*at == n) {
				*at = n->next;
				break;
			}
		free(n);
		return;
	}
	n->open = false;
	if (!pd_details(pd, s, &d)) {
		pd_errq_gone(s);
		return;
	}
	n->end_seq = d.write_seq;
	if (!join(s, n, &d))
		pd_errq_acked(s, d.snd_una);
}

/* Address of whom an error came from: nobody. */
static void
put_control(const struct pd_sock *s, const struct pd_notice *n, struct msghdr *msg, size_t room)
{
	const struct sock_extended_err ee = {
		.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
		.ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
		.ee_info = n->lo,
		.ee_data = n->hi,
	};
	bool v4 = s->domain == AF_INET;
	size_t len = sizeof(ee) +
		(v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	struct cmsghdr *cmsg;

	msg->msg_controllen = room;
	cmsg = msg->msg_control == NULL ? NULL : CMSG_FIRSTHDR(msg);
	if (cmsg == NULL || room < CMSG_LEN(len)) {
		msg->msg_controllen = 0;
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	cmsg->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	cmsg->cmsg_type = v4 ? IP_RECVERR : IPV6_RECVERR;
	cmsg->cmsg_len = CMSG_LEN(len);
	memset(CMSG_DATA(cmsg), 0, len);
	memcpy(CMSG_DATA(cmsg), &ee, sizeof(ee));
	msg->msg_controllen = min_size(room, CMSG_SPACE(len));
}

ssize_t
pd_errq_recv(struct pd *pd, int fd, struct msghdr *msg)
{
	struct pd_notice *n;
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	n = s->errq;
	if (n == NULL)
		return -EAGAIN;
	s->errq = n->next;
	if (msg != NULL) {
		msg->msg_flags = MSG_ERRQUEUE;
		msg->msg_namelen = 0;
		put_control(s, n, msg, msg->msg_controllen);
	}
	free(n);
	return 0;
}
