/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: any bytes as a configuration file. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_service_kind kinds[] = { { "echo", 7, false },
		{ "forward", 0, true }, { "http", 80, false }, { NULL, 0, false } };
	static struct config_report report;
	static struct config conf;
	char *out = NULL;
	size_t out_len = 0;
	FILE *file;
	int err;

	if (size > CONFIG_FILE_MAX)
		return 0;
	config_report_init(&report);
	err = config_parse((const char *)data, size, kinds, &conf, &report);
	if ((err == 0) != (report.errors == 0) || (err == 0 && conf.port_count == 0))
		abort();
	file = open_memstream(&out, &out_len);
	if (file == NULL)
		abort();
	config_report_print(&report, "f.yaml", file);
	fclose(file);
	for (size_t i = 0; i < out_len; i++) {
		/* Nothing from the file may reach the terminal as a control character. */
		if ((unsigned char)out[i] < 0x20 && out[i] != '\n')
			abort();
	}
	free(out);
	return 0;
}
