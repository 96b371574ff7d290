#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "metrics.h"
#include "str.h"
#include "tick.h"

static char dir[64];

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/nixfleet-metrics-XXXXXX");
	return (mkdtemp(dir) == NULL ? -1 : 0);
}

static int
teardown(void **state)
{
	struct err e;

	(void)state;
	return (file_rmtree(dir, &e));
}

static void
put(const char *name, const char *text)
{
	char *path = file_join(dir, name);
	struct err e;

	assert_int_equal(file_write(path, text, strlen(text), 0644, &e), 0);
	free(path);
}

/* Fresh files of StaSysMo are what is reported. */
static void
test_fresh(void **state)
{
	struct metrics m;

	(void)state;
	put("cpu", "12.5\n");
	put("ram", "50");
	put("load", "0.25\n");
	assert_true(metrics_read_dir(dir, tick_wall(), &m));
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
	char *path;

	(void)state;
	assert_false(metrics_read_dir(dir, tick_wall(), &m));
	put("cpu", "12.5");
	assert_false(metrics_read_dir(dir, tick_wall() + 60000, &m));
	put("cpu", "nan");
	assert_false(metrics_read_dir(dir, tick_wall(), &m));
	put("cpu", "x");
	put("ram", "-5");
	assert_false(metrics_read_dir(dir, tick_wall(), &m));
	put("ram", "0");
	assert_false(metrics_read_dir(dir, tick_wall(), &m));
	path = file_join(dir, "load");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(metrics_read_dir(dir, tick_wall(), &m));
	free(path);
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
