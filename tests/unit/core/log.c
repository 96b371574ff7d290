#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "scratch.h"
#include "term.h"

/* Run ${f} with stderr in a file; its contents, which the caller frees. */
static char *
capture(void (*f)(void))
{
	const char *path = scratch_path("stderr");
	struct buf b = { 0 };
	int old, fd;

	fflush(stderr);
	old = dup(2);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(old >= 0 && fd >= 0);
	dup2(fd, 2);
	f();
	fflush(stderr);
	dup2(old, 2);
	close(old);
	close(fd);
	assert_int_equal(file_read(path, 1 << 20, &b, NULL), 0);
	return (buf_take(&b));
}

static const char forged[] = "a\n<3>forged\x1b[2J \x7f\xc2\x9b q\"\\";

static void
write_json(void)
{
	unsetenv("JOURNAL_STREAM");
	log_open("unit", LOG_INFO);
	log_debug("not seen", "k", "v");
	log_warn(forged, "host", forged, "gone", (char *)NULL, "raw", "\xff",
	    "empty", "");
}

/* Machines read JSON lines: one record, one line, valid, nothing lost. */
static void
test_log_json(void **unused)
{
	char *s = capture(write_json);
	json_t *v = json_loads(s, 0, NULL);

	(void)unused;
	assert_non_null(v);
	assert_ptr_equal(strchr(s, '\n'), s + strlen(s) - 1);
	assert_string_equal(json_string_value(json_object_get(v, "level")),
	    "warn");
	assert_string_equal(json_string_value(json_object_get(v, "program")),
	    "unit");
	assert_string_equal(json_string_value(json_object_get(v, "msg")),
	    forged);
	assert_string_equal(json_string_value(json_object_get(v, "host")),
	    forged);
	assert_string_equal(json_string_value(json_object_get(v, "raw")),
	    "\xef\xbf\xbd");
	assert_string_equal(json_string_value(json_object_get(v, "empty")), "");
	assert_null(json_object_get(v, "gone"));
	assert_non_null(json_object_get(v, "time"));
	json_decref(v);
	free(s);
}

static void
write_journal(void)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("unit", LOG_DEBUG);
	log_debug("d");
	log_info("i", "op", "pull", "n", "");
	log_error(forged, "host", forged);
}

/* In the journal a stranger's text can neither start a line nor colour it. */
static void
test_log_journal(void **unused)
{
	char *s = capture(write_journal);

	(void)unused;
	assert_string_equal(s, "<7>d\n<6>i op=pull n=\"\"\n"
	    "<3>a\\x0a<3>forged\\x1b[2J \\x7f\\x9b q\"\\ "
	    "host=\"a\\x0a<3>forged\\x1b[2J \\x7f\\x9b q\\\"\\\\\"\n");
	free(s);
	unsetenv("JOURNAL_STREAM");
}

static void
write_long(void)
{
	char *big = malloc(100001);

	assert_non_null(big);
	memset(big, 'x', 100000);
	big[100000] = '\0';
	log_open("unit", LOG_INFO);
	log_info("long", "v", big);
	free(big);
}

/* A value of a stranger cannot fill the disk with one record. */
static void
test_log_long(void **unused)
{
	char *s = capture(write_long);

	(void)unused;
	assert_true(strlen(s) > 4096 && strlen(s) < 5000);
	free(s);
}

static void
test_log_levels(void **unused)
{
	(void)unused;
	assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
	assert_int_equal(log_level_parse("error"), LOG_ERROR);
	assert_int_equal(log_level_parse("INFO"), -1);
	log_open("unit", LOG_WARN);
	assert_false(log_on(LOG_INFO));
	assert_true(log_on(LOG_WARN));
}

static void
write_error(void)
{
	term_error("prog", "first\nsecond\n");
	term_error("prog", "only");
}

/* Several faults stay readable under the program's name. */
static void
test_term_error(void **unused)
{
	char *s = capture(write_error);

	(void)unused;
	assert_string_equal(s, "prog: first\n      second\nprog: only\n");
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_json),
		cmocka_unit_test(test_log_journal),
		cmocka_unit_test(test_log_long),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_term_error),
	};
	int rc;

	scratch_begin();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_end();
	return (rc);
}
