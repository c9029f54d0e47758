/* SPDX-License-Identifier: BSD-3-Clause */
/* The pcap generator: reads what to make, makes it, a frame at a time. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/secrets.h"
#include "options.h"
#include "pcap.h"

#define BUFFER_BYTES 1048576u

static int
write_frames(const struct pcapgen_options *options, FILE *out)
{
	uint8_t frame[CRAFT_FRAME_MAX];
	int rc = pcap_begin(out);

	for (uint64_t i = 0; rc == 0 && i < options->count; i++) {
		uint16_t len = craft_frame(frame, &options->craft, i);

		rc = pcap_add(out, frame, len, i * 1000000 / options->rate);
	}
	return rc == 0 && fflush(out) == 0 ? 0 : -errno;
}

/* Half a file is worse than none: who replays it would not know. */
static void
take_back(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		(void)unlink(path);
}

static int
fail(const char *path)
{
	fprintf(stderr, "sluice-pcapgen: %s: %s\n", path, strerror(errno));
	return PCAPGEN_EXIT_FAILED;
}

static int
make_file(const struct pcapgen_options *options)
{
	static char buffer[BUFFER_BYTES];
	bool is_stdout = strcmp(options->output, "-") == 0;
	FILE *out = is_stdout ? stdout : fopen(options->output, "we");
	int rc;

	if (out == NULL)
		return fail(options->output);
	if (is_stdout && isatty(STDOUT_FILENO)) {
		fputs("sluice-pcapgen: this is no text for a terminal\n", stderr);
		return PCAPGEN_EXIT_USAGE;
	}
	(void)setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	rc = write_frames(options, out);
	if (rc != 0)
		(void)fail(options->output);
	if (!is_stdout && fclose(out) != 0 && rc == 0)
		rc = fail(options->output);
	if (rc != 0 && !is_stdout)
		take_back(options->output);
	return rc == 0 ? PCAPGEN_EXIT_OK : PCAPGEN_EXIT_FAILED;
}

static int
run(struct pcapgen_options *options)
{
	if (options->secret != NULL) {
		struct secrets secrets;
		uint64_t from;

		if (test_secret_read(options->secret, &from, stderr) != 0)
			return PCAPGEN_EXIT_FAILED;
		secrets_derive(from, &secrets);
		options->craft.cookie_key = secrets.cookie[0];
	}
	return make_file(options);
}

int
main(int argc, char **argv)
{
	struct pcapgen_options options;

	if (pcapgen_options_parse(argc, argv, &options, stderr) != 0)
		return PCAPGEN_EXIT_USAGE;
	switch (options.mode) {
	case PCAPGEN_HELP:
		pcapgen_help_print(stdout);
		return PCAPGEN_EXIT_OK;
	case PCAPGEN_VERSION:
		printf("sluice-pcapgen %s\n", SLUICE_VERSION);
		return PCAPGEN_EXIT_OK;
	case PCAPGEN_RUN:
		break;
	}
	return run(&options);
}
