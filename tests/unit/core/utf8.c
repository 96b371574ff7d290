#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "utf8.h"

static void
check(const char *in, size_t n, const char *out)
{
	struct buf b = { 0 };

	utf8_clean(&b, in, n);
	assert_int_equal(b.len, strlen(out));
	assert_string_equal(b.len == 0 ? "" : b.data, out);
	assert_true(utf8_valid(b.data, b.len));
	buf_free(&b);
}

#define BAD "\xef\xbf\xbd"

/* jansson and browsers refuse what is not strict UTF-8. */
static void
test_utf8_valid(void **unused)
{
	static const char *const good[] = { "", "plain", "\xc2\x80",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf",
		"\xc2", "\xc2\x20", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "a\xf0\x9f\x98" };

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	assert_false(utf8_valid("a\0b", 3));
}

/* Binary output becomes text of which nothing valid is lost. */
static void
test_utf8_clean(void **unused)
{
	(void)unused;
	check("", 0, "");
	check("a\0b", 3, "a" BAD "b");
	check("\xff\xfe", 2, BAD BAD);
	check("x\xe2\x82y", 4, "x" BAD BAD "y");
	check("\xed\xa0\x80", 3, BAD BAD BAD);
	check("ok \xe2\x82\xac", 6, "ok \xe2\x82\xac");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_valid),
		cmocka_unit_test(test_utf8_clean),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
