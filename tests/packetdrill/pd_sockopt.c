/* SPDX-License-Identifier: BSD-3-Clause */
/* Socket options: numbers by table, the others one function each. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "packetdrill/pd.h"

/* Not in every C library's headers. */
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef TCP_CC_INFO
#define TCP_CC_INFO 26
#endif

/* Linux's least buffers. */
#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304
#define FASTOPEN_KEY_LEN 16u
/* TCP_MIN_MSS and TCP_FIN_TIMEOUT_MAX of Linux. */
#define MAXSEG_MIN 88
#define LINGER2_MAX 120
#define DEFER_TRIES_MAX 255u
#define BPF_EXTENSIONS 64
#define TCP_IS_MPTCP 43
#define TCP_REPAIR_FIRST TCP_REPAIR
#define TCP_REPAIR_LAST TCP_REPAIR_OPTIONS

enum kind {
	KIND_BOOL,
	KIND_NUMBER,
	KIND_BUFFER,
};

static const struct row {
	int level, name, def, min, max;
	enum kind kind;
} rows[PD_OPT_COUNT] = {
#define X(id, level, name, def, min, max, kind) { level, name, def, min, max, KIND_##kind },
	PD_OPTIONS(X)
#undef X
};

void
pd_opts_default(const struct pd *pd, struct pd_sock *s)
{
	for (unsigned int i = 0; i < PD_OPT_COUNT; i++)
		s->value[i] = rows[i].def;
	s->value[PD_OPT_SNDBUF] = (int)pd->sndbuf_first;
	s->value[PD_OPT_RCVBUF] = (int)pd->tun.tcp_rmem[1];
	s->value[PD_OPT_KEEPIDLE] = (int)pd->tun.tcp_keepalive_time;
	s->value[PD_OPT_KEEPINTVL] = (int)pd->tun.tcp_keepalive_intvl;
	s->value[PD_OPT_KEEPCNT] = (int)pd->tun.tcp_keepalive_probes;
	s->value[PD_OPT_LINGER2] = (int)pd->tun.tcp_fin_timeout;
	s->value[PD_OPT_RTO_MAX_MS] = (int)pd->tun.tcp_rto_max;
	s->value[PD_OPT_RTO_MIN_US] = 1000 * (int)pd->tun.tcp_rto_min;
	s->value[PD_OPT_DELACK_MAX_US] = 1000 * (int)pd->tun.tcp_delack_max;
	strncpy(s->cc, tunables_cc_names[pd->tun.tcp_congestion_control], sizeof(s->cc) - 1);
}

/* --- what the engine does with them --------------------------------------------------------- */

static void
set_engine(struct pd *pd, const struct pd_sock *s, enum tcp_sockopt opt, int value)
{
	/* A rate is unsigned, and all ones are none. */
	if (opt == TCP_SO_MAX_PACING_RATE && value < 0)
		value = -1;
	if (s->kind == PD_CONN && s->handle != 0)
		tcp_setopt(pd->tcp, &pd->env, s->handle, opt, value);
}

/* The engine's name of a number; false: it has none. */
static bool
engine_opt(unsigned int i, enum tcp_sockopt *opt)
{
	static const struct {
		enum pd_opt from;
		enum tcp_sockopt to;
	} map[] = {
		{ PD_OPT_CORK, TCP_SO_CORK },
		{ PD_OPT_KEEPALIVE, TCP_SO_KEEPALIVE },
		{ PD_OPT_NODELAY, TCP_SO_NODELAY },
		{ PD_OPT_RCVBUF, TCP_SO_RCVBUF },
		{ PD_OPT_USER_TIMEOUT, TCP_SO_USER_TIMEOUT },
		{ PD_OPT_WINDOW_CLAMP, TCP_SO_WINDOW_CLAMP },
		{ PD_OPT_KEEPIDLE, TCP_SO_KEEPIDLE },
		{ PD_OPT_KEEPINTVL, TCP_SO_KEEPINTVL },
		{ PD_OPT_KEEPCNT, TCP_SO_KEEPCNT },
		{ PD_OPT_LINGER2, TCP_SO_LINGER2 },
		{ PD_OPT_QUICKACK, TCP_SO_QUICKACK },
		{ PD_OPT_MAX_PACING_RATE, TCP_SO_MAX_PACING_RATE },
	};

	for (size_t k = 0; k < ARRAY_SIZE(map); k++) {
		if (map[k].from != (enum pd_opt)i)
			continue;
		*opt = map[k].to;
		return true;
	}
	return false;
}

