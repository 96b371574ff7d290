#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* data can be printed at any time, also when bytes were NUL. */
static void
test_buf_terminated(void **unused)
{
	struct buf b = { 0 };

	(void)unused;
	assert_null(b.data);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_clear(&b);
	assert_string_equal(b.data, "");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	assert_int_equal(b.len, 3890);
	assert_int_equal(strlen(b.data), 3890);
	buf_free(&b);
	assert_null(b.data);
}

static void
test_buf_drop(void **unused)
{
	struct buf b = { 0 };

	(void)unused;
	buf_drop(&b, 0);
	buf_adds(&b, "0123456789");
	buf_drop(&b, 0);
	buf_drop(&b, 4);
	assert_string_equal(b.data, "456789");
	buf_drop(&b, 6);
	assert_string_equal(b.data, "");
	buf_free(&b);
}

/* What was taken is the caller's; an empty buffer gives an empty string. */
static void
test_buf_take(void **unused)
{
	struct buf b = { 0 };
	char *s = buf_take(&b);

	(void)unused;
	assert_string_equal(s, "");
	free(s);
	buf_adds(&b, "text");
	s = buf_take(&b);
	assert_string_equal(s, "text");
	assert_int_equal(b.len, 0);
	buf_adds(&b, "again");
	assert_string_equal(s, "text");
	free(s);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_terminated),
		cmocka_unit_test(test_buf_drop),
		cmocka_unit_test(test_buf_take),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
