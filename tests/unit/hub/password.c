#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "password.h"

/* Hashes that users of NixFleet v3 have (htpasswd, Go, PHP) go on working. */
static void
test_bcrypt(void **unused)
{
	(void)unused;
	assert_true(password_verify("U*U",
	    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
	assert_false(password_verify("U*V",
	    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
	assert_true(password_verify("U*U",
	    "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

/* What the first start makes can be used to log in. */
static void
test_made(void **unused)
{
	struct err e;
	char *p = password_make(), *q = password_make(), *h;

	(void)unused;
	assert_int_equal(strlen(p), 20);
	assert_string_not_equal(p, q);
	assert_non_null(h = password_hash(p, &e));
	assert_int_equal(strncmp(h, "$y$", 3), 0);
	assert_int_equal(password_hash_check(h, &e), 0);
	assert_true(password_verify(p, h));
	assert_false(password_verify(q, h));
	assert_false(password_verify("", h));
	free(p);
	free(q);
	free(h);
}

/* A hash that a shell ate ($2a$… → "") or of a weak kind is named as such. */
static void
test_bad(void **unused)
{
	static const char *const bad[] = { "", "secret", "a$05$CCCC",
		"$1$abc$def", "$6$salt$hash", "$2a$", "*0" };
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(password_hash_check(bad[i], &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		assert_false(password_verify(bad[i], bad[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bcrypt), cmocka_unit_test(test_made),
		cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
