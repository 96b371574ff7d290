#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "intern.h"

/* Equal strings are one, and the last holder takes it away. */
static void
test_shared(void **unused)
{
	struct intern *in = intern_new();
	char copy[] = "3.1.5";
	const char *a = intern_get(in, "3.1.5"), *b = intern_get(in, copy);
	const char *slot = NULL;

	(void)unused;
	assert_ptr_equal(a, b);
	assert_string_equal(intern_get(in, NULL), "");
	assert_int_equal(intern_set(in, &slot, "x"), 1);
	assert_int_equal(intern_set(in, &slot, "x"), 0);
	assert_int_equal(intern_set(in, &slot, copy), 1);
	assert_ptr_equal(slot, a);
	intern_put(in, a);
	intern_put(in, b);
	assert_string_equal(slot, "3.1.5");
	intern_put(in, slot);
	intern_put(in, NULL);
	intern_free(&in);
	assert_null(in);
}

/* The table grows with what is in it. */
static void
test_many(void **unused)
{
	struct intern *in = intern_new();
	const char *held[5000];
	char s[16];

	(void)unused;
	for (int i = 0; i < 5000; i++) {
		snprintf(s, sizeof(s), "host-%d", i);
		held[i] = intern_get(in, s);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(s, sizeof(s), "host-%d", i);
		assert_ptr_equal(intern_get(in, s), held[i]);
		intern_put(in, held[i]);
		intern_put(in, held[i]);
	}
	intern_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared), cmocka_unit_test(test_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
