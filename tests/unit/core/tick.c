#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tick.h"

/* Known instants, before and after 1970, in both forms. */
static void
test_tick_text(void **unused)
{
	char t[TICK_TEXT];

	(void)unused;
	assert_string_equal(tick_text(0, t), "1970-01-01T00:00:00.000Z");
	assert_string_equal(tick_text(INT64_C(1768830180123), t),
	    "2026-01-19T13:43:00.123Z");
	assert_string_equal(tick_text_s(INT64_C(1768830180999), t),
	    "2026-01-19T13:43:00Z");
	assert_string_equal(tick_text(-1, t), "1969-12-31T23:59:59.999Z");
	assert_string_equal(tick_text(INT64_MAX, t),
	    "9999-12-31T23:59:59.999Z");
	assert_string_equal(tick_text(INT64_MIN, t),
	    "0001-01-01T00:00:00.000Z");
}

/* Go writes nanoseconds and offsets; all of RFC 3339 is understood. */
static void
test_tick_parse(void **unused)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-01-19T13:43:00.123Z", INT64_C(1768830180123) },
		{ "2026-01-19t13:43:00.123456789z", INT64_C(1768830180123) },
		{ "2026-01-19T15:43:00.1+02:00", INT64_C(1768830180100) },
		{ "2026-01-19T08:13:00-05:30", INT64_C(1768830180000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
	};
	int64_t ms;

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(tick_parse(good[i].text, &ms), 0);
		assert_true(ms == good[i].ms);
	}
}

static void
test_tick_parse_bad(void **unused)
{
	static const char *const bad[] = { "", "2026", "2026-01-19",
		"2026-01-19 13:43:00Z", "2026-01-19T13:43:00",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx",
		"-026-01-01T00:00:00Z", "2026-01-01T00:00:00+00" };
	int64_t ms = 42;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tick_parse(bad[i], &ms), -1);
	assert_true(ms == 42);
}

/* Writing and reading are inverse over the whole range. */
static void
test_tick_round_trip(void **unused)
{
	char t[TICK_TEXT];
	int64_t back;

	(void)unused;
	for (int64_t ms = INT64_C(-62135596800000);
	    ms < INT64_C(253402300800000); ms += INT64_C(7919) * 86399 * 977) {
		assert_int_equal(tick_parse(tick_text(ms, t), &back), 0);
		assert_true(back == ms);
	}
}

/* The deadline clock never goes backwards; the wall clock is after 2020. */
static void
test_tick_clocks(void **unused)
{
	int64_t a = tick_mono();

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		int64_t b = tick_mono();

		assert_true(b >= a);
		a = b;
	}
	assert_true(tick_wall() > INT64_C(1577836800000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tick_text),
		cmocka_unit_test(test_tick_parse),
		cmocka_unit_test(test_tick_parse_bad),
		cmocka_unit_test(test_tick_round_trip),
		cmocka_unit_test(test_tick_clocks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
