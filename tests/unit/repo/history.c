#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "history.h"

#define REV "0123456789012345678901234567890123456789"

static void
on_commit(void *cookie, const struct repo_commit *c)
{
	*(int64_t *)cookie += c->time;
	assert_string_equal(c->rev, REV);
	assert_int_equal(c->subject[0], 's');
}

/* Whole records are handed on, a torn or forged one ends it. */
static void
test_history_parse(void **state)
{
	static const char text[] = REV "\0a\0e\0" "5\0s\0"
	    REV "\0a\0e\0" "6\0s \xff\0"
	    REV "\0a\0e\0";
	int64_t sum = 0;

	(void)state;
	assert_int_equal(history_parse(text, sizeof(text) - 1, on_commit,
	    &sum), 2);
	assert_int_equal(sum, 11);
	assert_int_equal(history_parse("", 0, on_commit, &sum), 0);
	assert_int_equal(history_parse("x\0a\0e\0" "5\0s\0", 10, on_commit,
	    &sum), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history_parse),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
