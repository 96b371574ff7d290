#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "metrics.h"
#include "scratch.h"
#include "tick.h"

static int
setup(void **state)
{
	(void)state;
	scratch_begin();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	scratch_end();
	return (0);
}

/* Fresh files of StaSysMo are what is reported. */
static void
test_fresh(void **state)
{
	struct metrics m;

	(void)state;
	scratch_file("cpu", "12.5\n");
	scratch_file("ram", "50");
	scratch_file("load", "0.25\n");
	assert_true(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	assert_true(m.cpu > 12.4 && m.cpu < 12.6);
	assert_true(m.ram > 49.9 && m.ram < 50.1);
	assert_true(m.swap < 0.1);
	assert_true(m.load > 0.24 && m.load < 0.26);
}

/* Old files, no files, nonsense and all zeroes are not. */
static void
test_stale(void **state)
{
	struct metrics m;

	(void)state;
	assert_false(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	scratch_file("cpu", "12.5");
	assert_false(metrics_read_dir(scratch_path(""),
	    tick_wall() + 60000, &m));
	scratch_file("cpu", "nan");
	assert_false(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	scratch_file("cpu", "x");
	scratch_file("ram", "-5");
	assert_false(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	scratch_file("ram", "0");
	assert_false(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	assert_int_equal(mkfifo(scratch_path("load"), 0600), 0);
	assert_false(metrics_read_dir(scratch_path(""), tick_wall(), &m));
	assert_false(metrics_read_dir("/nonexistent", tick_wall(), &m));
}

/* The kernel's own numbers are sensible. */
static void
test_kernel(void **state)
{
	struct metrics_state s = { 0 };
	struct metrics m;

	(void)state;
	assert_true(metrics_kernel(&s, &m));
	assert_true(s.total > 0);
	assert_true(metrics_kernel(&s, &m));
	assert_true(m.cpu >= 0 && m.cpu <= 100);
	assert_true(m.ram > 0 && m.ram <= 100);
	assert_true(m.swap >= 0 && m.swap <= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test(test_kernel),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
