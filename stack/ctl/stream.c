/* SPDX-License-Identifier: BSD-3-Clause */
/* capture and trace: frames of all workers in the order of their time, line by line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"
#include "ctl/capture.h"
#include "ctl/conn_filter.h"
#include "ctl/session_int.h"
#include "wire/eth.h"
#include "wire/glance.h"

/*
 * Workers copy what matches (worker/tap.h); here it is taken, a line of rows at a time, as fast as
 * the client reads. What it does not read in time is lost and counted: no worker waits. A stream
 * ends by itself, after frames, bytes or time.
 */

/* Limits of a request that names none, and what it may name. */
#define TRACE_COUNT 1000u
#define TRACE_SECONDS 10u
#define CAPTURE_COUNT 100000u
#define CAPTURE_SECONDS 60u
#define CAPTURE_BYTES (64u << 20)
#define COUNT_MAX 100000000u
#define SECONDS_MAX 86400u
#define BYTES_MAX (64ull << 30)
/* A line at least so often, so that the client knows that we are there. */
#define BEAT_US 1000000u

/* Bytes of a row without its data, and of a line without its rows, at most. */
#define ROW_BYTES_MAX 400u
#define LINE_BYTES_MAX 400u

struct ctl_stream {
	json_t *id; /* of the request */
	bool with_data; /* capture */
	uint64_t count, bytes; /* that may still come */
	uint64_t until_us;
	uint64_t taken;
	uint64_t sent_us; /* when the last line was queued; 0: none was */
	uint8_t data[TAP_SNAP_MAX];
};

/* --- arguments ------------------------------------------------------------------------------ */

static int
number_arg(struct ctl_request *r, const char *name, enum unit unit, uint64_t max,
	uint64_t *value)
{
	char buf[32];
	const char *text = ctl_arg_text(r, name, buf);

	if (text == NULL)
		return 0;
	if (quantity_parse(text, unit, value) != 0 || *value < 1 || *value > max)
		return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL,
			"%s '%.40s' is not within 1..%llu", name, text, (unsigned long long)max);
	return 0;
}

struct outcome_names {
	char text[OUTCOME_MAX][OUTCOME_NAME_LEN];
};

static const char *
outcome_name_at(const void *ctx, size_t i)
{
	const struct outcome_names *names = ctx;

	return i < OUTCOME_MAX ? names->text[i] : NULL;
}

/* The outcome that an argument names, or -1. */
static int
reason_arg(struct ctl_request *r, int *out)
{
	char buf[32], near[100], hint[160];
	const char *text = ctl_arg_text(r, "reason", buf);
	struct outcome_names names = { 0 };
	int i;

	*out = -1;
	if (text == NULL)
		return 0;
	for (i = 0; i < OUTCOME_MAX; i++) {
		if (strcmp(outcome_name((enum outcome)i, names.text[i]), text) == 0) {
			*out = i;
			return 0;
		}
	}
	nearest_names(text, outcome_name_at, &names, near, sizeof(near));
	snprintf(hint, sizeof(hint), near[0] != '\0' ? "did you mean %s?"
						     : "show outcomes --all lists them%s", near);
	return ctl_fail(r, CTL_E_BAD_ARGUMENT, hint, "no outcome is called '%.40s'", text);
}

static struct tap_end
end_of(const struct ctl_endpoint *e)
{
	return (struct tap_end){ e->has_addr, e->addr, e->port };
}

static int
filter_args(struct ctl_request *r, struct tap_filter *out)
{
	struct ctl_conn_filter conns;

	if (ctl_conn_filter_parse(r, &conns) != 0)
		return -1;
	out->local = end_of(&conns.local);
	out->remote = end_of(&conns.remote);
	out->port = conns.port;
	out->drops_only = ctl_arg_flag(r, "drops");
	return reason_arg(r, &out->outcome);
}

/* Limits and filter; *snap_len too. */
static int
stream_args(struct ctl_request *r, struct ctl_stream *st, struct tap_filter *filter,
	uint64_t *snap_len)
{
	uint64_t seconds = st->with_data ? CAPTURE_SECONDS : TRACE_SECONDS;

	st->count = st->with_data ? CAPTURE_COUNT : TRACE_COUNT;
	st->bytes = st->with_data ? CAPTURE_BYTES : BYTES_MAX;
	*snap_len = st->with_data ? TAP_SNAP_MAX : TAP_LOOK_LEN;
	if (number_arg(r, "count", UNIT_COUNT, COUNT_MAX, &st->count) != 0 ||
		number_arg(r, "seconds", UNIT_SEC, SECONDS_MAX, &seconds) != 0 ||
		filter_args(r, filter) != 0)
		return -1;
	if (st->with_data &&
		(number_arg(r, "bytes", UNIT_BYTES, BYTES_MAX, &st->bytes) != 0 ||
			number_arg(r, "snaplen", UNIT_BYTES, TAP_SNAP_MAX, snap_len) != 0))
		return -1;
	st->until_us = r->s->backend->now_us(r->s->backend->ctx) + seconds * 1000000;
	return 0;
}

