#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ratelimit.h"

/* The window slides: the oldest of the attempts frees its place. */
static void
test_slides(void **unused)
{
	struct ratelimit *r = ratelimit_new(3, 1000, 8);

	(void)unused;
	assert_true(ratelimit_take(r, "a", 0));
	assert_true(ratelimit_take(r, "a", 400));
	assert_true(ratelimit_take(r, "a", 800));
	assert_false(ratelimit_take(r, "a", 999));
	assert_true(ratelimit_take(r, "a", 1000));
	assert_false(ratelimit_take(r, "a", 1399));
	assert_true(ratelimit_take(r, "a", 1400));
	ratelimit_free(&r);
	assert_null(r);
}

/* One address does not lock out another; a success forgives. */
static void
test_keys(void **unused)
{
	struct ratelimit *r = ratelimit_new(1, 1000, 8);

	(void)unused;
	assert_true(ratelimit_take(r, "a", 0));
	assert_false(ratelimit_take(r, "a", 1));
	assert_true(ratelimit_take(r, "b", 1));
	ratelimit_reset(r, "a");
	ratelimit_reset(r, "nobody");
	assert_true(ratelimit_take(r, "a", 2));
	assert_false(ratelimit_take(r, "b", 3));
	ratelimit_free(&r);
}

/* Many addresses do not fill the memory; the quietest makes room. */
static void
test_bounded(void **unused)
{
	struct ratelimit *r = ratelimit_new(1, 1000000, 4);
	char key[16];

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "10.0.%d.%d", i / 256, i % 256);
		assert_true(ratelimit_take(r, key, i));
	}
	assert_false(ratelimit_take(r, "10.0.3.231", 1001));
	assert_true(ratelimit_take(r, "10.0.0.0", 1001));
	ratelimit_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slides), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
