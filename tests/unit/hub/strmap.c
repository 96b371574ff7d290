#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "strmap.h"

/* Puts, replacements and removals in any order, against a plain array. */
static void
test_against_array(void **unused)
{
	static char keys[500][16];
	void *want[500] = { 0 };
	struct strmap m = { 0 };
	uint32_t seed = 1;
	size_t used = 0;

	(void)unused;
	for (int i = 0; i < 500; i++)
		snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
	assert_null(strmap_get(&m, "key-1"));
	strmap_del(&m, "key-1");
	for (int step = 0; step < 20000; step++) {
		int i;

		seed = seed * 1664525 + 1013904223;
		i = (int)(seed >> 8) % 500;
		if (seed >> 31 != 0) {
			used -= want[i] != NULL;
			strmap_del(&m, keys[i]);
			want[i] = NULL;
		} else {
			used += want[i] == NULL;
			want[i] = &want[(seed >> 4) % 500];
			strmap_put(&m, keys[i], want[i]);
		}
		assert_ptr_equal(strmap_get(&m, keys[(i + 7) % 500]),
		    want[(i + 7) % 500]);
	}
	for (int i = 0; i < 500; i++)
		assert_ptr_equal(strmap_get(&m, keys[i]), want[i]);
	assert_int_equal(m.used, used);
	strmap_done(&m);
	assert_null(strmap_get(&m, "key-1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