static int
stream_begin(struct ctl_request *r, struct ctl_stream *st)
{
	const struct ctl_backend *b = r->s->backend;
	struct tap_filter filter;
	uint64_t snap_len;
	int rc;

	if (stream_args(r, st, &filter, &snap_len) != 0)
		return -1;
	rc = capture_begin(b->hub, &filter, (uint32_t)snap_len, b->tunables->capture_buffer);
	if (rc == -EBUSY)
		return ctl_fail(r, CTL_E_BUSY,
			"there is one at a time; try again when it has ended",
			"a capture or trace of somebody is under way");
	if (rc != 0)
		return ctl_fail(r, CTL_E_INTERNAL, "lower capture_buffer", "out of memory");
	st->id = r->id != NULL ? json_deep_copy(r->id) : NULL;
	return 0;
}

static int
stream_start(struct ctl_request *r, bool with_data)
{
	struct ctl_stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return ctl_fail(r, CTL_E_INTERNAL, NULL, "out of memory");
	st->with_data = with_data;
	if (stream_begin(r, st) != 0) {
		free(st);
		return -1;
	}
	r->s->stream = st;
	return 0;
}

int
ctl_do_capture(struct ctl_request *r)
{
	return stream_start(r, true);
}

int
ctl_do_trace(struct ctl_request *r)
{
	return stream_start(r, false);
}

void
ctl_stream_end(struct ctl_session *s)
{
	capture_end(s->backend->hub);
	json_decref(s->stream->id);
	free(s->stream);
	s->stream = NULL;
}

/* --- rows ----------------------------------------------------------------------------------- */

static void
put(json_t *row, const char *name, uint64_t value)
{
	json_object_set_new(row, name, json_integer((json_int_t)value));
}

static void
put_data(json_t *row, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);
	size_t i;

	if (text == NULL)
		return;
	for (i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	json_object_set_new(row, "data", json_stringn_nocheck(text, 2 * len));
	free(text);
}

/* "tcp", "icmp", "arp", or a number in hexadecimal. */
static void
put_protocol(json_t *row, const struct glance *g)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = { { IP_PROTO_TCP, "tcp" }, { IP_PROTO_UDP, "udp" }, { IP_PROTO_ICMP4, "icmp" },
		{ IP_PROTO_ICMP6, "icmp6" } };
	char text[16];
	size_t i;

	snprintf(text, sizeof(text), g->has_ip ? "ip-%u" : "0x%04x",
		g->has_ip ? (unsigned int)g->proto : (unsigned int)g->type);
	for (i = 0; g->has_ip && i < ARRAY_SIZE(names); i++) {
		if (names[i].proto == g->proto)
			snprintf(text, sizeof(text), "%s", names[i].name);
	}
	if (g->type == ETH_TYPE_ARP)
		snprintf(text, sizeof(text), "arp");
	json_object_set_new(row, "protocol", json_string(text));
	json_object_set_new(row, "fragment", json_boolean(g->is_fragment));
}

/* As tcpdump writes them: "S.", "P.", "R". */
static void
put_flags(json_t *row, uint16_t flags)
{
	static const struct {
		uint16_t bit;
		char letter;
	} letters[] = { { TCP_FIN, 'F' }, { TCP_SYN, 'S' }, { TCP_RST, 'R' }, { TCP_PSH, 'P' },
		{ TCP_URG, 'U' }, { TCP_ECE, 'E' }, { TCP_CWR, 'W' }, { TCP_AE, 'e' },
		{ TCP_ACK, '.' } };
	char text[ARRAY_SIZE(letters) + 1];
	size_t used = 0, i;

	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		if (flags & letters[i].bit)
			text[used++] = letters[i].letter;
	}
	text[used] = '\0';
	json_object_set_new(row, "flags", json_string(text));
}

