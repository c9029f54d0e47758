/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of services and the table of their options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "services/services.h"

static void
each_service_has_its_name_and_well_known_port(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
	} rows[] = { { "echo", 7 }, { "discard", 9 }, { "chargen", 19 }, { "http", 80 },
		{ "forward", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(services_all[i]->name, rows[i].name);
		assert_int_equal(services_all[i]->default_port, rows[i].port);
		assert_non_null(services_all[i]->start);
		assert_non_null(services_all[i]->drain);
		assert_non_null(services_all[i]->stop);
	}
	assert_null(services_all[5]);
}

static void
the_defaults_are_valid_and_as_documented(void **state)
{
	struct service_config config;

	(void)state;
	service_config_default(&config);
	assert_int_equal(service_config_check(&config, NULL), 0);
	assert_null(config.root);
	assert_int_equal(config.max_header_bytes, 8192);
	assert_int_equal(config.header_timeout_ms, 10000);
	assert_int_equal(config.idle_timeout_ms, 60000);
}

static void
each_option_is_refused_outside_its_range_and_named(void **state)
{
	const struct service_option *bad;
	struct service_config config;

	(void)state;
	for (const struct service_option *o = service_options; o->name != NULL; o++) {
		uint32_t value = o->min;

		service_config_default(&config);
		memcpy((char *)&config + o->offset, &value, sizeof(value));
		assert_int_equal(service_config_check(&config, NULL), 0);
		if (o->min == 0)
			continue;
		value = o->min - 1;
		memcpy((char *)&config + o->offset, &value, sizeof(value));
		assert_int_equal(service_config_check(&config, &bad), -EINVAL);
		assert_string_equal(bad->name, o->name);
		if (o->max == UINT32_MAX)
			continue;
		value = o->max + 1;
		memcpy((char *)&config + o->offset, &value, sizeof(value));
		assert_int_equal(service_config_check(&config, &bad), -EINVAL);
		assert_string_equal(bad->name, o->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_service_has_its_name_and_well_known_port),
		cmocka_unit_test(the_defaults_are_valid_and_as_documented),
		cmocka_unit_test(each_option_is_refused_outside_its_range_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
