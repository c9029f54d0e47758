/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of listings as JSON: connections and listeners. */
#include "ctl/session_int.h"
#include "tcp/tcp.h"

static void
put(json_t *row, const char *name, uint64_t value)
{
	json_object_set_new(row, name, json_integer((json_int_t)value));
}

static void
put_ip(json_t *row, const char *name, const struct ip_addr *addr)
{
	char text[IP_ADDR_STRLEN];

	ip_addr_format(addr, text);
	json_object_set_new(row, name, json_string(text));
}

/* One of our addresses; "any" for a listener without one. */
static void
put_local(json_t *row, const struct local_addrs *local, int index)
{
	if (index >= 0 && (unsigned int)index < local->count)
		put_ip(row, "local", &local->addr[index]);
	else
		json_object_set_new(row, "local", json_string("any"));
}

json_t *
ctl_conn_json(unsigned int worker, const struct tcp_conn_info *info,
	const struct local_addrs *local)
{
	json_t *row = json_object();

	put(row, "worker", worker);
	json_object_set_new(row, "state", json_string(tcp_state_name(info->state)));
	put_local(row, local, info->key.laddr_idx);
	put(row, "local_port", info->key.lport);
	put_ip(row, "remote", &info->key.raddr);
	put(row, "remote_port", info->key.rport);
	put(row, "recvq", info->recvq_bytes);
	put(row, "sendq", info->sendq_bytes);
	put(row, "srtt_us", info->srtt_us);
	put(row, "rttvar_us", info->rttvar_us);
	put(row, "rto_ms", info->rto_ms);
	put(row, "cwnd", info->cwnd_bytes);
	put(row, "ssthresh", info->ssthresh_bytes);
	put(row, "mss", info->mss);
	put(row, "snd_wnd", info->snd_wnd);
	put(row, "rcv_wnd", info->rcv_wnd);
	put(row, "retrans", info->retrans);
	json_object_set_new(row, "timer_ms",
		info->timer_ms != UINT32_MAX ? json_integer(info->timer_ms) : json_null());
	json_object_set_new(row, "cc", info->cc != NULL ? json_string(info->cc) : json_null());
	json_object_set_new(row, "orphan", json_boolean(info->orphan));
	return row;
}

/* Milliseconds ago; null: never. */
static void
put_ago(json_t *row, const char *name, uint32_t ms)
{
	json_object_set_new(row, name, ms != UINT32_MAX ? json_integer(ms) : json_null());
}

/* Linux's words for tcpi_ca_state. */
static const char *
ca_name(unsigned int ca)
{
	static const char *const names[] = { "open", "disorder", "cwr", "recovery", "loss" };

	return ca < ARRAY_SIZE(names) ? names[ca] : "?";
}

/* What the sender waits for, with the words that ss has for times of it. */
static const char *
limit_name(unsigned int limit)
{
	static const char *const names[] = {
		[TCP_LIMIT_NONE] = "none",
		[TCP_LIMIT_OWNER] = "app",
		[TCP_LIMIT_CWND] = "cwnd",
		[TCP_LIMIT_PEER] = "rwnd",
		[TCP_LIMIT_PACING] = "pacing",
	};

	return limit < ARRAY_SIZE(names) ? names[limit] : "?";
}