static int
engine_linger(const struct linger *l)
{
	return l->l_onoff ? (l->l_linger > 32767 ? 32767 : l->l_linger) : -1;
}

struct tcp_wishes
pd_opts_wishes(const struct pd_sock *s)
{
	return (struct tcp_wishes){
		.mss_max = (uint16_t)s->value[PD_OPT_MAXSEG],
		.syn_retries = (uint8_t)s->value[PD_OPT_SYNCNT],
		.rcvbuf = s->rcvbuf_set ? (uint32_t)s->value[PD_OPT_RCVBUF] : 0,
		.window_clamp = (uint32_t)s->value[PD_OPT_WINDOW_CLAMP],
		.no_cookie = s->value[PD_OPT_FASTOPEN_NO_COOKIE] != 0,
	};
}

void
pd_opts_apply(struct pd *pd, struct pd_sock *s)
{
	struct pd_sock fresh = { .kind = PD_NEW };
	enum tcp_sockopt opt;

	pd_opts_default(pd, &fresh);
	for (unsigned int i = 0; i < PD_OPT_COUNT; i++)
		if (s->value[i] != fresh.value[i] && engine_opt(i, &opt))
			set_engine(pd, s, opt, s->value[i]);
	for (unsigned int i = 0; tunables_cc_names[i] != NULL; i++)
		if (strcmp(s->cc, tunables_cc_names[i]) == 0 && strcmp(s->cc, fresh.cc) != 0)
			set_engine(pd, s, TCP_SO_CONGESTION, (int)i);
	if (s->linger.l_onoff)
		set_engine(pd, s, TCP_SO_LINGER, engine_linger(&s->linger));
}

/* --- setting -------------------------------------------------------------------------------- */

static int
set_buffer(unsigned int i, int value, int most)
{
	int least = i == PD_OPT_SNDBUF ? SNDBUF_MIN : RCVBUF_MIN;

	/* Linux takes it for unsigned. */
	if (value < 0 || value > most)
		value = most;
	return 2 * value > least ? 2 * value : least;
}

/* Linux measures it in SYN-ACKs: 1, 3, 7 ... s. */
static int
defer_rounded(int seconds)
{
	int wait_s = 1, sum_s = seconds > 0;

	for (unsigned int tries = 1; sum_s < seconds && tries < DEFER_TRIES_MAX; tries++) {
		wait_s = wait_s < 60 ? 2 * wait_s : 120;
		sum_s += wait_s;
	}
	return sum_s;
}

/* Of the headers: the bits of ECN are TCP's, -1 is the default. */
static int
header_field(unsigned int i, int value)
{
	if (i == PD_OPT_TOS)
		return value & 0xfc;
	if (i == PD_OPT_TCLASS)
		return value < 0 ? 0 : value & 0xfc;
	if (i == PD_OPT_TTL || i == PD_OPT_UNICAST_HOPS)
		return value < 0 ? rows[i].def : value;
	return value;
}

/* Half of what the buffer may become; 0 is 1, and negative is all of it. */
static int
rcvlowat(const struct pd *pd, const struct pd_sock *s, int value)
{
	int most = (s->rcvbuf_set ? s->value[PD_OPT_RCVBUF] : (int)pd->tun.tcp_rmem[2]) / 2;

	return value < 0 || value > most ? most : value == 0 ? 1 : value;
}

