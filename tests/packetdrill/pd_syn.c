/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP_SAVE_SYN: the headers of the SYN that opened a connection, for who accepts it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

static size_t
ip_hdr_len(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? (size_t)(ip[0] & 15) * 4 : 40;
}

/* Where the peer's address begins, and its length. */
static const uint8_t *
source_of(const uint8_t *ip, size_t *len)
{
	*len = ip[0] >> 4 == 4 ? 4 : 16;
	return ip + (ip[0] >> 4 == 4 ? 12 : 8);
}

void
pd_syn_keep(struct pd *pd, const uint8_t *ip, size_t len)
{
	size_t at = ip_hdr_len(ip), hdr;
	struct pd_syn *syn;
	bool wanted = false;

	if (len < at + 20 || (ip[at + 13] & 0x10))
		return;
	for (unsigned int i = 0; i < PD_FDS_MAX; i++)
		if (pd->socks[i] != NULL && pd->socks[i]->kind == PD_LISTENER &&
			pd->socks[i]->lport == load_be16(ip + at + 2))
			wanted = pd->socks[i]->value[PD_OPT_SAVE_SYN] != 0;
	hdr = at + (size_t)(ip[at + 12] >> 4) * 4;
	if (!wanted || hdr > len || hdr > sizeof(syn->bytes))
		return;
	syn = calloc(1, sizeof(*syn));
	if (syn == NULL)
		abort();
	syn->len = hdr;
	memcpy(syn->bytes, ip, hdr);
	syn->next = pd->syns;
	pd->syns = syn;
}

static bool
is_from(const struct pd_syn *syn, const struct pd_sock *s)
{
	size_t len, at = ip_hdr_len(syn->bytes);
	const uint8_t *src = source_of(syn->bytes, &len);

	return load_be16(syn->bytes + at) == s->rport &&
		memcmp(src, s->raddr.b + 16 - len, len) == 0;
}

void
pd_syn_take(struct pd *pd, struct pd_sock *s)
{
	for (struct pd_syn **at = &pd->syns; *at != NULL; at = &(*at)->next) {
		if (!is_from(*at, s))
			continue;
		s->syn = *at;
		*at = s->syn->next;
		return;
	}
}

/* It is given once; room that does not do is told how much would. */
int
pd_syn_copy(struct pd_sock *s, void *out, socklen_t *len)
{
	size_t room = *len;

	*len = s->syn == NULL ? 0 : (socklen_t)s->syn->len;
	if (s->syn == NULL)
		return 0;
	if (room < s->syn->len)
		return -EINVAL;
	memcpy(out, s->syn->bytes, s->syn->len);
	free(s->syn);
	s->syn = NULL;
	return 0;
}

void
pd_syn_free_all(struct pd *pd)
{
	while (pd->syns != NULL) {
		struct pd_syn *syn = pd->syns;

		pd->syns = syn->next;
		free(syn);
	}
}
