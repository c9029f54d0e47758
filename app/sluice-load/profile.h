/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run does: its time, its groups of connections, and what it must fulfil. */
#ifndef SLUICE_LOAD_PROFILE_H
#define SLUICE_LOAD_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "criteria.h"
#include "ctl/config.h"
#include "ctl/config_report.h"

#define LOAD_GROUPS_MAX 16u
#define LOAD_PROFILE_ERR_LEN 400

enum load_app {
	LOAD_APP_CONNECT, /* opens, and says nothing */
	LOAD_APP_HTTP,
	LOAD_APP_ECHO,
	LOAD_APP_DISCARD,
	LOAD_APP_CHARGEN,
};

enum load_close {
	LOAD_CLOSE_CLIENT,
	LOAD_CLOSE_SERVER,
	LOAD_CLOSE_RESET,
};

extern const char *const load_words_app[];
extern const char *const load_words_close[];

/** Connections that all do the same. Fields as in profile.def. */
struct load_group {
	char name[CONFIG_NAME_LEN];
	uint32_t app; /* enum load_app */
	struct config_endpoint target;
	uint32_t connections, rate, requests, count;
	uint32_t think_ms, think_max_ms, hold_ms, timeout_ms;
	uint32_t size_bytes;
	char path[CONFIG_PATH_LEN];
	char host[CONFIG_NAME_LEN];
	uint32_t status;
	bool verify;
	uint32_t close; /* enum load_close */
	uint32_t abort_percent;
	uint32_t send_chunk, send_pause_ms, read_chunk, read_pause_ms;
};

struct load_profile {
	uint32_t duration_s, ramp_s, grace_ms;
	struct criteria pass;
	unsigned int group_count;
	struct load_group groups[LOAD_GROUPS_MAX];
};

/** Does the text name a file rather than a preset? */
bool load_profile_is_file(const char *text);

/** One group, named as the preset; everything else at its default. -ENOENT: err says why. */
int load_profile_preset(struct load_profile *p, const char *name, char *err, size_t err_len);

/**
 * Read a profile from YAML text; everything wrong goes to report. 0; -EINVAL: report holds an
 * error and *p is not to be used; -ENOMEM.
 */
int load_profile_parse(
	struct load_profile *p, const char *text, size_t len, struct config_report *report);

/** The same of a file; or, with one error in report, the error of reading it. */
int load_profile_load(struct load_profile *p, const char *path, struct config_report *report);

/** Whether there is such a key. */
bool load_profile_has(const char *key);

/**
 * Set a key as written on the command line, in every group where it is one of groups. 0; -ENOENT:
 * there is no such key; -EINVAL: err says why the value is wrong.
 */
int load_profile_set(
	struct load_profile *p, const char *key, const char *value, char *err, size_t err_len);

/** Do the parts fit together? 0; -EINVAL: err names the group and the fix. */
int load_profile_check(const struct load_profile *p, char *err, size_t err_len);

/** Names, allowed values, defaults and help of all keys; of all presets. */
void load_profile_help(FILE *out);
void load_presets_help(FILE *out);

#endif
