#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "totp.h"

static void
start(struct totp *t, const char *secret)
{
	struct err e;

	assert_int_equal(totp_init(t, secret, &e), 0);
}

/* The SHA-1 rows of RFC 6238, appendix B. */
static void
test_vectors(void **unused)
{
	static const struct { int64_t time; uint32_t code; } rows[] = {
		{ 59, 94287082 }, { 1111111109, 7081804 },
		{ 1111111111, 14050471 }, { 1234567890, 89005924 },
		{ 2000000000, 69279037 }, { 20000000000, 65353130 },
	};
	struct totp t;

	(void)unused;
	start(&t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	assert_int_equal(t.len, 20);
	assert_memory_equal(t.secret, "12345678901234567890", 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(totp_code(&t, rows[i].time / TOTP_STEP, 8),
		    rows[i].code);
}

/* A clock half a minute off is fine, a whole minute is not. */
static void
test_window(void **unused)
{
	char code[8];

	(void)unused;
	for (int64_t off = -2; off <= 2; off++) {
		struct totp t;

		start(&t, "gezd gnbv-gy3t qojq GEZD GNBV GY3T QOJQ====");
		snprintf(code, sizeof(code), "%06u",
		    totp_code(&t, 1000 + off, 6));
		assert_int_equal(totp_check(&t, code, 1000 * TOTP_STEP + 7),
		    off >= -1 && off <= 1);
	}
}

/* A code that was seen over a shoulder is of no use a second time. */
static void
test_replay(void **unused)
{
	struct totp t;
	char now[8], before[8], next[8];

	(void)unused;
	start(&t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	snprintf(before, sizeof(before), "%06u", totp_code(&t, 999, 6));
	snprintf(now, sizeof(now), "%06u", totp_code(&t, 1000, 6));
	snprintf(next, sizeof(next), "%06u", totp_code(&t, 1001, 6));
	assert_int_equal(totp_check(&t, now, 1000 * TOTP_STEP), 1);
	assert_int_equal(totp_check(&t, now, 1000 * TOTP_STEP), 0);
	assert_int_equal(totp_check(&t, before, 1000 * TOTP_STEP), 0);
	assert_int_equal(totp_check(&t, next, 1001 * TOTP_STEP), 1);
}

/* Rubbish is refused, and never crashes. */
static void
test_bad(void **unused)
{
	struct totp t;
	struct err e;

	(void)unused;
	assert_int_equal(totp_init(&t, "GEZDGNBV1", &e), -1);
	assert_int_equal(totp_init(&t, "", &e), -1);
	assert_int_equal(totp_init(&t, "GEZDGNBV", &e), -1);
	start(&t, "GEZDGNBVGY3TQOJQ");
	assert_int_equal(totp_check(&t, NULL, 1), 0);
	assert_int_equal(totp_check(&t, "", 1), 0);
	assert_int_equal(totp_check(&t, "12345", 1), 0);
	assert_int_equal(totp_check(&t, "1234567", 1), 0);
	totp_done(&t);
	assert_int_equal(t.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_window),
		cmocka_unit_test(test_replay), cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