/* Of a number within its range: what Linux has it be, or -EINVAL in *err. */
static int
own_rule(const struct pd *pd, const struct pd_sock *s, unsigned int i, int value, int *err)
{
	bool is_new = s->kind == PD_NEW, listens = s->kind == PD_LISTENER;

	switch (i) {
	case PD_OPT_TTL:
		*err = value == 0 ? -EINVAL : 0;
		break;
	case PD_OPT_RCVLOWAT:
		return rcvlowat(pd, s, value);
	case PD_OPT_MAXSEG:
		*err = value != 0 && value < MAXSEG_MIN ? -EINVAL : 0;
		break;
	case PD_OPT_WINDOW_CLAMP:
		*err = value == 0 && !is_new ? -EINVAL : 0;
		return value == 0 ? 0 : value < RCVBUF_MIN / 2 ? RCVBUF_MIN / 2 : value;
	case PD_OPT_LINGER2:
		return value < 0 ? -1 : value > LINGER2_MAX ? LINGER2_MAX : value;
	case PD_OPT_DEFER_ACCEPT:
		return defer_rounded(value);
	case PD_OPT_THIN_DUPACK:
		/* It does nothing since 4.16. */
		return 0;
	case PD_OPT_FASTOPEN:
		*err = is_new || listens ? 0 : -EINVAL;
		return (int)min_u32((uint32_t)value, pd->tun.somaxconn);
	case PD_OPT_FASTOPEN_CONNECT:
		*err = is_new ? 0 : -EINVAL;
		break;
	case PD_OPT_FASTOPEN_NO_COOKIE:
		*err = is_new || listens ? 0 : -EINVAL;
		break;
	default:
		break;
	}
	return header_field(i, value);
}

/* What they mean is for all sockets here; a script has one. */
static void
set_times(struct pd *pd, unsigned int i, int value)
{
	if (i == PD_OPT_RTO_MAX_MS)
		pd->rto_max_ms = (uint32_t)value;
	else if (i == PD_OPT_RTO_MIN_US)
		pd->rto_min_ms = ((uint32_t)value + 999) / 1000;
	else if (i == PD_OPT_DELACK_MAX_US)
		pd->delack_max_ms = ((uint32_t)value + 999) / 1000;
	else
		return;
	pd_sysctl_load(pd);
}

static int
set_number(struct pd *pd, struct pd_sock *s, unsigned int i, int value)
{
	const struct row *row = &rows[i];
	enum tcp_sockopt opt;
	int err = 0;

	switch (row->kind) {
	case KIND_BOOL:
		value = value != 0;
		break;
	case KIND_BUFFER:
		value = set_buffer(i, value, i == PD_OPT_SNDBUF ? pd->wmem_max : pd->rmem_max);
		s->rcvbuf_set |= i == PD_OPT_RCVBUF;
		s->sndbuf_set |= i == PD_OPT_SNDBUF;
		break;
	case KIND_NUMBER:
		if (value < row->min || value > row->max)
			return -EINVAL;
		break;
	}
	value = own_rule(pd, s, i, value, &err);
	if (err != 0)
		return err;
	if (i == PD_OPT_TIMESTAMPING)
		return pd_stamp_set(pd, s, (unsigned int)value);
	s->value[i] = value;
	set_times(pd, i, value);
	pd_listener_changed(pd, s);
	if (engine_opt(i, &opt)) {
		set_engine(pd, s, opt, value);
		pd_engine_run(pd);
	}
	return 0;
}

static int
set_linger(struct pd *pd, struct pd_sock *s, const void *value, socklen_t len)
{
	if (len < sizeof(s->linger))
		return -EINVAL;
	memcpy(&s->linger, value, sizeof(s->linger));
	set_engine(pd, s, TCP_SO_LINGER, engine_linger(&s->linger));
	return 0;
}

