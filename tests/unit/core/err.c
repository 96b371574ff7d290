#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "err.h"
#include "utf8.h"

/* Every failing call can be written as "return (err_set(...))". */
static void
test_err_returns(void **unused)
{
	struct err e;

	(void)unused;
	assert_int_equal(err_set(&e, ERR_BUSY, "%s is %d", "x", 3), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(e.text, "x is 3");
	assert_int_equal(err_set(NULL, ERR_BUSY, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	err_clear(&e);
	err_clear(NULL);
	assert_int_equal(e.code, ERR_NONE);
	assert_string_equal(e.text, "");
}

/* Callers branch on a full disk and a missing file without reading errno. */
static void
test_err_sys_codes(void **unused)
{
	struct err e;

	(void)unused;
	errno = ENOSPC;
	err_sys(&e, "write %s", "f");
	assert_int_equal(e.code, ERR_NOSPACE);
	assert_int_equal(e.sys, ENOSPC);
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(e.text, "write f: No space left on device");
	errno = EDQUOT;
	err_sys(&e, "x");
	assert_int_equal(e.code, ERR_NOSPACE);
	errno = ENOENT;
	err_sys(&e, "x");
	assert_int_equal(e.code, ERR_NOTFOUND);
	errno = EPERM;
	err_sys(&e, "x");
	assert_int_equal(e.code, ERR_SYS);
}

/* The old text may be an argument of the new one. */
static void
test_err_wrap_keeps(void **unused)
{
	struct err e;

	(void)unused;
	err_set(&e, ERR_AUTH, "refused");
	err_wrap(&e, "fetch from %s", "origin");
	assert_string_equal(e.text, "fetch from origin: refused");
	assert_int_equal(e.code, ERR_AUTH);
	err_set(&e, ERR_NET, "<%s>", e.text);
	assert_string_equal(e.text, "<fetch from origin: refused>");
}

/* A text that is too long is cut, and stays valid UTF-8 for JSON. */
static void
test_err_cut(void **unused)
{
	struct err e;
	char big[3 * ERR_TEXT];

	(void)unused;
	for (size_t i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "\xe2\x82\xac", 3);
	big[sizeof(big) - 3] = '\0';
	for (int shift = 0; shift < 4; shift++) {
		err_set(&e, ERR_INPUT, "%.*s%s", shift, "aaa", big);
		assert_true(strlen(e.text) > ERR_TEXT - 5);
		assert_true(utf8_valid(e.text, strlen(e.text)));
		err_wrap(&e, "%.*s", shift, "bbb");
		assert_true(utf8_valid(e.text, strlen(e.text)));
	}
}

/* Metrics and JSON rely on a word for every code. */
static void
test_err_names(void **unused)
{
	(void)unused;
	for (int c = ERR_NONE; c <= ERR_NOSPACE; c++)
		assert_non_null(err_name((enum err_code)c));
	assert_string_equal(err_name(ERR_TIMEOUT), "timeout");
	assert_string_equal(err_name((enum err_code)999), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_returns),
		cmocka_unit_test(test_err_sys_codes),
		cmocka_unit_test(test_err_wrap_keeps),
		cmocka_unit_test(test_err_cut),
		cmocka_unit_test(test_err_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
