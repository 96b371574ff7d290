#include "agentunit.h"

#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "joblog.h"
#include "str.h"

static struct joblog *
open_log(void)
{
	struct joblog *log = NULL;
	struct err e = { 0 };

	assert_int_equal(joblog_open(scratch_path("."), &log, &e), 0);
	return (log);
}

static void
add(struct joblog *log, const char *text)
{

	joblog_add(log, STREAM_STDOUT, text, strlen(text));
}

static void
finish(struct joblog **log, int64_t want)
{
	int64_t last = -1;

	assert_int_equal(joblog_close(log, &last, NULL), 0);
	assert_int_equal(last, want);
}

/* The next record of a reader; NULL if there is none.  Freed by the caller. */
static char *
next(struct joblog_reader *r, int64_t *seq)
{
	struct joblog_record rec;

	if (joblog_read(r, &rec) != 1)
		return (NULL);
	*seq = rec.seq;
	return (str_ndup(rec.text, rec.len));
}

static void
expect(struct joblog_reader *r, int64_t seq, const char *text)
{
	int64_t got = 0;
	char *line = next(r, &got);

	assert_non_null(line);
	assert_int_equal(got, seq);
	assert_string_equal(line, text);
	free(line);
}

/* A reader sees a record as soon as it was added, and goes on from there. */
static void
test_joblog_is_followed(void **unused)
{
	struct joblog_reader *r = joblog_reader_new(scratch_path("."), 1);
	struct joblog_record rec;
	struct joblog *log;

	(void)unused;
	assert_int_equal(joblog_read(r, &rec), 0);
	log = open_log();
	add(log, "one");
	expect(r, 1, "one");
	assert_int_equal(joblog_read(r, &rec), 0);
	add(log, "");
	add(log, "three");
	expect(r, 2, "");
	expect(r, 3, "three");
	finish(&log, 3);
	joblog_reader_free(&r);
}

/* Whatever a child prints becomes one line of clean UTF-8. */
static void
test_joblog_cleans(void **unused)
{
	struct joblog_reader *r = joblog_reader_new(scratch_path("."), 1);
	static const char raw[] = "a\0b\nc\rd\te\033[1m\xff\xc2\x85\x7f.";
	struct joblog *log = open_log();

	(void)unused;
	joblog_add(log, STREAM_STDERR, raw, sizeof(raw) - 1);
	expect(r, 1, "a\xef\xbf\xbd" "bcd\te\033[1m\xef\xbf\xbd.");
	finish(&log, 1);
	joblog_reader_free(&r);
}

/* Half a line of a killed writer goes; the numbers go on. */
static void
test_joblog_repairs_its_end(void **unused)
{
	struct joblog *log;
	struct joblog_reader *r;

	(void)unused;
	scratch_file("log", "1 1700000000000 o one\n2 1700000000000 o tw");
	log = open_log();
	assert_int_equal(joblog_last(log), 1);
	add(log, "two");
	finish(&log, 2);
	r = joblog_reader_new(scratch_path("."), 2);
	expect(r, 2, "two");
	joblog_reader_free(&r);
}

/* Any record is found by its number, also in a large log. */
static void
test_joblog_seeks(void **unused)
{
	struct joblog *log = open_log();
	struct joblog_reader *r;
	char text[64];
	int64_t n;

	(void)unused;
	for (n = 1; n <= 20000; n++) {
		snprintf(text, sizeof(text), "%*d", (int)(n % 50), (int)n);
		add(log, text);
	}
	finish(&log, 20000);
	r = joblog_reader_new(scratch_path("."), 1);
	for (n = 20000; n > 0; n -= 1237) {
		joblog_reader_seek(r, n);
		snprintf(text, sizeof(text), "%*d", (int)(n % 50), (int)n);
		expect(r, n, text);
	}
	joblog_reader_free(&r);
}

/* A damaged line, zeroes of a power cut included, hides only itself. */
static void
test_joblog_skips_damage(void **unused)
{
	static const char text[] = "1 5 o one\n\0\0\0\0\n2 5 o two\nrubbish\n"
	    "2 5 o again\n3 5 n three\n";
	struct joblog_reader *r;
	struct err e = { 0 };

	(void)unused;
	assert_int_equal(file_write(scratch_path("log"), text,
	    sizeof(text) - 1, 0600, &e), 0);
	r = joblog_reader_new(scratch_path("."), 1);
	expect(r, 1, "one");
	expect(r, 2, "two");
	expect(r, 3, "three");
	joblog_reader_free(&r);
}

/* Count the records and check that none is missing. */
static int64_t
whole(char **gap, char **last)
{
	struct joblog_reader *r = joblog_reader_new(scratch_path("."), 1);
	int64_t n = 0, seq;
	char *line;

	*gap = *last = NULL;
	while ((line = next(r, &seq)) != NULL) {
		assert_int_equal(seq, ++n);
		if (strstr(line, "lines were cut here") != NULL) {
			free(*gap);
			*gap = str_dup(line);
		}
		free(*last);
		*last = line;
	}
	joblog_reader_free(&r);
	return (n);
}

static void
fill(struct joblog *log, int from, int to)
{
	char text[32];

	for (; from <= to; from++) {
		snprintf(text, sizeof(text), "line %d", from);
		add(log, text);
	}
}

/* A log beyond its limit keeps head and tail and says what was cut. */
static void
test_joblog_cuts_the_middle(void **unused)
{
	struct joblog *log = open_log();
	char *gap, *last;

	(void)unused;
	joblog_limits(log, 4000, 2000);
	fill(log, 1, 5000);
	assert_int_equal(joblog_close(&log, NULL, NULL), 0);
	assert_true(whole(&gap, &last) < 300);
	assert_non_null(gap);
	assert_string_equal(last, "line 5000");
	assert_false(file_exists(scratch_path("tail.1")));
	free(gap);
	free(last);
}

/* The tail of a writer that was killed is not lost either. */
static void
test_joblog_keeps_the_tail_of_a_dead_writer(void **unused)
{
	struct joblog *log;
	char *gap, *last;
	int status;
	pid_t pid;

	(void)unused;
	if ((pid = fork()) == 0) {
		log = open_log();
		joblog_limits(log, 4000, 2000);
		fill(log, 1, 5000);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	log = open_log();
	assert_int_equal(joblog_close(&log, NULL, NULL), 0);
	whole(&gap, &last);
	assert_non_null(gap);
	assert_string_equal(last, "line 5000");
	free(gap);
	free(last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_joblog_is_followed),
		UNIT(test_joblog_cleans),
		UNIT(test_joblog_repairs_its_end),
		UNIT(test_joblog_seeks),
		UNIT(test_joblog_skips_damage),
		UNIT(test_joblog_cuts_the_middle),
		UNIT(test_joblog_keeps_the_tail_of_a_dead_writer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
