/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides on the response to a request and sends it. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "services/http_cond.h"
#include "services/http_int.h"
#include "services/http_path.h"
#include "services/http_range.h"

/* --- deciding --------------------------------------------------------------------------------- */

void
http_reply_status(struct http_reply *reply, uint16_t status, bool head_only)
{
	*reply = (struct http_reply){
		.head.status = status,
		.head.type = "text/plain; charset=utf-8",
		.head.has_length = true,
		.head_only = head_only,
		.memory = http_status_body(status),
	};
	reply->head.length = strlen(reply->memory);
	reply->body_bytes = head_only ? 0 : reply->head.length;
}

static void
plan_page(const struct http_page *page, bool head_only, struct http_reply *reply)
{
	*reply = (struct http_reply){
		.head = { .status = 200, .type = page->type, .has_length = true },
		.head_only = head_only,
		.page = page,
		.memory = page->text + page->head_bytes,
	};
	reply->head.length = page->body_bytes;
	reply->body_bytes = head_only ? 0 : page->body_bytes;
}

/* The reply holds the file from here on. */
static void
plan_file(const struct http_request *r, const uint8_t *head, struct http_file *file,
	struct http_reply *reply)
{
	const struct http_validators v = { file->etag, file->modified_s };
	const struct http_span *text = &r->fields[HTTP_FIELD_RANGE];
	bool head_only = r->method == HTTP_HEAD;
	enum http_cond_verdict cond = http_cond_evaluate(r, head, &v);
	enum http_range_verdict ranged = HTTP_RANGE_IGNORED;
	struct http_range range = { 0, file->size_bytes };

	if (cond == HTTP_COND_PROCEED && http_cond_range_applies(r, head, &v))
		ranged = http_range_parse(head + text->at, text->len, file->size_bytes, &range);
	if (cond == HTTP_COND_FAILED || ranged == HTTP_RANGE_UNSATISFIABLE) {
		http_reply_status(reply, cond == HTTP_COND_FAILED ? 412 : 416, head_only);
		reply->head.has_range = ranged == HTTP_RANGE_UNSATISFIABLE;
		reply->head.total = file->size_bytes;
		reply->file = file;
		return;
	}
	*reply = (struct http_reply){ .head_only = head_only, .file = file };
	reply->head.fields = file->fields;
	if (cond == HTTP_COND_NOT_MODIFIED) {
		reply->head.status = 304;
		return;
	}
	reply->head.status = ranged == HTTP_RANGE_OK ? 206 : 200;
	reply->head.has_range = ranged == HTTP_RANGE_OK;
	reply->head.range_first = range.first;
	reply->head.total = file->size_bytes;
	reply->head.has_length = true;
	reply->head.length = range.len;
	reply->head.type = file->type;
	reply->file_at = range.first;
	reply->body_bytes = head_only ? 0 : range.len;
	if (http_file_is_inline(file))
		reply->memory = (const char *)file->data + range.first;
}

static uint16_t
lookup_status(int err)
{
	switch (err) {
	case -EACCES:
		return 403;
	case -ENFILE:
		return 503;
	case -EIO:
		return 500;
	default:
		return 404;
	}
}

/* The root: its index.html, or else the built-in page. */
static void
plan_root(struct http *h, const struct http_request *r, const uint8_t *head,
	struct http_reply *reply)
{
	struct http_file *file;
	int err = -ENOENT;

	if (h->files.root_fd >= 0 && h->no_index_s != h->wall_s)
		err = http_files_get(&h->files, "index.html", h->wall_s, &file);
	if (err == 0) {
		plan_file(r, head, file, reply);
	} else if (err == -ENOENT) {
		h->no_index_s = h->wall_s;
		plan_page(&h->root_page, r->method == HTTP_HEAD, reply);
	} else {
		http_reply_status(reply, lookup_status(err), r->method == HTTP_HEAD);
	}
}

