#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "units.h"

/* Only what failed anew is named, by whole names. */
static void
test_new(void **state)
{
	static const struct {
		const char *before, *after, *want;
	} rows[] = {
		{ "", "", "" },
		{ "a.service\n", "", "" },
		{ "", "a.service\n", "a.service" },
		{ "a.service\nb.service\n", "b.service\n", "" },
		{ "ba.service\n", "a.service\nba.service\nc.mount\n",
		  "a.service, c.mount" },
	};
	size_t i;
	char *got;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		got = units_new(rows[i].before, rows[i].after);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
