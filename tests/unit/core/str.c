#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "str.h"

/* Numbers of settings and messages: nothing that is not one may pass. */
static void
test_str_int(void **unused)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0",
		"0x1", "1e3", "--1", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999" };
	int64_t v = 7;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(str_int(bad[i], INT64_MIN, INT64_MAX, &v), -1);
	assert_int_equal(v, 7);
	assert_int_equal(str_int("9223372036854775807", 0, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(
	    str_int("-9223372036854775808", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(str_int("007", 0, 10, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(str_int("11", 0, 10, &v), -1);
	assert_int_equal(str_int("-1", 0, 10, &v), -1);
}

static void
test_str_ends(void **unused)
{
	char text[] = " \t two words\r\n", blank[] = " \n";

	(void)unused;
	assert_true(str_prefix("abc", "ab") && !str_prefix("a", "ab"));
	assert_true(str_suffix("abc", "bc") && !str_suffix("c", "bc"));
	assert_true(str_prefix("abc", "") && str_suffix("abc", ""));
	assert_true(str_eq(NULL, NULL) && !str_eq(NULL, "") && str_eq("", ""));
	assert_string_equal(str_trim(text), "two words");
	assert_string_equal(str_trim(blank), "");
}

/* A typing error is answered with what was meant, nonsense with nothing. */
static void
test_str_nearest(void **unused)
{
	static const char *const words[] = { "status", "pull", "switch",
		"pull-switch", "update" };
	char big[200];

	(void)unused;
	assert_string_equal(str_nearest("stauts", words, 5), "status");
	assert_string_equal(str_nearest("pul", words, 5), "pull");
	assert_string_equal(str_nearest("swich", words, 5), "switch");
	assert_string_equal(str_nearest("update", words, 5), "update");
	assert_string_equal(str_nearest("swi", words, 5), "switch");
	assert_string_equal(str_nearest("statuses", words, 5), "status");
	assert_null(str_nearest("x", words, 5));
	assert_null(str_nearest("frobnicate", words, 5));
	assert_null(str_nearest("", words, 5));
	assert_null(str_nearest("pull", words, 0));
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_null(str_nearest(big, words, 5));
}

/* Tokens: only the same string is equal, whatever the lengths. */
static void
test_str_secret_eq(void **unused)
{
	(void)unused;
	assert_true(str_secret_eq("token", "token"));
	assert_true(str_secret_eq("", ""));
	assert_false(str_secret_eq("token", "tokem"));
	assert_false(str_secret_eq("token", "token2"));
	assert_false(str_secret_eq("abab", "ab"));
	assert_false(str_secret_eq("ab", "abab"));
	assert_false(str_secret_eq("", "a"));
	assert_false(str_secret_eq("a", ""));
	assert_false(str_secret_eq(NULL, NULL));
}

static void
test_str_wipe(void **unused)
{
	char s[] = "secret", *p = str_dup("secret");

	(void)unused;
	str_wipe(s, 3);
	assert_memory_equal(s, "\0\0\0ret", 6);
	str_wipefree(&p);
	assert_null(p);
	str_wipefree(&p);
}

static void
test_str_copies(void **unused)
{
	char *a = str_printf("%s-%d", "x", 5), *b = str_ndup("abc", 2);

	(void)unused;
	assert_string_equal(a, "x-5");
	assert_string_equal(b, "ab");
	assert_null(str_dup(NULL));
	free(a);
	free(b);
}

static void
test_str_order(void **unused)
{
	const char *list[] = { "b", "", "ab", "a", "B" };

	(void)unused;
	qsort(list, 5, sizeof(*list), str_order);
	assert_string_equal(list[0], "");
	assert_string_equal(list[1], "B");
	assert_string_equal(list[2], "a");
	assert_string_equal(list[3], "ab");
	assert_string_equal(list[4], "b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_int),
		cmocka_unit_test(test_str_ends),
		cmocka_unit_test(test_str_nearest),
		cmocka_unit_test(test_str_secret_eq),
		cmocka_unit_test(test_str_wipe),
		cmocka_unit_test(test_str_copies),
		cmocka_unit_test(test_str_order),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
