/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames as a person reads them, in the words of the scripts. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/view.h"

/* A text that grows in a fixed buffer and is cut rather than overrun. */
struct text {
	char *out;
	size_t cap;
	size_t len;
};

__attribute__((__format__(__printf__, 2, 3))) static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->cap)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->cap - t->len ? (size_t)n : t->cap - t->len - 1;
}

const char *
view_flags_text(uint8_t flags, char out[9])
{
	static const struct {
		uint8_t bit;
		char letter;
	} rows[] = {
		{ VIEW_FIN, 'F' },
		{ VIEW_SYN, 'S' },
		{ VIEW_RST, 'R' },
		{ VIEW_PSH, 'P' },
		{ VIEW_ECE, 'E' },
		{ VIEW_CWR, 'W' },
		{ VIEW_URG, 'U' },
		{ VIEW_ACK, '.' },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (flags & rows[i].bit)
			out[n++] = rows[i].letter;
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
	return out;
}

static void
add_opt(struct text *t, const struct view_opt *o)
{
	switch (o->kind) {
	case VIEW_OPT_EOL:
		add(t, "eol");
		break;
	case VIEW_OPT_NOP:
		add(t, "nop");
		break;
	case VIEW_OPT_MSS:
		add(t, "mss %u", o->v[0]);
		break;
	case VIEW_OPT_WSCALE:
		add(t, "wscale %u", o->v[0]);
		break;
	case VIEW_OPT_SACKOK:
		add(t, "sackOK");
		break;
	case VIEW_OPT_TS:
		add(t, "TS val %u ecr %u", o->v[0], o->v[1]);
		break;
	case VIEW_OPT_SACK:
		add(t, "sack");
		for (unsigned int i = 0; i + 1 < (o->len - 2u) / 4; i += 2)
			add(t, " %u:%u", o->v[i], o->v[i + 1]);
		break;
	default:
		add(t, "opt %u ", o->kind);
		for (unsigned int i = 0; i + 2 < o->len; i++)
			add(t, "%02x", o->raw[i]);
		break;
	}
}

static void
add_opts(struct text *t, const struct view_opts *opts)
{
	for (unsigned int i = 0; i < opts->count; i++) {
		if (i > 0)
			add(t, ",");
		add_opt(t, &opts->opt[i]);
	}
}

const char *
view_opts_text(const struct view_opts *opts, char *out, size_t cap)
{
	struct text t = { out, cap, 0 };

	out[0] = '\0';
	add_opts(&t, opts);
	return out;
}

const char *
view_text(const struct view *f, char *out, size_t cap)
{
	struct text t = { out, cap, 0 };
	char flags[9];

	out[0] = '\0';
	switch (f->kind) {
	case VIEW_BAD:
		add(&t, "malformed frame: %s", f->why);
		return out;
	case VIEW_ARP:
		add(&t, "ARP op %u", f->arp_op);
		return out;
	case VIEW_ICMP:
		add(&t, "ICMP type %u code %u", f->icmp_type, f->icmp_code);
		return out;
	case VIEW_OTHER:
		add(&t, "protocol %u", f->proto);
		return out;
	case VIEW_TCP:
		break;
	}
	add(&t, "%s %u:%u(%u)", view_flags_text(f->flags, flags), f->seq, f->seq + f->payload_len,
		f->payload_len);
	if (f->flags & VIEW_ACK)
		add(&t, " ack %u", f->ack);
	add(&t, " win %u", f->wnd);
	if (f->flags & VIEW_URG)
		add(&t, " urg %u", f->urg);
	if (f->opts.count > 0) {
		add(&t, " <");
		add_opts(&t, &f->opts);
		add(&t, ">");
	}
	return out;
}