static int
set_timeo(struct pd_sock *s, unsigned int which, const void *value, socklen_t len)
{
	if (len < sizeof(s->timeo[which]))
		return -EINVAL;
	memcpy(&s->timeo[which], value, sizeof(s->timeo[which]));
	return 0;
}

uint32_t
pd_notsent_lowat(const struct pd *pd, const struct pd_sock *s)
{
	uint32_t own = (uint32_t)s->value[PD_OPT_NOTSENT_LOWAT];

	return own != 0 ? own : pd->notsent_lowat == UINT32_MAX ? 0 : pd->notsent_lowat;
}

/* One key or two, of 16 bytes each. */
static int
set_fastopen_key(struct pd *pd, struct pd_sock *s, const void *value, socklen_t len)
{
	const uint8_t *from = value;

	if (len != FASTOPEN_KEY_LEN && len != 2 * FASTOPEN_KEY_LEN)
		return -EINVAL;
	s->fastopen_key.state = len == FASTOPEN_KEY_LEN ? TUN_SECRET_ONE : TUN_SECRET_TWO;
	for (unsigned int i = 0; i < len / 4; i++)
		s->fastopen_key.key[i / 4][i % 4] =
			(uint32_t)from[4 * i] | (uint32_t)from[4 * i + 1] << 8 |
			(uint32_t)from[4 * i + 2] << 16 | (uint32_t)from[4 * i + 3] << 24;
	pd_listener_changed(pd, s);
	return 0;
}

static int
get_fastopen_key(const struct pd *pd, const struct pd_sock *s, void *value, socklen_t *len)
{
	const struct tun_secret *key = s->fastopen_key.state != 0 ? &s->fastopen_key :
								    &pd->tun.tcp_fastopen_key;
	uint8_t bytes[2 * FASTOPEN_KEY_LEN];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(key->key[i / 16][i / 4 % 4] >> 8 * (i % 4));
	return pd_copy_out(bytes, FASTOPEN_KEY_LEN * key->state, value, len);
}

/* Only what the tunable of the same name knows. */
static int
set_cc(struct pd *pd, struct pd_sock *s, const void *value, socklen_t len)
{
	char name[16] = "";

	memcpy(name, value, len < sizeof(name) ? len : sizeof(name) - 1);
	for (unsigned int i = 0; tunables_cc_names[i] != NULL; i++) {
		if (strcmp(tunables_cc_names[i], name) != 0)
			continue;
		memcpy(s->cc, name, sizeof(s->cc));
		set_engine(pd, s, TCP_SO_CONGESTION, (int)i);
		return 0;
	}
	return -ENOENT;
}

static int
find_row(const struct pd_sock *s, int level, int name)
{
	if (level == IPPROTO_IPV6 && s->domain != AF_INET6)
		return -1;
	for (unsigned int i = 0; i < PD_OPT_COUNT; i++)
		if (rows[i].level == level && rows[i].name == name)
			return (int)i;
	return -1;
}

static bool
is_repair(int level, int name)
{
	return level == IPPROTO_TCP && ((name >= TCP_REPAIR_FIRST && name <= TCP_REPAIR_LAST) ||
		name == TCP_TIMESTAMP);
}

/* SO_SNDBUFFORCE, SO_RCVBUFFORCE: whatever the most is. */
static int
set_forced(struct pd *pd, struct pd_sock *s, int name, const void *value, socklen_t len)
{
	unsigned int i = name == SO_SNDBUFFORCE ? PD_OPT_SNDBUF : PD_OPT_RCVBUF;
	int wmem_max = pd->wmem_max, rmem_max = pd->rmem_max, number, err;

	if (len < sizeof(number))
		return -EINVAL;
	memcpy(&number, value, sizeof(number));
	pd->wmem_max = pd->rmem_max = INT_MAX / 2;
	err = set_number(pd, s, i, number < 0 ? 0 : number);
	pd->wmem_max = wmem_max;
	pd->rmem_max = rmem_max;
	return err;
}

