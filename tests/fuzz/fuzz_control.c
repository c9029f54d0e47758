/* SPDX-License-Identifier: BSD-3-Clause */
/* The control protocol: any bytes in any pieces; answers stay JSON, one line each, and bounded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl/capture.h"
#include "ctl/lines.h"
#include "ctl/session.h"
#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "lib/fake_backend.h"

/* Every line queued must be JSON that a reader can take; then it is taken. */
static void
check_answers(struct ctl_buf *out)
{
	while (ctl_buf_len(out) > 0) {
		const char *data = ctl_buf_data(out);
		const char *newline = memchr(data, '\n', ctl_buf_len(out));
		json_error_t why;
		json_t *answer;

		FUZZ_CHECK(newline != NULL);
		FUZZ_CHECK((size_t)(newline - data) < CTL_ANSWER_MAX);
		answer = json_loadb(data, (size_t)(newline - data), JSON_REJECT_DUPLICATES, &why);
		FUZZ_CHECK(json_is_object(answer));
		json_decref(answer);
		ctl_buf_drop(out, (size_t)(newline - data) + 1);
	}
}

static void
run_request(struct fake_backend *fake, struct ctl_session *s, const char *line, size_t len)
{
	struct ctl_buf out = { 0 };
	uint8_t *exact = exact_copy(line, len);
	unsigned int steps = 0;

	ctl_session_request(s, (const char *)exact, len, &out);
	free(exact);
	while (ctl_session_is_busy(s)) {
		check_answers(&out);
		fake_backend_turn(fake);
		mail_collect(&fake->hub);
		ctl_session_step(s, true, &out);
		FUZZ_CHECK(++steps < 100);
		/* Time stands still: somebody who looks on has enough by now. */
		if (s->stream != NULL && steps > 20)
			ctl_session_fini(s);
	}
	FUZZ_CHECK(ctl_buf_len(&out) > 0 || steps > 20);
	FUZZ_CHECK(!s->is_stuck);
	check_answers(&out);
	ctl_buf_free(&out);
	/* Orders were taken by the time of the next request. */
	fake_backend_turn(fake);
	mail_collect(&fake->hub);
	capture_poll(&fake->hub);
	fake_backend_turn(fake);
	mail_collect(&fake->hub);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ctl_lines lines;
	static struct fake_backend fake;
	struct ctl_session s;
	unsigned int requests = 0;

	if (size < 2)
		return 0;
	lines.begin = 0;
	lines.end = 0;
	lines.scanned = 0;
	if (fake.backend.version == NULL)
		fake_backend_init(&fake);
	fake_backend_reset(&fake);
	ctl_session_init(&s, &fake.backend, (enum ctl_role)(data[0] % 3));
	for (size_t at = 2; at < size && requests < 50;) {
		size_t len = 0;
		char *room = ctl_lines_room(&lines, &len);
		const char *line;
		ssize_t found;

		/* The second byte is the size of the pieces. */
		len = len < size - at ? len : size - at;
		len = len < data[1] + 1u ? len : data[1] + 1u;
		memcpy(room, data + at, len);
		ctl_lines_fill(&lines, len);
		at += len;
		while ((found = ctl_lines_next(&lines, &line)) >= 0 && requests++ < 50)
			run_request(&fake, &s, line, (size_t)found);
		if (found == -E2BIG)
			break;
	}
	ctl_session_fini(&s);
	return 0;
}
