/* SPDX-License-Identifier: BSD-3-Clause */
/* The error queue of a socket: writes with MSG_ZEROCOPY that are done with, timestamps, ICMP. */
#include <errno.h>
/* errqueue.h needs struct timespec. */
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

#include "base/seq32.h"

#ifndef SO_EE_ORIGIN_TIMESTAMPING
#define SO_EE_ORIGIN_TIMESTAMPING 4
#endif
#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif

/*
 * Each write has a number. Its buffer is given back when its last byte is acknowledged or the
 * connection is gone; the numbers of writes given back one after the other make one notice, until
 * somebody reads it. That the bytes were copied is true here, and what Linux says on a tun device.
 */
enum notice_kind {
	NOTICE_WRITES,
	NOTICE_STAMP,
	NOTICE_ICMP,
};

struct pd_notice {
	struct pd_notice *next;
	enum notice_kind kind;
	uint32_t lo, hi; /* numbers of writes; of a timestamp: its kind, and which byte */
	uint32_t end_seq; /* while it is waited for */
	bool open; /* the call is not over */
	uint64_t at_us; /* of a timestamp */
	struct sock_extended_err ee; /* of ICMP */
	struct ip_addr from; /* ... who sent it */
	size_t len; /* ... bytes of the packet that comes with it */
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
	} else if (last->kind == NOTICE_WRITES && last->hi + 1 == n->lo) {
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

void
pd_errq_stamp(struct pd_sock *s, uint64_t at_us, uint32_t kind, uint32_t byte, size_t len)
{
	struct pd_notice *n = calloc(1, sizeof(*n));

	if (n == NULL)
		abort();
	n->kind = NOTICE_STAMP;
	n->at_us = at_us;
	n->lo = kind;
	n->hi = byte;
	n->len = len;
	*tail_of(&s->errq) = n;
	s->activity++;
}

/* Whole, as it came; with the quoted packet from its TCP header on. */
void
pd_errq_icmp(struct pd_sock *s, const struct icmp_report *report, const uint8_t *ip, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t at = v4 ? (size_t)(ip[0] & 15) * 4 : 40, quoted = at + 8;
	struct pd_notice *n = calloc(1, sizeof(*n));

	if (n == NULL)
		abort();
	n->kind = NOTICE_ICMP;
	n->ee = (struct sock_extended_err){
		.ee_errno = (uint32_t)report->err,
		.ee_origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
		.ee_type = ip[at],
		.ee_code = ip[at + 1],
	};
	if (v4)
		n->from = ip_addr_from_v4(load_be32(ip + 12));
	else
		memcpy(n->from.b, ip + 8, sizeof(n->from.b));
	n->len = len - quoted - (v4 ? (size_t)(ip[quoted] & 15) * 4 : 40);
	*tail_of(&s->errq) = n;
	s->activity++;
}

static struct sock_extended_err
error_of(const struct pd_sock *s, const struct pd_notice *n)
{
	bool has_id = (pd_stamp_flags(s) & PD_TS_OPT_ID) != 0;

	if (n->kind == NOTICE_ICMP)
		return n->ee;
	if (n->kind == NOTICE_STAMP)
		return (struct sock_extended_err){
			.ee_errno = ENOMSG,
			.ee_origin = SO_EE_ORIGIN_TIMESTAMPING,
			.ee_info = n->lo,
			.ee_data = has_id ? n->hi : 0,
		};
	return (struct sock_extended_err){
		.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
		.ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
		.ee_info = n->lo,
		.ee_data = n->hi,
	};
}

/* The address of whom an error came from follows it; of what we say ourselves, nobody's. */
static void
put_control(const struct pd_sock *s, const struct pd_notice *n, struct msghdr *msg, size_t room)
{
	const struct sock_extended_err ee = error_of(s, n);
	bool v4 = s->domain == AF_INET;
	size_t len = sizeof(ee) +
		(v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	uint8_t both[sizeof(ee) + sizeof(struct sockaddr_in6)] = { 0 };
	socklen_t from_len = (socklen_t)(len - sizeof(ee));

	memcpy(both, &ee, sizeof(ee));
	if (n->kind == NOTICE_ICMP)
		pd_addr_write(s, &n->from, 0, (struct sockaddr *)(both + sizeof(ee)), &from_len);
	if (n->kind == NOTICE_STAMP)
		pd_cmsg_time(s, msg, room, n->at_us);
	pd_cmsg_put(msg, room, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR,
		both, len);
}

/* What comes with it is a copy of the packet, of which nobody looks at more than its length. */
static ssize_t
put_packet(const struct pd_notice *n, struct msghdr *msg)
{
	size_t room = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		room += msg->msg_iov[i].iov_len;
	if (n->len > room)
		msg->msg_flags |= MSG_TRUNC;
	return (ssize_t)min_size(n->len, room);
}

ssize_t
pd_errq_recv(struct pd *pd, int fd, struct msghdr *msg)
{
	struct pd_notice *n;
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s);
	ssize_t len = 0;

	if (err != 0)
		return err;
	n = s->errq;
	if (n == NULL)
		return -EAGAIN;
	s->errq = n->next;
	/* Linux: SO_ERROR goes with the ICMP error, and is the next one's. */
	if (s->errq != NULL && s->errq->kind == NOTICE_ICMP)
		s->error = (int)s->errq->ee.ee_errno;
	else if (n->kind == NOTICE_ICMP)
		s->error = 0;
	if (msg != NULL) {
		size_t room = msg->msg_controllen;

		msg->msg_flags = MSG_ERRQUEUE;
		if (n->kind != NOTICE_ICMP)
			msg->msg_namelen = 0;
		else
			pd_addr_write(s, &s->raddr, s->rport, msg->msg_name, &msg->msg_namelen);
		msg->msg_controllen = 0;
		len = put_packet(n, msg);
		put_control(s, n, msg, room);
	}
	free(n);
	return len;
}