/* A name below the root. A directory is named with a slash and means its index.html. */
static void
plan_name(struct http *h, const struct http_request *r, const uint8_t *head,
	struct http_path *path, struct http_reply *reply)
{
	static const char index[] = "/index.html";
	struct http_file *file;
	int err = -ENOENT;

	if (!path->is_dir) {
		err = http_files_get(&h->files, path->name, h->wall_s, &file);
	} else if (path->len + sizeof(index) <= sizeof(path->name)) {
		memcpy(path->name + path->len, index, sizeof(index));
		err = http_files_get(&h->files, path->name, h->wall_s, &file);
	}
	if (err == 0)
		plan_file(r, head, file, reply);
	else
		http_reply_status(reply, lookup_status(err), r->method == HTTP_HEAD);
}

void
http_reply_plan(struct http *h, const struct http_request *r, const uint8_t *head,
	struct http_reply *reply)
{
	const uint8_t *target = head + r->target.at;
	bool head_only = r->method == HTTP_HEAD;
	enum http_path_verdict verdict;
	struct http_path path;

	if (r->method == HTTP_UNKNOWN || r->method == HTTP_NOT_ALLOWED) {
		http_reply_status(reply, r->method == HTTP_UNKNOWN ? 501 : 405, false);
		return;
	}
	/* The two that load generators and health checks ask for need no path. */
	if (r->target.len == 1) {
		plan_root(h, r, head, reply);
		return;
	}
	if (r->target.len == 8 && memcmp(target, "/healthz", 8) == 0) {
		plan_page(&h->health_page, head_only, reply);
		return;
	}
	verdict = http_path_resolve(target, r->target.len, &path);
	if (verdict != HTTP_PATH_OK)
		http_reply_status(reply, verdict == HTTP_PATH_BAD ? 400 : 404, head_only);
	else if (path.len == 0)
		plan_root(h, r, head, reply);
	else if (strcmp(path.name, "healthz") == 0 && !path.is_dir)
		plan_page(&h->health_page, head_only, reply);
	else
		plan_name(h, r, head, &path, reply);
}

