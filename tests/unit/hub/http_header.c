#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http_header.h"

static void
cookie_is(const char *value, const char *want)
{
	char *s = http_header_cookie(value, "nixfleet_session");

	if (want == NULL)
		assert_null(s);
	else {
		assert_non_null(s);
		assert_string_equal(s, want);
	}
	free(s);
}

/* The session is found among others, and names that only look like it not. */
static void
test_http_header_cookie(void **unused)
{
	(void)unused;
	cookie_is(NULL, NULL);
	cookie_is("", NULL);
	cookie_is("nixfleet_session=abc", "abc");
	cookie_is("a=1; nixfleet_session=ab=c; b=2", "ab=c");
	cookie_is("a=1;nixfleet_session=\"q\"", "q");
	cookie_is("xnixfleet_session=abc", NULL);
	cookie_is("nixfleet_session_x=abc", NULL);
	cookie_is("nixfleet_session", NULL);
	cookie_is("nixfleet_session=", "");
	cookie_is("nixfleet_session=one; nixfleet_session=two", "one");
}

/* The prefix is case-sensitive, as agents of dialect 3 know it. */
static void
test_http_header_bearer(void **unused)
{
	(void)unused;
	assert_string_equal(http_header_bearer("Bearer tok en"), "tok en");
	assert_null(http_header_bearer("bearer tok"));
	assert_null(http_header_bearer("Basic eDp5"));
	assert_null(http_header_bearer("Bearer"));
	assert_null(http_header_bearer(NULL));
}

static void
test_http_header_types(void **unused)
{
	(void)unused;
	assert_true(http_header_is_type("application/json",
	    "application/json"));
	assert_true(http_header_is_type("Application/JSON ; charset=utf-8",
	    "application/json"));
	assert_false(http_header_is_type("application/jsonp",
	    "application/json"));
	assert_false(http_header_is_type(NULL, "application/json"));
	assert_true(http_header_wants_json("text/html, application/json;q=1"));
	assert_false(http_header_wants_json("text/html,*/*"));
	assert_false(http_header_wants_json(NULL));
}

/* A browser that has the file must not be sent it again. */
static void
test_http_header_etag(void **unused)
{
	(void)unused;
	assert_true(http_header_etag_match("\"a\"", "\"a\""));
	assert_true(http_header_etag_match("\"x\", W/\"a\"", "\"a\""));
	assert_true(http_header_etag_match("*", "\"a\""));
	assert_false(http_header_etag_match("\"ab\"", "\"a\""));
	assert_false(http_header_etag_match(NULL, "\"a\""));
}

/* Who cannot read gzip must not get it. */
static void
test_http_header_gzip(void **unused)
{
	(void)unused;
	assert_true(http_header_gzip("gzip, deflate, br"));
	assert_true(http_header_gzip("br;q=1.0, gzip;q=0.5"));
	assert_false(http_header_gzip("gzip;q=0"));
	assert_false(http_header_gzip("gzip;q=0.000, br"));
	assert_false(http_header_gzip("xgzip"));
	assert_false(http_header_gzip(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_header_cookie),
		cmocka_unit_test(test_http_header_bearer),
		cmocka_unit_test(test_http_header_types),
		cmocka_unit_test(test_http_header_etag),
		cmocka_unit_test(test_http_header_gzip),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
