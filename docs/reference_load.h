/* SPDX-License-Identifier: BSD-3-Clause */
/* The generated parts of the load generator's page. */
#ifndef DOCS_REFERENCE_LOAD_H
#define DOCS_REFERENCE_LOAD_H

#include <stdio.h>

/** Keys of a profile; presets; metrics of criteria; reasons of failures. */
void load_keys_write(FILE *out);
void load_presets_write(FILE *out);
void load_metrics_write(FILE *out);
void load_failures_write(FILE *out);

#endif