void
http_reply_release(struct http *h, struct http_reply *reply)
{
	if (reply->file != NULL)
		http_files_put(&h->files, reply->file);
	reply->file = NULL;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Whether body bytes still have to be read from the file. */
static bool
reads_file(const struct http_reply *reply)
{
	return reply->memory == NULL && reply->body_bytes > 0;
}

/* Payload of one segment: buffers of this length leave as they are. */
static size_t
segment_bytes(struct sluice *s, sluice_conn c)
{
	int mss;

	if (sluice_getopt(s, c, SLUICE_TCP_MAXSEG, &mss) != 0 || mss <= 0)
		return 536; /* RFC 9293 s3.7.1: the least a peer may announce */
	return (size_t)mss;
}

/*
 * Write the head and as much of the body as belongs to the first send into the scratch buffer:
 * all of it, or one segment of a file. Written again after a short count, it is the same.
 */
static ptrdiff_t
write_start(struct http *h, struct http_reply *reply, size_t segment)
{
	char date[HTTP_DATE_BYTES];
	size_t body = (size_t)reply->body_bytes;

	http_date_format(date, reply->date_s);
	reply->head_bytes = http_response_head(h->scratch, &reply->head, date);
	if (reads_file(reply)) {
		size_t room = segment > HTTP_SCRATCH_BYTES ? HTTP_SCRATCH_BYTES : segment;
		struct iovec iov = { h->scratch + reply->head_bytes, 0 };

		iov.iov_len = room > reply->head_bytes ? room - reply->head_bytes : 0;
		if (iov.iov_len > reply->body_bytes)
			iov.iov_len = (size_t)reply->body_bytes;
		body = iov.iov_len;
		if (body > 0 && http_file_read(reply->file, &iov, 1, reply->file_at) != 0)
			return -EIO;
	} else if (body > 0) {
		assert(reply->head_bytes + body <= HTTP_SCRATCH_BYTES);
		memcpy(h->scratch + reply->head_bytes, reply->memory, body);
	}
	return (ptrdiff_t)(reply->head_bytes + body);
}

/* The first send: the page as it stands, or what write_start() composes. */
static ptrdiff_t
send_start(struct http *h, struct sluice *s, sluice_conn c, struct http_reply *reply)
{
	const struct http_page *page = reply->page;
	const char *text = h->scratch;
	unsigned int flags;
	ptrdiff_t len;

	if (!reply->started) {
		reply->started = true;
		reply->date_s = h->wall_s;
	}
	if (page != NULL && reply->date_s == h->wall_s) {
		text = page->text;
		reply->head_bytes = page->head_bytes;
		len = (ptrdiff_t)(page->head_bytes + reply->body_bytes);
	} else {
		len = write_start(h, reply, reads_file(reply) ? segment_bytes(s, c) : 0);
		if (len < 0)
			return len;
	}
	flags = (uint64_t)len < reply->head_bytes + reply->body_bytes ? SLUICE_MSG_MORE : 0;
	return sluice_send(s, c, text + reply->sent, (size_t)len - reply->sent, flags);
}

/* Get buffers for the next bytes of a file, as many as there is space for, at least one. */
static unsigned int
get_buffers(struct sluice *s, sluice_conn c, uint64_t left, struct sluice_buf *bufs)
{
	size_t segment = segment_bytes(s, c);
	ptrdiff_t space = sluice_send_space(s, c);
	unsigned int n = 0;

	while (n < HTTP_FILE_BATCH && left > 0 && (n == 0 || space > 0)) {
		if (sluice_buf_alloc(s, &bufs[n]) != 0)
			break;
		if (bufs[n].len > segment)
			bufs[n].len = (uint32_t)segment;
		if (bufs[n].len > left)
			bufs[n].len = (uint32_t)left;
		left -= bufs[n].len;
		space -= (ptrdiff_t)bufs[n].len;
		n++;
	}
	return n;
}

/* More of the file, read straight into the buffers that leave. */
static ptrdiff_t
send_file(struct sluice *s, sluice_conn c, const struct http_reply *reply)
{
	uint64_t done = reply->sent - reply->head_bytes;
	uint64_t left = reply->body_bytes - done;
	struct sluice_buf bufs[HTTP_FILE_BATCH];
	struct iovec iov[HTTP_FILE_BATCH];
	unsigned int n = get_buffers(s, c, left, bufs);
	ptrdiff_t result = 0;
	unsigned int i;

	if (n == 0)
		return -ENOBUFS;
	for (i = 0; i < n; i++)
		iov[i] = (struct iovec){ bufs[i].data, bufs[i].len };
	if (http_file_read(reply->file, iov, (int)n, reply->file_at + done) != 0)
		result = -EIO;
	for (i = 0; i < n && result >= 0; i++) {
		uint64_t after = left - (uint64_t)result - bufs[i].len;
		ptrdiff_t sent = sluice_send_buf(s, c, &bufs[i], after > 0 ? SLUICE_MSG_MORE : 0);

		if (sent < 0) {
			result = result > 0 ? result : sent;
			break;
		}
		result += sent;
	}
	/* What was not taken is read again when there is space. */
	for (; i < n; i++)
		sluice_buf_free(s, &bufs[i]);
	return result;
}

int
http_reply_send(struct http *h, struct sluice *s, sluice_conn c, struct http_reply *reply)
{
	while (!reply->started || reply->sent < reply->head_bytes + reply->body_bytes) {
		bool start = !reply->started || reply->sent < reply->head_bytes ||
			!reads_file(reply);
		ptrdiff_t n = start ? send_start(h, s, c, reply) : send_file(s, c, reply);

		if (n < 0)
			return (int)n;
		reply->sent += (uint64_t)n;
	}
	return 1;
}
