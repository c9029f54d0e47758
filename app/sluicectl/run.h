/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs verbs: asks the daemon and prints what it says. */
#ifndef SLUICECTL_RUN_H
#define SLUICECTL_RUN_H

#include <jansson.h>

#include "cli.h"
#include "verb.h"

/** Run any verb but help and completion. 0, or the exit code with f filled in. */
int run_verb(const struct cli *cli, const struct verb *verb, json_t *args, struct failure *f);

/** The live view; top.c. */
int run_top(const struct cli *cli, const json_t *args, struct failure *f);

/** Look at the host; doctor.c. The exit code says it too, without a failure. */
int run_doctor(const struct cli *cli, const json_t *args, struct failure *f);

/** What doctor finds, as an object; NULL: f says why. doctor.c. */
json_t *doctor_json(const json_t *args, struct failure *f);

/** An archive for support, with or without a daemon; bundle.c. */
int run_bundle(const struct cli *cli, const json_t *args, struct failure *f);

struct client;

/** Look twice and say what is wrong; diagnose.c. The exit code says it too, without a failure. */
int run_diagnose(const struct cli *cli, struct client *c, const json_t *args, struct failure *f);

/** Everything that is counted, in Prometheus's text format; metrics.c. */
int run_metrics(const struct cli *cli, struct client *c, const json_t *args, struct failure *f);

/** capture and trace: frames as they come and go; capture.c. */
int run_capture(const struct cli *cli, struct client *c, unsigned int command, json_t *args,
	struct failure *f);

/** An option that is a whole number from min on; def if it is not there. */
int run_number(const json_t *args, const char *name, unsigned int min, unsigned int def,
	unsigned int *out, struct failure *f);

/** Wait; false: the user wants to end (a signal came). */
bool run_sleep(unsigned int ms);

/** Note SIGINT and SIGTERM instead of dying, for views that have a terminal to restore. */
void run_catch_signals(void);

#endif