static void
put_end(json_t *row, const char *name, const struct ip_addr *addr, bool has_port, uint16_t port)
{
	char text[IP_ADDR_STRLEN], member[32];

	ip_addr_format(addr, text);
	json_object_set_new(row, name, json_string(text));
	snprintf(member, sizeof(member), "%s_port", name);
	if (has_port)
		put(row, member, port);
}

static void
put_glance(json_t *row, const struct tap_record *rec, const uint8_t *data)
{
	bool is_sent = rec->outcome == TAP_SENT;
	struct glance g;

	glance_at(data, rec->data_len, rec->frame_len, &g);
	put_protocol(row, &g);
	if (g.has_ip) {
		put_end(row, "local", is_sent ? &g.src : &g.dst, g.has_ports,
			is_sent ? g.sport : g.dport);
		put_end(row, "remote", is_sent ? &g.dst : &g.src, g.has_ports,
			is_sent ? g.dport : g.sport);
	}
	if (!g.has_tcp)
		return;
	put_flags(row, g.tcp.flags);
	put(row, "seq", g.tcp.seq);
	put(row, "ack", g.tcp.ack);
	put(row, "window", g.tcp.wnd);
	put(row, "payload", g.payload_len);
}

static json_t *
row_of(const struct ctl_stream *st, unsigned int worker, const struct tap_record *rec)
{
	json_t *row = json_object();
	char name[OUTCOME_NAME_LEN];

	put(row, "ts_ns", rec->at_us * 1000);
	put(row, "worker", worker);
	json_object_set_new(
		row, "direction", json_string(rec->outcome == TAP_SENT ? "out" : "in"));
	put(row, "length", rec->frame_len);
	if (rec->outcome < OUTCOME_MAX) {
		enum outcome outcome = (enum outcome)rec->outcome;

		json_object_set_new(row, "outcome", json_string(outcome_name(outcome, name)));
		json_object_set_new(
			row, "dropped", json_boolean(outcome_desc(outcome)->is_drop));
	}
	if (st->with_data)
		put_data(row, st->data, rec->data_len);
	else
		put_glance(row, rec, st->data);
	return row;
}

/* --- steps ---------------------------------------------------------------------------------- */

/* The next rows, as many as a line holds; *is_over: the stream has come to its end. */
static json_t *
rows_take(struct ctl_session *s, bool *is_over)
{
	struct ctl_stream *st = s->stream;
	struct mail_hub *hub = s->backend->hub;
	size_t room = CTL_ANSWER_MAX - LINE_BYTES_MAX;
	json_t *rows = json_array();
	struct tap_record rec;
	unsigned int i;

	for (i = 0; i < CTL_ROWS_MAX && st->count > 0 && st->bytes > 0; i++) {
		int worker = capture_peek(hub, &rec);
		size_t need;

		if (worker < 0 || rec.at_us > st->until_us)
			break;
		need = ROW_BYTES_MAX + (st->with_data ? 2u * rec.data_len : 0);
		if (need > room)
			return rows;
		capture_take(hub, (unsigned int)worker, &rec, st->data);
		json_array_append_new(rows, row_of(st, (unsigned int)worker, &rec));
		room -= need;
		st->taken++;
		st->count--;
		st->bytes -= min_u64(st->bytes, rec.data_len);
	}
	*is_over = st->count == 0 || st->bytes == 0 ||
		   (i < CTL_ROWS_MAX && s->backend->now_us(s->backend->ctx) > st->until_us);
	return rows;
}

enum ctl_step
ctl_stream_step(struct ctl_session *s, bool can_send, struct ctl_buf *out)
{
	struct ctl_stream *st = s->stream;
	uint64_t now = s->backend->now_us(s->backend->ctx);
	bool is_over = false;
	json_t *rows, *reply;

	if (!can_send || !capture_is_on(s->backend->hub))
		return CTL_STEP_WAIT;
	rows = rows_take(s, &is_over);
	if (json_array_size(rows) == 0 && !is_over && st->sent_us != 0 &&
		now - st->sent_us < BEAT_US) {
		json_decref(rows);
		return CTL_STEP_WAIT;
	}
	st->sent_us = now;
	reply = ctl_reply_new(s, st->id);
	json_object_set_new(reply, "frames", rows);
	put(reply, "taken", st->taken);
	put(reply, "lost", capture_lost(s->backend->hub));
	json_object_set_new(reply, "more", json_boolean(!is_over));
	ctl_reply_send(s, reply, out);
	if (!is_over)
		return CTL_STEP_WAIT;
	ctl_stream_end(s);
	return CTL_STEP_DONE;
}
