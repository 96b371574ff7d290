#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tick.h"
#include "weekhours.h"

enum { SUN, MON, TUE, WED, THU, FRI, SAT };

static int
at(int day, int hour, int minute)
{
	return (day * 1440 + hour * 60 + minute);
}

static int
wait_of(const char *text, int minute)
{
	struct weekhours w;
	struct err e = { 0 };

	if (weekhours_parse(text, &w, &e) == -1)
		fail_msg("%s", e.text);
	return (weekhours_wait(&w, minute));
}

/* Hours mean what they say: on which days, and up to which minute. */
static void
test_hours(void **unused)
{
	(void)unused;
	assert_int_equal(wait_of("02:00-04:00", at(WED, 2, 0)), 0);
	assert_int_equal(wait_of("02:00-04:00", at(WED, 3, 59)), 0);
	assert_int_equal(wait_of("02:00-04:00", at(WED, 4, 0)), 22 * 60);
	assert_int_equal(wait_of("2:00-4:30", at(SUN, 1, 59)), 1);
	assert_int_equal(wait_of("Mon 00:00-24:00", at(MON, 23, 59)), 0);
	assert_int_equal(wait_of("Mon 00:00-24:00", at(TUE, 0, 0)), 6 * 1440);
	assert_int_equal(wait_of("monday-WED 08:00-09:00", at(WED, 8, 0)), 0);
	assert_int_equal(
	    wait_of("Mon-Wed 08:00-09:00", at(WED, 9, 0)), at(4, 23, 0));
}

/* Over midnight a range belongs to the day on which it begins. */
static void
test_over_midnight(void **unused)
{
	(void)unused;
	assert_int_equal(wait_of("22:00-06:00", at(TUE, 5, 59)), 0);
	assert_int_equal(wait_of("Fri 22:00-06:00", at(SAT, 5, 59)), 0);
	assert_int_equal(wait_of("Fri 22:00-06:00", at(FRI, 5, 0)), 17 * 60);
	assert_int_equal(wait_of("Sat 23:00-01:00", at(SUN, 0, 59)), 0);
	assert_int_equal(wait_of("Fri-Mon 22:00-00:00", at(SUN, 23, 59)), 0);
	assert_int_equal(
	    wait_of("Fri-Mon 22:00-00:00", at(TUE, 0, 0)), at(3, 22, 0));
}

/* Several ranges are one set of hours. */
static void
test_several(void **unused)
{
	static const char text[] =
	    "Mon-Fri 22:00-06:00 , Sat 00:00-24:00,Sun 12:00-13:00";

	(void)unused;
	assert_int_equal(wait_of(text, at(SAT, 15, 0)), 0);
	assert_int_equal(wait_of(text, at(SUN, 12, 30)), 0);
	assert_int_equal(wait_of(text, at(SUN, 13, 0)), 33 * 60);
	assert_int_equal(wait_of(text, at(MON, 22, 0)), 0);
}

/* What is not understood is named. */
static void
test_bad(void **unused)
{
	static const char *const bad[] = { "", ",", "22:00", "22:00-", "-06:00",
		"22-06", "25:00-26:00", "12:60-13:00", "08:00-08:00",
		"24:00-02:00", "Mon", "Mon22:00-23:00", "Mo 22:00-23:00",
		"Mon- 22:00-23:00", "Mondays 22:00-23:00", "22:00-23:00,",
		"22:00-23:00 Mon", "Mon,Tue 22:00-23:00", "022:00-23:00",
		"1:0-2:00" };
	struct weekhours w;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err_clear(&e);
		if (weekhours_parse(bad[i], &w, &e) != -1)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_non_null(strstr(e.text, "Mon-Fri 22:00-06:00"));
	}
}

static int64_t
ms_of(const char *text)
{
	int64_t ms;

	assert_int_equal(tick_parse(text, &ms), 0);
	return (ms);
}

static void
assert_next(const char *hours, const char *now, const char *then)
{
	char text[TICK_TEXT];
	struct weekhours w;
	struct err e = { 0 };

	assert_int_equal(weekhours_parse(hours, &w, &e), 0);
	assert_string_equal(
	    tick_text_s(weekhours_next(&w, ms_of(now)), text), then);
}

/* The hours are those of this host's zone, also when its clock changes. */
static void
test_next(void **unused)
{
	(void)unused;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	assert_next(
	    "02:00-04:00", "2026-01-20T01:30:00Z", "2026-01-20T01:30:00Z");
	assert_next(
	    "02:00-04:00", "2026-01-20T12:00:01Z", "2026-01-21T01:00:00Z");
	assert_next(
	    "02:00-04:00", "2026-07-20T12:00:00Z", "2026-07-21T00:00:00Z");
	assert_next(
	    "Sun 12:00-13:00", "2026-03-28T12:00:00Z", "2026-03-29T10:00:00Z");
	assert_next(
	    "Sun 12:00-13:00", "2026-10-24T12:00:00Z", "2026-10-25T11:00:00Z");
	setenv("TZ", "UTC", 1);
	assert_next(
	    "Mon 05:00-06:00", "2026-12-31T23:00:00Z", "2027-01-04T05:00:00Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_over_midnight),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_next),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