static int
do_setsockopt(struct pd *pd, int fd, int level, int name, const void *value, socklen_t len)
{
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s), row, number;
	uint8_t byte;

	if (err != 0)
		return err;
	row = find_row(s, level, name);
	if (value == NULL)
		return row < 0 ? -ENOPROTOOPT : -EFAULT;
	if (level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE))
		return set_forced(pd, s, name, value, len);
	if (level == SOL_SOCKET && name == SO_LINGER)
		return set_linger(pd, s, value, len);
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return set_timeo(s, name == SO_SNDTIMEO, value, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_cc(pd, s, value, len);
	if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
		return set_fastopen_key(pd, s, value, len);
	/* Linux looks at the length first, and takes a byte for what is IP's. */
	if (len < sizeof(number) && (level == SOL_SOCKET || level == IPPROTO_TCP))
		return -EINVAL;
	if (is_repair(level, name))
		return -EPERM;
	if (row < 0)
		return -ENOPROTOOPT;
	if (len >= sizeof(number)) {
		memcpy(&number, value, sizeof(number));
	} else if (len >= 1 && level == IPPROTO_IP) {
		memcpy(&byte, value, 1);
		number = byte;
	} else {
		return -EINVAL;
	}
	return set_number(pd, s, (unsigned int)row, number);
}

int
pd_slot_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_setsockopt(pd, fd, level, name, value, len));
}

/* --- getting -------------------------------------------------------------------------------- */

int
pd_copy_out(const void *from, size_t size, void *out, socklen_t *len)
{
	if (*len > size)
		*len = (socklen_t)size;
	memcpy(out, from, *len);
	return 0;
}

/* Those whose value is not simply what was set. */
static int
get_number(struct pd *pd, struct pd_sock *s, unsigned int i)
{
	enum tcp_sockopt opt;
	int value = s->value[i];

	if (i == PD_OPT_MAXSEG && s->kind == PD_CONN && s->handle != 0)
		tcp_getopt(pd->tcp, &pd->env, s->handle, TCP_SO_MAXSEG, &value);
	else if (i == PD_OPT_MAXSEG && value == 0)
		value = 536;
	else if (i == PD_OPT_SYNCNT && value == 0)
		value = (int)pd->tun.tcp_syn_retries;
	else if (i == PD_OPT_SNDBUF)
		value = (int)pd_room_sndbuf(pd, s);
	else if (i == PD_OPT_LINGER2 && value == 0)
		value = (int)pd->tun.tcp_fin_timeout;
	else if (engine_opt(i, &opt) && s->kind == PD_CONN && s->handle != 0)
		tcp_getopt(pd->tcp, &pd->env, s->handle, opt, &value);
	return value;
}

/* What is the same for every socket; false: not one of these. */
static bool
get_constant(const struct pd *pd, const struct pd_sock *s, int key, int *number)
{
	switch (key) {
	case SOL_SOCKET << 16 | SO_TYPE:
		*number = SOCK_STREAM;
		return true;
	case SOL_SOCKET << 16 | SO_DOMAIN:
		*number = s->domain;
		return true;
	case SOL_SOCKET << 16 | SO_PROTOCOL:
		*number = IPPROTO_TCP;
		return true;
	case SOL_SOCKET << 16 | SO_SNDLOWAT:
		*number = 1;
		return true;
	case SOL_SOCKET << 16 | SO_BPF_EXTENSIONS:
		*number = BPF_EXTENSIONS;
		return true;
	case SOL_SOCKET << 16 | SO_INCOMING_NAPI_ID:
	case SOL_SOCKET << 16 | SO_LOCK_FILTER:
	case IPPROTO_TCP << 16 | TCP_REPAIR:
	case IPPROTO_TCP << 16 | TCP_IS_MPTCP:
		*number = 0;
		return true;
	case IPPROTO_TCP << 16 | TCP_TIMESTAMP:
		*number = (int)pd->env.now_ms;
		return true;
	default:
		return false;
	}
}

