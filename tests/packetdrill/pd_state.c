/* SPDX-License-Identifier: BSD-3-Clause */
/* One socket as Linux would see it: state, what can be read and written, poll masks, its end. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "packetdrill/pd.h"

/* Linux's numbers; they are part of TCP_INFO. */
static const uint8_t linux_state[] = {
	[TCPS_CLOSED] = 7,
	[TCPS_LISTEN] = 10,
	[TCPS_SYN_SENT] = 2,
	[TCPS_SYN_RECEIVED] = 3,
	[TCPS_ESTABLISHED] = 1,
	[TCPS_FIN_WAIT_1] = 4,
	[TCPS_FIN_WAIT_2] = 5,
	[TCPS_CLOSE_WAIT] = 8,
	[TCPS_CLOSING] = 11,
	[TCPS_LAST_ACK] = 9,
	[TCPS_TIME_WAIT] = 6,
};

bool
pd_details(struct pd *pd, const struct pd_sock *s, struct tcp_details *out)
{
	if (s->kind == PD_CONN && s->handle != 0)
		return tcp_get_details(pd->tcp, &pd->env, s->handle, out) == 0;
	return false;
}

int
pd_state(struct pd *pd, const struct pd_sock *s)
{
	struct tcp_details d;

	if (s->kind == PD_LISTENER)
		return linux_state[TCPS_LISTEN];
	return linux_state[pd_details(pd, s, &d) ? d.row.state : TCPS_CLOSED];
}

/* Whether that direction (SHUT_RD, SHUT_WR) is over, by either side or by the end. */
bool
pd_is_shut(struct pd *pd, const struct pd_sock *s, int how)
{
	struct tcp_details d;

	if (s->kind == PD_NEW)
		return how == SHUT_RD ? s->rd_shut : s->wr_shut;
	if (s->kind != PD_CONN)
		return false;
	if (s->dead || (how == SHUT_RD ? s->rd_shut || s->peer_fin : s->wr_shut))
		return true;
	return pd_details(pd, s, &d) && d.row.state == TCPS_CLOSED;
}

size_t
pd_readable(struct pd *pd, const struct pd_sock *s)
{
	ptrdiff_t n;

	if (s->left_len > s->left_at)
		return s->left_len - s->left_at;
	if (s->kind != PD_CONN || s->handle == 0)
		return 0;
	n = tcp_recv_queued(pd->tcp, s->handle);
	return n > 0 ? (size_t)n : 0;
}

bool
pd_is_writable(struct pd *pd, const struct pd_sock *s)
{
	uint32_t lowat = pd_notsent_lowat(pd, s);
	struct tcp_details d;

	if (pd_details(pd, s, &d))
		return pd_room_is_enough(pd, s, &d);
	return s->kind != PD_NEW || lowat == 0 || 2 * s->skipped < lowat;
}

int
pd_take_error(struct pd_sock *s)
{
	int err = -s->error;

	s->error = 0;
	return err;
}

static bool
has_waiting(struct pd *pd, const struct pd_sock *s)
{
	struct tcp_listener_info rows[16];
	unsigned int n = tcp_list_listeners(pd->tcp, &pd->env, rows, ARRAY_SIZE(rows));

	for (unsigned int i = 0; i < n; i++)
		if (rows[i].port == s->lport &&
			rows[i].laddr_idx == pd_local_find(pd, &s->laddr))
			return rows[i].acceptq > 0;
	return false;
}

/* As Linux's tcp_poll. */
uint32_t
pd_poll_mask(struct pd *pd, struct pd_sock *s)
{
	bool rd = pd_is_shut(pd, s, SHUT_RD), wr = pd_is_shut(pd, s, SHUT_WR);
	int state = pd_state(pd, s);
	uint32_t mask = 0;
	size_t lowat = (size_t)max_u32((uint32_t)s->value[PD_OPT_RCVLOWAT], 1);

	if (s->kind == PD_LISTENER)
		return has_waiting(pd, s) ? POLLIN | POLLRDNORM : 0;
	/* Deferred, it is as good as open. */
	if (s->deferred)
		return POLLOUT | POLLWRNORM;
	if (state == 7 || (rd && wr))
		mask |= POLLHUP;
	if (rd)
		mask |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!s->connecting) {
		if (pd_readable(pd, s) >= lowat)
			mask |= POLLIN | POLLRDNORM;
		if (wr || pd_is_writable(pd, s))
			mask |= POLLOUT | POLLWRNORM;
		else
			s->nospace = true;
	}
	if (s->error != 0 || s->errq != NULL)
		mask |= POLLERR;
	return mask;
}

/* The owner goes; the connection may live on without it. */
void
pd_sock_close(struct pd *pd, struct pd_sock *s)
{
	if (s->handle == 0)
		return;
	if (s->kind == PD_LISTENER) {
		tcp_listener_close(pd->tcp, &pd->env, s->handle);
	} else {
		tcp_set_owner(pd->tcp, s->handle, NULL, NULL);
		/* What the socket took over from the engine and nobody read is lost, too. */
		if (s->left_len > s->left_at)
			tcp_abort(pd->tcp, &pd->env, s->handle);
		else
			tcp_close(pd->tcp, &pd->env, s->handle);
	}
	s->handle = 0;
	pd_engine_run(pd);
}
