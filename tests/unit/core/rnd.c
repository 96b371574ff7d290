#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rnd.h"

/* Every number of the range comes, none outside. */
static void
test_rnd_below(void **unused)
{
	bool seen[7] = { false };

	(void)unused;
	for (int i = 0; i < 2000; i++) {
		uint32_t v = rnd_below(7);

		assert_true(v < 7);
		seen[v] = true;
	}
	for (int i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_int_equal(rnd_below(0), 0);
	assert_int_equal(rnd_below(1), 0);
}

/* More than one call of getentropy gives is filled to the end. */
static void
test_rnd_bytes(void **unused)
{
	unsigned char p[1000];
	size_t zero = 0;

	(void)unused;
	memset(p, 0, sizeof(p));
	rnd_bytes(p, sizeof(p));
	for (size_t i = 0; i < sizeof(p); i++)
		zero += p[i] == 0;
	assert_true(zero < 50);
}

/* A wait doubles up to its limit, and what is random is half of it. */
static void
test_rnd_backoff(void **unused)
{
	(void)unused;
	for (int n = 1; n < 4; n++) {
		assert_int_equal(rnd_backoff(100, 800, n, 0), 50 << (n - 1));
		assert_int_equal(rnd_backoff(100, 800, n, UINT32_MAX),
		    (100 << (n - 1)) - 1);
	}
	assert_int_equal(rnd_backoff(100, 700, 1000, 0), 350);
	assert_int_equal(rnd_backoff(100, 50, 1, 0), 25);
}

/* Tokens go into URLs and headers: length and alphabet are fixed. */
static void
test_rnd_token(void **unused)
{
	static const size_t lens[] = { 0, 2, 3, 4, 6, 7, 8 };

	(void)unused;
	for (size_t n = 0; n < 7; n++) {
		char *t = rnd_token(n), *u = rnd_token(32), *w = rnd_token(32);

		assert_int_equal(strlen(t), lens[n]);
		assert_int_equal(strlen(u), 43);
		assert_int_equal(strspn(u, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi"
		    "jklmnopqrstuvwxyz0123456789-_"), 43);
		assert_string_not_equal(u, w);
		free(t);
		free(u);
		free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rnd_below),
		cmocka_unit_test(test_rnd_bytes),
		cmocka_unit_test(test_rnd_backoff),
		cmocka_unit_test(test_rnd_token),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
