#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "record.h"
#include "str.h"

struct thing {
	char *name, *word;
	int64_t count, maybe;
	double ratio;
	bool on;
	json_t *extra;
};

static const char *const words[] = { "ok", "failed", NULL };
static const struct record_field fields[] = {
	RECORD_ROW(thing, name, RECORD_STR, RECORD_REQ),
	{ "word", RECORD_STR, RECORD_NULL, offsetof(struct thing, word),
	    words },
	RECORD_ROW(thing, count, RECORD_INT, 0),
	RECORD_ROW(thing, maybe, RECORD_INT, RECORD_NULL),
	RECORD_ROW(thing, ratio, RECORD_REAL, RECORD_OMIT),
	RECORD_ROW(thing, on, RECORD_BOOL, 0),
	RECORD_ROW(thing, extra, RECORD_JSON, RECORD_OMIT),
};
#define N (sizeof(fields) / sizeof(fields[0]))

static int
decode(const char *text, struct thing *t, struct err *e)
{
	json_t *v;
	int rc;

	memset(t, 0xaa, sizeof(*t));
	if (record_parse(text, strlen(text), &v, e) == -1)
		return (-1);
	rc = record_decode(fields, N, v, t, e);
	json_decref(v);
	return (rc);
}

static void
check_bad(const char *text, const char *want)
{
	struct thing t;
	struct err e;

	assert_int_equal(decode(text, &t, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	if (strstr(e.text, want) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, want);
}

static void
check_encoded(const struct thing *t, const char *want)
{
	json_t *v = record_encode(fields, N, t);
	char *s = json_dumps(v, JSON_COMPACT);

	assert_string_equal(s, want);
	free(s);
	json_decref(v);
}

static void
test_record_decode(void **unused)
{
	struct thing t;
	struct err e;

	(void)unused;
	assert_int_equal(decode("{\"name\":\"n\",\"word\":\"ok\",\"count\":3.0,"
	    "\"maybe\":-5,\"ratio\":2,\"on\":true,\"extra\":[1],\"new\":{}}",
	    &t, &e), 0);
	assert_string_equal(t.name, "n");
	assert_string_equal(t.word, "ok");
	assert_int_equal(t.count, 3);
	assert_int_equal(t.maybe, -5);
	assert_true(t.ratio > 1.9 && t.ratio < 2.1);
	assert_true(t.on);
	assert_true(json_is_array(t.extra));
	record_free(fields, N, &t);
	assert_null(t.name);
	record_free(fields, N, &t);
}

/* Absent and null are the same, and have the value that the table says. */
static void
test_record_absent(void **unused)
{
	struct thing t;
	struct err e;

	(void)unused;
	assert_int_equal(decode("{\"name\":\"\",\"word\":null,\"count\":null,"
	    "\"extra\":null}", &t, &e), 0);
	assert_string_equal(t.name, "");
	assert_null(t.word);
	assert_int_equal(t.count, 0);
	assert_true(t.maybe == RECORD_NONE);
	assert_true(fpclassify(t.ratio) == FP_ZERO);
	assert_false(t.on);
	assert_null(t.extra);
	record_free(fields, N, &t);
}

/* What is wrong is named: the field, what came, what is allowed. */
static void
test_record_bad(void **unused)
{
	(void)unused;
	check_bad("{}", "\"name\" (a string) is missing");
	check_bad("{\"name\":null}", "\"name\"");
	check_bad("{\"name\":5}", "\"name\" must be a string, not 5");
	check_bad("{\"name\":\"\",\"word\":\"fialed\"}",
	    "must be one of ok, failed, not \"fialed\" (did you mean failed?)");
	check_bad("{\"name\":\"\",\"word\":\"x\"}", "not \"x\"");
	check_bad("{\"name\":\"\",\"count\":1.5}", "an integer, not 1.5");
	check_bad("{\"name\":\"\",\"count\":1e300}", "\"count\"");
	check_bad("{\"name\":\"\",\"count\":9223372036854775808.0}",
	    "\"count\"");
	check_bad("{\"name\":\"\",\"count\":\"1\"}", "not \"1\"");
	check_bad("{\"name\":\"\",\"ratio\":\"1\"}", "a number");
	check_bad("{\"name\":\"\",\"on\":0}", "true or false, not 0");
	/* A row before the bad one was decoded; nothing of it may leak. */
	check_bad("{\"name\":\"kept?\",\"extra\":{\"a\":1},\"on\":[]}", "on");
}

/* Text that is no object of ours, and what would exhaust a parser. */
static void
test_record_parse_bad(void **unused)
{
	struct buf b = { 0 };
	struct thing t;

	(void)unused;
	check_bad("", "not JSON");
	check_bad("[]", "not a JSON object");
	check_bad("{\"name\":\"\xff\"}", "not JSON");
	check_bad("{\"name\":1} x", "not JSON");
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "[");
	check_bad(b.data, "64 levels");
	buf_free(&b);
	buf_adds(&b, "{\"name\":\"n\",\"extra\":");
	for (int i = 0; i < 63; i++)
		buf_adds(&b, "[");
	for (int i = 0; i < 63; i++)
		buf_adds(&b, "]");
	buf_adds(&b, "}");
	assert_int_equal(decode(b.data, &t, NULL), 0);
	record_free(fields, N, &t);
	buf_free(&b);
}

/* Brackets in strings are no nesting; the last of equal keys wins, as in Go. */
static void
test_record_parse_dialect3(void **unused)
{
	struct buf b = { 0 };
	struct thing t;
	struct err e;

	(void)unused;
	buf_adds(&b, "{\"name\":\"\\\"");
	for (int i = 0; i < 200; i++)
		buf_adds(&b, "[{");
	buf_adds(&b, "\\\\\",\"count\":1,\"count\":2}");
	assert_int_equal(decode(b.data, &t, &e), 0);
	assert_int_equal(strlen(t.name), 402);
	assert_int_equal(t.count, 2);
	record_free(fields, N, &t);
	buf_free(&b);
	assert_int_equal(decode("{\"name\":\"a\\u0000b\"}", &t, &e), 0);
	assert_string_equal(t.name, "a\xef\xbf\xbd" "b");
	record_free(fields, N, &t);
}

/* Each flag's form on the wire. */
static void
test_record_encode(void **unused)
{
	static char raw[] = "\xff", ok[] = "ok";
	struct thing t = { .maybe = RECORD_NONE };

	(void)unused;
	check_encoded(&t,
	    "{\"name\":\"\",\"word\":null,\"count\":0,\"maybe\":null,"
	    "\"on\":false}");
	t = (struct thing){ .name = raw, .word = ok, .count = INT64_MIN + 1,
		.maybe = 0, .ratio = INFINITY, .on = true,
		.extra = json_true() };
	check_encoded(&t, "{\"name\":\"\xef\xbf\xbd\",\"word\":\"ok\","
	    "\"count\":-9223372036854775807,\"maybe\":0,\"ratio\":null,"
	    "\"on\":true,\"extra\":true}");
}

/* What is encoded decodes to the same. */
static void
test_record_round_trip(void **unused)
{
	struct thing t = { .name = str_dup("n\xc3\xa9\x1b"),
		.count = INT64_MAX, .maybe = 7, .ratio = 0.1, .on = true,
		.extra = json_pack("{s:[i]}", "k", 1) }, u;
	json_t *v = record_encode(fields, N, &t);
	struct err e;

	(void)unused;
	assert_int_equal(record_decode(fields, N, v, &u, &e), 0);
	assert_string_equal(u.name, t.name);
	assert_true(u.count == t.count && u.maybe == 7 && u.on);
	assert_memory_equal(&u.ratio, &t.ratio, sizeof(double));
	assert_true(json_equal(u.extra, t.extra));
	json_decref(v);
	record_free(fields, N, &t);
	record_free(fields, N, &u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_decode),
		cmocka_unit_test(test_record_absent),
		cmocka_unit_test(test_record_bad),
		cmocka_unit_test(test_record_parse_bad),
		cmocka_unit_test(test_record_parse_dialect3),
		cmocka_unit_test(test_record_encode),
		cmocka_unit_test(test_record_round_trip),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
