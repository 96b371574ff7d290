#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http_pairs.h"

static int
form(struct http_pairs *p, const char *text)
{
	memset(p, 0, sizeof(*p));
	return (http_pairs_form(p, text, strlen(text), NULL));
}

/* A password may hold any character; the form must bring it unchanged. */
static void
test_http_pairs_form(void **unused)
{
	struct http_pairs p;

	(void)unused;
	assert_int_equal(form(&p,
	    "password=a%26b%3Dc+d%2B%C3%A4%25&totp=&&flag&password=second"),
	    0);
	assert_string_equal(http_pairs_get(&p, "password"), "a&b=c d+ä%");
	assert_string_equal(http_pairs_get(&p, "totp"), "");
	assert_string_equal(http_pairs_get(&p, "flag"), "");
	assert_null(http_pairs_get(&p, "none"));
	assert_int_equal(p.n, 4);
	http_pairs_free(&p);
	assert_int_equal(p.n, 0);
}

/* What is no form is refused, not guessed at. */
static void
test_http_pairs_bad(void **unused)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "%=x",
	    "a=%00", "a=%ff", "a%3Db=c" };
	struct http_pairs p;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(form(&p, bad[i]), -1);
		http_pairs_free(&p);
	}
}

/* A body of a million names must not become a million allocations. */
static void
test_http_pairs_many(void **unused)
{
	char text[2 * (HTTP_PAIRS_MAX + 2)];
	struct http_pairs p;
	size_t i;

	(void)unused;
	for (i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "a&", 2);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(form(&p, text), -1);
	assert_int_equal(p.n, HTTP_PAIRS_MAX);
	http_pairs_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_pairs_form),
		cmocka_unit_test(test_http_pairs_bad),
		cmocka_unit_test(test_http_pairs_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
