/* SPDX-License-Identifier: BSD-3-Clause */
/* Socket addresses to the stack's and back; IPv4 is ::ffff:a.b.c.d inside. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "packetdrill/pd.h"

int
pd_addr_read(const struct pd_sock *s, const struct sockaddr *sa, socklen_t len,
	struct ip_addr *addr, uint16_t *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa == NULL)
		return -EFAULT;
	if (len < sizeof(sa->sa_family))
		return -EINVAL;
	if (s->domain == AF_INET) {
		if (len < sizeof(in))
			return -EINVAL;
		memcpy(&in, sa, sizeof(in));
		if (in.sin_family != AF_INET)
			return -EAFNOSUPPORT;
		*addr = (struct ip_addr){ { 0 } };
		if (in.sin_addr.s_addr != 0)
			*addr = ip_addr_from_v4(ntohl(in.sin_addr.s_addr));
		*port = ntohs(in.sin_port);
		return 0;
	}
	if (len < sizeof(in6))
		return -EINVAL;
	memcpy(&in6, sa, sizeof(in6));
	if (in6.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(addr->b, &in6.sin6_addr, sizeof(addr->b));
	*port = ntohs(in6.sin6_port);
	return 0;
}

static void
copy_cut(const void *from, socklen_t size, struct sockaddr *sa, socklen_t *len)
{
	memcpy(sa, from, *len < size ? *len : size);
	*len = size;
}

void
pd_addr_write(const struct pd_sock *s, const struct ip_addr *addr, uint16_t port,
	struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (sa == NULL || len == NULL)
		return;
	if (s->domain == AF_INET) {
		memcpy(&in.sin_addr, addr->b + 12, sizeof(in.sin_addr));
		copy_cut(&in, sizeof(in), sa, len);
		return;
	}
	memcpy(&in6.sin6_addr, addr->b, sizeof(in6.sin6_addr));
	copy_cut(&in6, sizeof(in6), sa, len);
}
