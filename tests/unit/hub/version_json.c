#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "version_json.h"

static int
parse(const char *text, struct version_json *v, struct err *e)
{
	return (version_json_parse(text, strlen(text), v, e));
}

#define COMMIT "0123456789ABCDEF0123456789abcdef01234567"

/* As the sample in the README of NixFleet v3, without lockHash, and more. */
static void
test_good(void **unused)
{
	struct version_json v;
	struct err e;

	(void)unused;
	assert_int_equal(parse("{\"gitCommit\":\"" COMMIT "\",\"message\":"
	    "\"add host\",\"branch\":\"main\",\"timestamp\":"
	    "\"2026-01-19T13:43:00Z\",\"repo\":\"https://example/x\","
	    "\"other\":[1]}", &v, &e), 0);
	assert_string_equal(v.commit,
	    "0123456789abcdef0123456789abcdef01234567");
	assert_string_equal(v.message, "add host");
	assert_null(v.lock_hash);
	assert_int_equal(v.timestamp, 1768830180000);
	version_json_free(&v);
	assert_int_equal(parse("{\"gitCommit\":\"abcdef1\",\"lockHash\":\"\","
	    "\"timestamp\":17}", &v, &e), 0);
	assert_null(v.lock_hash);
	assert_int_equal(v.timestamp, 0);
	version_json_free(&v);
}

/* What is no version.json says what is wrong with it. */
static void
test_bad(void **unused)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "<html>", "" }, { "[]", "" }, { "{}", "gitCommit" },
		{ "{\"gitCommit\":\"\"}", "gitCommit" },
		{ "{\"gitCommit\":7}", "gitCommit" },
		{ "{\"gitCommit\":\"main\"}", "gitCommit" },
		{ "{\"gitCommit\":\"--upload-pack\"}", "gitCommit" },
		{ "{\"gitCommit\":\"abcdef1\",\"lockHash\":\"xyz\"}",
		    "lockHash" },
	};
	struct version_json v;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text, &v, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		assert_non_null(strstr(e.text, rows[i].says));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
