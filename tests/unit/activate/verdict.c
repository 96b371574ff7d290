#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "verdict.h"

/* A deadline is told apart from a signal, a signal from an exit status. */
static void
test_ends(void **state)
{
	const struct supervise_end late = { .timed_out = true, .signal = 9 };
	const struct supervise_end killed = { .signal = SIGTERM };
	const struct supervise_end odd = { .code = 42 };
	struct verdict v;

	(void)state;
	verdict_of(DEPLOY_CUSTOM, &late, &v);
	assert_int_equal(v.outcome, DEPLOY_TIMED_OUT);
	assert_int_equal(v.exit_code, -1);
	verdict_of(DEPLOY_CUSTOM, &killed, &v);
	assert_int_equal(v.outcome, DEPLOY_FAILED);
	assert_int_equal(v.exit_code, -1);
	assert_non_null(strstr(v.text, "signal 15"));
	verdict_of(DEPLOY_CUSTOM, &odd, &v);
	assert_int_equal(v.outcome, DEPLOY_FAILED);
	assert_int_equal(v.exit_code, 42);
	assert_non_null(strstr(v.text, "exit status 42"));
}

/* Only nixos gives 4, 11 and 100 a meaning of their own. */
static void
test_kinds(void **state)
{
	const struct supervise_end busy = { .code = 11 };
	const struct supervise_end reboot = { .code = 100 };
	const struct supervise_end units = { .code = 4 };
	struct verdict v;

	(void)state;
	verdict_of(DEPLOY_NIXOS, &busy, &v);
	assert_int_equal(v.outcome, DEPLOY_REFUSED);
	verdict_of(DEPLOY_HOME, &busy, &v);
	assert_int_equal(v.outcome, DEPLOY_FAILED);
	verdict_of(DEPLOY_NIXOS, &reboot, &v);
	assert_int_equal(v.outcome, DEPLOY_OK);
	assert_true(v.needs_reboot);
	verdict_of(DEPLOY_NIXOS, &units, &v);
	assert_true(v.units_failed);
	verdict_of(DEPLOY_CUSTOM, &units, &v);
	assert_false(v.units_failed);
	verdict_of(DEPLOY_HOME, &reboot, &v);
	assert_int_equal(v.outcome, DEPLOY_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_kinds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