/* What is no number of the table; 1: not one of these. */
static int
get_other(struct pd *pd, struct pd_sock *s, int key, void *value, socklen_t *len)
{
	struct tcp_details d = { 0 };
	int number;

	if (get_constant(pd, s, key, &number))
		return pd_copy_out(&number, sizeof(number), value, len);
	switch (key) {
	case SOL_SOCKET << 16 | SO_ERROR:
		number = -pd_take_error(s);
		if (number == 0)
			number = s->soft_error;
		s->soft_error = 0;
		break;
	case SOL_SOCKET << 16 | SO_ACCEPTCONN:
		number = s->kind == PD_LISTENER;
		break;
	case SOL_SOCKET << 16 | SO_LINGER:
		return pd_copy_out(&s->linger, sizeof(s->linger), value, len);
	case SOL_SOCKET << 16 | SO_RCVTIMEO:
		return pd_copy_out(&s->timeo[0], sizeof(s->timeo[0]), value, len);
	case SOL_SOCKET << 16 | SO_SNDTIMEO:
		return pd_copy_out(&s->timeo[1], sizeof(s->timeo[1]), value, len);
	case SOL_SOCKET << 16 | SO_MEMINFO:
		return pd_info_mem(pd, s, value, len);
	case SOL_SOCKET << 16 | SO_COOKIE:
		return *len < sizeof(uint64_t) ? -EINVAL :
			pd_copy_out(&(uint64_t){ (uint64_t)s->fd }, sizeof(uint64_t), value, len);
	case IPPROTO_TCP << 16 | TCP_REPAIR_QUEUE:
	case IPPROTO_TCP << 16 | TCP_QUEUE_SEQ:
		return -EINVAL;
	case IPPROTO_TCP << 16 | TCP_ULP:
		*len = 0;
		return 0;
	case IPPROTO_TCP << 16 | TCP_CONGESTION:
		return pd_copy_out(s->cc, sizeof(s->cc), value, len);
	case IPPROTO_TCP << 16 | TCP_FASTOPEN_KEY:
		return get_fastopen_key(pd, s, value, len);
	case IPPROTO_TCP << 16 | TCP_SAVED_SYN:
		return pd_syn_copy(s, value, len);
	case IPPROTO_IP << 16 | IP_MTU:
	case IPPROTO_IPV6 << 16 | IPV6_MTU:
		if (s->kind != PD_CONN)
			return -ENOTCONN;
		number = pd_details(pd, s, &d) ? (int)pd_pmtu(pd, &d) : pd->mtu;
		break;
	case IPPROTO_TCP << 16 | TCP_INFO:
		return pd_info_tcp(pd, s, value, len);
	case IPPROTO_TCP << 16 | TCP_CC_INFO:
		return pd_info_cc(pd, s, value, len);
	default:
		return 1;
	}
	return pd_copy_out(&number, sizeof(number), value, len);
}

int
pd_getsockopt(struct pd *pd, int fd, int level, int name, void *value, socklen_t *len)
{
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s), row, number;
	uint8_t byte;

	if (err != 0)
		return err;
	if (value == NULL || len == NULL)
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	err = get_other(pd, s, level << 16 | name, value, len);
	if (err <= 0)
		return err;
	row = find_row(s, level, name);
	if (row < 0)
		return -ENOPROTOOPT;
	number = get_number(pd, s, (unsigned int)row);
	if (level == IPPROTO_IP && *len > 0 && *len < sizeof(number)) {
		byte = (uint8_t)number;
		return pd_copy_out(&byte, 1, value, len);
	}
	return pd_copy_out(&number, sizeof(number), value, len);
}

int
pd_slot_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, pd_getsockopt(pd, fd, level, name, value, len));
}
