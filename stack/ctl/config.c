/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file: reading it, its defaults, its whole check. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/config.h"
#include "ctl/config_int.h"
#include "ctl/config_yaml.h"

int
config_parse(const char *text, size_t len, const struct config_service_kind *kinds,
	struct config *out, struct config_report *report)
{
	struct config_where where = { 0 };
	yaml_document_t doc;
	struct config_reader r = { &doc, out, &where, report };
	struct config_target top = { CONFIG_SECTION_top, out, where.top, 0, "" };
	int err;

	memset(out, 0, sizeof(*out));
	config_section_default(CONFIG_SECTION_top, out);
	config_section_default(CONFIG_SECTION_control, &out->control);
	config_section_default(CONFIG_SECTION_log, &out->log);
	config_section_default(CONFIG_SECTION_memory, &out->memory);
	tunables_default(&out->tunables);
	err = config_yaml_load(text, len, &doc, report);
	if (err != 0)
		return err;
	config_read_map(&r, &top, yaml_document_get_root_node(&doc));
	yaml_document_delete(&doc);
	config_check(out, &where, kinds, report);
	return report->errors == 0 ? 0 : -EINVAL;
}

/* Read the whole file into buf of CONFIG_FILE_MAX + 1 bytes; its length, or -errno. */
static ssize_t
file_read(const char *path, char *buf)
{
	ssize_t n, used = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + used, CONFIG_FILE_MAX + 1 - (size_t)used);
		if (n < 0)
			used = -errno;
		else
			used += n;
	} while (n > 0 && used <= CONFIG_FILE_MAX);
	close(fd);
	return used > CONFIG_FILE_MAX ? -EFBIG : used;
}

int
config_load(const char *path, const struct config_service_kind *kinds, struct config *out,
	struct config_report *report)
{
	ssize_t len;
	char *text;
	int err;

	text = malloc(CONFIG_FILE_MAX + 1);
	if (text == NULL)
		return -ENOMEM;
	len = file_read(path, text);
	if (len < 0) {
		err = (int)len;
		config_error(report, (struct config_mark){ 0, 0 }, "cannot read it: %s",
			err == -EFBIG ? "larger than 1 MiB" : strerror(-err));
	} else {
		err = config_parse(text, (size_t)len, kinds, out, report);
	}
	free(text);
	return err;
}