/* A member for each figure; what is new in a connection is added at the end of its group. */
void
ctl_conn_info_json(json_t *row, const struct tcp_conn_info *info)
{
	/* Negotiated. */
	json_object_set_new(row, "ts", json_boolean(info->has_ts));
	json_object_set_new(row, "sack", json_boolean(info->has_sack));
	put(row, "snd_wscale", info->snd_wscale);
	put(row, "rcv_wscale", info->rcv_wscale);
	put(row, "rcv_mss", info->rcv_mss);
	json_object_set_new(row, "ecn", json_boolean(info->has_ecn));
	put(row, "adv_mss", info->adv_mss);
	put(row, "pmtu", info->pmtu);
	/* Recovery. */
	put(row, "rexmits", info->rexmits);
	put(row, "probes", info->probes);
	put(row, "backoff", info->backoff);
	json_object_set_new(row, "ca_state", json_string(ca_name(info->ca)));
	json_object_set_new(row, "reordering", json_boolean(info->reorders));
	put(row, "min_rtt_us", info->min_rtt_us);
	put(row, "lost", info->lost_bytes);
	put(row, "sacked", info->sacked_bytes);
	put(row, "sent_again", info->again_bytes);
	/* Buffers and bytes. */
	put(row, "rcvbuf", info->rcvbuf_bytes);
	put(row, "sndbuf", info->sndbuf_bytes);
	put(row, "in_flight", info->flight_bytes);
	put(row, "not_sent", info->notsent_bytes);
	json_object_set_new(row, "limited_by", json_string(limit_name(info->limit)));
	/* Before the first round trip there is no rate. */
	put(row, "pacing_rate_bps", info->pacing_rate < UINT64_MAX ? 8 * info->pacing_rate : 0);
	put(row, "max_pacing_rate_bps", 8ull * info->max_pacing_rate);
	put(row, "delivery_rate_bps", 8 * info->delivery_rate);
	put(row, "memory", info->space_bytes);
	put(row, "acked_mod_4gi", info->acked_bytes);
	put(row, "received_mod_4gi", info->received_bytes);
	/* Activity. */
	put(row, "idle_ms", info->idle_ms);
	put_ago(row, "data_idle_ms", info->data_idle_ms);
	put_ago(row, "sent_idle_ms", info->sent_idle_ms);
	put(row, "ato_ms", info->ato_ms);
}

void
ctl_conn_notes_json(json_t *row, const struct tcp_conn_info *info)
{
	const struct tcp_notes *n = &info->notes;

	if (!info->has_notes)
		return;
	put(row, "bytes_sent", n->bytes_sent);
	put(row, "bytes_retrans", n->bytes_retrans);
	put(row, "segs_out", n->segs_out);
	put(row, "segs_in", n->segs_in);
	put(row, "data_segs_out", n->data_segs_out);
	put(row, "data_segs_in", n->data_segs_in);
	put(row, "delivered", n->delivered);
	put(row, "delivered_ce", n->delivered_ce);
	put(row, "busy_us", n->busy_us);
	put(row, "rwnd_limited_us", n->rwnd_limited_us);
	put(row, "sndbuf_limited_us", n->sndbuf_limited_us);
	put(row, "rcv_rtt_us", n->rcv_rtt_us8 >> 3);
	put(row, "dsack_dups", n->dsack_dups);
	put(row, "reord_seen", n->reord_seen);
	put(row, "rcv_ooopack", n->rcv_ooopack);
	put(row, "total_rto", n->total_rto);
}

json_t *
ctl_listener_json(const struct tcp_listener_info *info, const struct local_addrs *local)
{
	json_t *row = json_object();
	json_t *drops = json_object();

	json_object_set_new(row, "service", json_string(info->name));
	put_local(row, local, info->laddr_idx);
	put(row, "local_port", info->port);
	put(row, "accept_queue", info->acceptq);
	put(row, "accept_limit", info->acceptq_limit);
	put(row, "syn_queue", info->synq);
	put(row, "syn_limit", info->synq_limit);
	put(row, "syncookies", (uint64_t)info->syncookies);
	put(row, "accepted", info->accepted);
	put(row, "cookies_sent", info->cookies_sent);
	put(row, "cookies_valid", info->cookies_valid);
	put(row, "cookies_invalid", info->cookies_invalid);
	put(row, "accept_overflows", info->acceptq_overflows);
	put(row, "syn_overflows", info->synq_overflows);
	put(drops, "syn_queue_full", info->syn_drops_full);
	put(drops, "syn_early_drop", info->syn_drops_early);
	put(drops, "syn_accept_full", info->syn_drops_accept);
	put(drops, "syn_source_limits", info->syn_drops_source);
	json_object_set_new(row, "syn_drops", drops);
	json_object_set_new(row, "fastopen", json_boolean(info->fastopen));
	put(row, "fastopen_pending", info->fastopen_pending);
	put(row, "fastopen_limit", info->fastopen_limit);
	put(row, "fastopen_opened", info->fastopen_opened);
	put(row, "fastopen_failed", info->fastopen_failed);
	return row;
}
