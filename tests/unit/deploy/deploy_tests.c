#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "deploy.h"
#include "file.h"
#include "str.h"

static char dir[64];
static struct buf lines, results;
static struct deploy_conf conf;

static void
on_line(void *cookie, enum deploy_stream s, const char *p, size_t n)
{
	(void)cookie;
	if (lines.len > 1000000)
		return;
	buf_addf(&lines, "%c ", "oen"[s]);
	buf_add(&lines, p, n);
	buf_add(&lines, "\n", 1);
}

static void
on_test(void *cookie, const struct deploy_test *t)
{
	(void)cookie;
	buf_addf(&results, "%zu/%zu %s %s %d\n", t->index, t->total, t->name,
	    t->ok ? "ok" : "not ok", t->code);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/nixfleet-tests-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return (-1);
	conf = (struct deploy_conf){ .kind = DEPLOY_CUSTOM, .host = "h1",
		.repo_dir = dir, .state_dir = dir, .test_timeout = 10000,
		.stop_fd = -1, .on_line = on_line };
	return (0);
}

static int
teardown(void **state)
{
	struct err e;

	(void)state;
	buf_free(&lines);
	buf_free(&results);
	return (file_rmtree(dir, &e));
}

static void
put(const char *name, mode_t mode, const char *script)
{
	char *path = str_printf("%s/hosts/h1/tests/%s", dir, name);
	char *text = str_printf("#!/bin/sh\n%s\n", script);
	char *parent = file_dirname(path);
	struct err e;

	assert_int_equal(file_mkdirs(parent, 0755, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), mode, &e), 0);
	free(parent);
	free(text);
	free(path);
}

/* An early failure counts though the last test is fine (dialect 3's fault). */
static void
test_all_count(void **state)
{
	struct deploy_tests t;
	struct err e;

	(void)state;
	put("T10.sh", 0755, "echo ten");
	put("T01.sh", 0755, "echo one >&2; exit 3");
	put("T02.sh", 0644, "exit 1");
	put("notes.txt", 0755, "exit 1");
	put("T03.sh", 0755, "pwd");
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_int_equal(t.outcome, DEPLOY_FAILED);
	assert_string_equal(t.message, "2 of 3 tests passed");
	assert_string_equal(results.data, "1/3 T01.sh not ok 3\n"
	    "2/3 T03.sh ok 0\n3/3 T10.sh ok 0\n");
	assert_true(str_prefix(lines.data, "e one\no /tmp/"));
}

/* No tests is no failure (dialect 3's fault). */
static void
test_none(void **state)
{
	struct deploy_tests t;
	struct err e;

	(void)state;
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_int_equal(t.outcome, DEPLOY_OK);
	assert_string_equal(t.message, "no tests");
	put("README", 0644, "");
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_string_equal(t.message, "no tests");
}

/* One that hangs is killed and leaves time for the others. */
static void
test_hangs(void **state)
{
	struct deploy_tests t;
	struct err e;

	(void)state;
	put("T1.sh", 0755, "sleep 1000 & sleep 1000");
	put("T2.sh", 0755, "exit 0");
	conf.test_timeout = 1000;
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_int_equal(t.outcome, DEPLOY_TIMED_OUT);
	assert_string_equal(t.message,
	    "1 of 2 tests passed; one hung and was killed");
}

/* 3 MB in a line and binary output harm nothing. */
static void
test_binary(void **state)
{
	struct deploy_tests t;
	struct err e;

	(void)state;
	put("T1.sh", 0755, "head -c 3000000 /dev/urandom; "
	    "head -c 3000000 /dev/zero; echo; echo end >&2");
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_int_equal(t.outcome, DEPLOY_OK);
}

/* A stop ends the running one, and no other is started. */
static void
test_stop(void **state)
{
	struct deploy_tests t;
	struct err e;
	int fds[2];

	(void)state;
	put("T1.sh", 0755, "sleep 1000");
	put("T2.sh", 0755, "exit 0");
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	conf.stop_fd = fds[0];
	assert_int_equal(deploy_tests_run(&conf, dir, on_test, &t, &e), 0);
	assert_int_equal(t.outcome, DEPLOY_STOPPED);
	assert_string_equal(t.message, "0 of 2 tests passed; stopped");
	close(fds[0]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_count), TEST(test_none), TEST(test_hangs),
		TEST(test_binary), TEST(test_stop),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
