#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tick.h"
#include "ulid.h"

/* The journal sorts by name: each one is larger than all before it. */
static void
test_ulid_increasing(void **unused)
{
	char last[ULID_LEN + 1] = "", now[ULID_LEN + 1];

	(void)unused;
	for (int i = 0; i < 20000; i++) {
		ulid_make(now);
		assert_true(ulid_valid(now));
		assert_true(strcmp(now, last) > 0);
		strcpy(last, now);
	}
}

/* The first ten digits are the time in ms, as ULIDs of others have it. */
static void
test_ulid_time(void **unused)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	int64_t before = tick_wall(), ms = 0;
	char u[ULID_LEN + 1];

	(void)unused;
	ulid_make(u);
	for (int i = 0; i < 10; i++)
		ms = ms * 32 + (strchr(digits, u[i]) - digits);
	assert_true(ms >= before - 1 && ms <= tick_wall() + 1000);
}

/* They become file names: nothing else may pass. */
static void
test_ulid_valid(void **unused)
{
	(void)unused;
	assert_true(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
	assert_true(ulid_valid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
	assert_false(ulid_valid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
	assert_false(ulid_valid("01arz3ndektsv4rrffq69g5fav"));
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAVX"));
	assert_false(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAI"));
	assert_false(ulid_valid("../../../../../../../../ab"));
	assert_false(ulid_valid(""));
	assert_false(ulid_valid(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ulid_increasing),
		cmocka_unit_test(test_ulid_time),
		cmocka_unit_test(test_ulid_valid),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
