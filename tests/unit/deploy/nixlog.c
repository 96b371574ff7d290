#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "nixlog.h"
#include "str.h"

static struct buf lines;
static struct deploy_progress last;
static char last_text[400];
static int nprogress;

static void
on_line(void *cookie, enum deploy_stream s, const char *p, size_t n)
{
	(void)cookie;
	assert_true(n <= PROC_LINE_MAX);
	buf_addf(&lines, "%c ", "oen"[s]);
	buf_add(&lines, p, n);
	buf_add(&lines, "\n", 1);
}

static void
on_progress(void *cookie, const struct deploy_progress *p)
{
	(void)cookie;
	last = *p;
	snprintf(last_text, sizeof(last_text), "%s", p->text);
	last.text = last_text;
	nprogress++;
}

static struct nixlog *
new(void)
{
	const struct nixlog_sink sink = { on_line, on_progress, NULL };

	buf_clear(&lines);
	buf_adds(&lines, "");
	nprogress = 0;
	return (nixlog_new(&sink));
}

static void
feed(struct nixlog *l, const char *text)
{
	nixlog_feed(l, text, strlen(text));
}

#define DRV "/nix/store/1k6p9bn2603v8ckjdhfww94xvl1al0mw-hello-2.12.drv"

/* What nix 2.8 prints for one build becomes lines and progress. */
static void
test_build(void **state)
{
	struct nixlog *l = new();

	(void)state;
	feed(l, "@nix {\"action\":\"start\",\"id\":1,\"level\":0,\"text\":\"\","
	    "\"type\":104}");
	feed(l, "@nix {\"action\":\"start\",\"id\":2,\"level\":0,\"text\":\"\","
	    "\"type\":103}");
	feed(l, "@nix {\"action\":\"result\",\"fields\":[3,4,0,0],\"id\":2,"
	    "\"type\":105}");
	feed(l, "@nix {\"action\":\"start\",\"fields\":[\"" DRV "\",\"\",1,1],"
	    "\"id\":3,\"level\":3,\"text\":\"building '" DRV "'\","
	    "\"type\":105}");
	feed(l, "@nix {\"action\":\"result\",\"fields\":[\"cc \\u001b[1mx"
	    "\\u001b[0m.c\"],\"id\":3,\"type\":101}");
	feed(l, "@nix {\"action\":\"result\",\"fields\":[1,2,1,0],\"id\":1,"
	    "\"type\":105}");
	feed(l, "@nix {\"action\":\"stop\",\"id\":3}");
	feed(l, "@nix {\"action\":\"stop\",\"id\":1}");
	nixlog_end(l);
	assert_string_equal(lines.data, "e building '" DRV "'\n"
	    "o hello-2.12> cc x.c\n");
	assert_string_equal(last.phase, "build");
	assert_int_equal(last.done, 1);
	assert_int_equal(last.expected, 2);
	assert_null(nixlog_error(l));
	nixlog_free(&l);
}

static void
feedf(struct nixlog *l, const char *what, int id, const char *rest)
{
	char *line = str_printf("@nix {\"action\":\"%s\",\"id\":%d%s}",
	    what, id, rest);

	feed(l, line);
	free(line);
}

static void
progress_is(struct nixlog *l, const char *phase, int done, int expected,
    const char *want)
{
	nixlog_end(l);
	assert_string_equal(last.phase, phase);
	assert_int_equal(last.done, done);
	assert_int_equal(last.expected, expected);
	assert_string_equal(last.text, want);
}

/* Downloads are counted, with bytes; builds too, those named that take
   longest. */
static void
test_progress(void **state)
{
	struct nixlog *l = new();
	char rest[200];
	int i;

	(void)state;
	feedf(l, "start", 1, ",\"level\":4,\"type\":0,\"text\":"
	    "\"evaluating derivation 'x'\"");
	progress_is(l, "evaluate", 0, 0, "evaluating derivation 'x'");
	feedf(l, "start", 2, ",\"type\":103");
	feedf(l, "start", 3, ",\"type\":102");
	feedf(l, "result", 3, ",\"type\":106,\"fields\":[101,8000000000]");
	feedf(l, "result", 2, ",\"type\":105,\"fields\":[0,2,1,0]");
	feedf(l, "start", 4, ",\"type\":101");
	feedf(l, "result", 4, ",\"type\":105,\"fields\":[4000000000,"
	    "5000000000,0,0]");
	progress_is(l, "download", 0, 2, "4000.0 of 8000.0 MB");
	feedf(l, "stop", 4, "");
	feedf(l, "result", 2, ",\"type\":105,\"fields\":[1,2,1,0]");
	progress_is(l, "download", 1, 2, "4000.0 of 8000.0 MB");
	feedf(l, "start", 5, ",\"type\":104");
	feedf(l, "result", 5, ",\"type\":105,\"fields\":[0,4,4,0]");
	for (i = 0; i < 5; i++) {
		snprintf(rest, sizeof(rest), ",\"type\":105,\"level\":3,"
		    "\"fields\":[\"/nix/store/1k6p9bn2603v8ckjdhfww94xvl1al0mw"
		    "-p%d.drv\",\"\",1,1]", i);
		feedf(l, "start", 10 + i, rest);
	}
	feedf(l, "result", 11, ",\"type\":104,\"fields\":"
	    "[\"check\\nPhase\"]");
	feedf(l, "stop", 10, "");
	feedf(l, "result", 5, ",\"type\":105,\"fields\":[1,5,4,0]");
	progress_is(l, "build", 1, 5, "building p1 (check Phase), p2, p3 and "
	    "1 more; 4000.0 of 8000.0 MB");
	nixlog_free(&l);
}

/* Many results in a moment are few reports. */
static void
test_progress_is_throttled(void **state)
{
	struct nixlog *l = new();
	int i;

	(void)state;
	feed(l, "@nix {\"action\":\"start\",\"id\":1,\"type\":104}");
	for (i = 0; i < 1000; i++)
		feed(l, "@nix {\"action\":\"result\",\"fields\":[1,2,0,0],"
		    "\"id\":1,\"type\":105}");
	nixlog_end(l);
	assert_true(nprogress < 50);
	nixlog_free(&l);
}

/* Text that is not nix's own is passed on as it is. */
static void
test_plain_text(void **state)
{
	struct nixlog *l = new();

	(void)state;
	feed(l, "warning: Git tree is dirty");
	feed(l, "");
	feed(l, "@nix {broken");
	feed(l, "@nix []");
	feed(l, "@nix {\"action\":7}");
	nixlog_end(l);
	assert_string_equal(lines.data, "e warning: Git tree is dirty\ne \n"
	    "e @nix {broken\n");
	nixlog_free(&l);
}

/* Pieces of a long line are put together before they are read. */
static void
test_pieces(void **state)
{
	struct nixlog *l = new();
	struct buf b = { 0 };
	char *pad = str_alloc(PROC_LINE_MAX * 2 + 1);

	(void)state;
	memset(pad, 'x', PROC_LINE_MAX * 2);
	buf_addf(&b, "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"%s\"}",
	    pad);
	nixlog_feed(l, b.data, PROC_LINE_MAX);
	nixlog_feed(l, b.data + PROC_LINE_MAX, PROC_LINE_MAX);
	nixlog_feed(l, b.data + 2 * PROC_LINE_MAX, b.len - 2 * PROC_LINE_MAX);
	assert_int_equal(lines.len, 2 * (PROC_LINE_MAX + 3));
	/* A line of exactly a piece's size is followed by another. */
	buf_clear(&lines);
	nixlog_feed(l, pad, PROC_LINE_MAX);
	feed(l, "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"next\"}");
	assert_string_equal(lines.data + PROC_LINE_MAX + 3, "e next\n");
	free(pad);
	buf_free(&b);
	nixlog_free(&l);
}

/* A line without end is noted and forgotten, not kept. */
static void
test_endless_line(void **state)
{
	static char piece[PROC_LINE_MAX];
	struct nixlog *l = new();
	int i;

	(void)state;
	memset(piece, 'y', sizeof(piece));
	for (i = 0; i < 1000; i++)
		nixlog_feed(l, piece, sizeof(piece));
	feed(l, "");
	feed(l, "after");
	assert_string_equal(lines.data, "n [a line of 8192000 bytes from nix "
	    "was left out]\ne after\n");
	nixlog_free(&l);
}

static void
error_is(const char *msgs[], const char *want)
{
	struct nixlog *l = new();
	char *got, *line;
	json_t *m;

	for (; *msgs != NULL; msgs++) {
		m = json_pack("{s:s,s:i,s:s}", "action", "msg", "level", 0,
		    "msg", *msgs);
		got = json_dumps(m, JSON_COMPACT);
		line = str_printf("@nix %s", got);
		feed(l, line);
		free(line);
		free(got);
		json_decref(m);
	}
	got = nixlog_error(l);
	assert_string_equal(got, want);
	free(got);
	nixlog_free(&l);
}

/* The reason is the message proper, not its trace nor its consequences. */
static void
test_reason(void **state)
{
	const char *trace[] = { "error:\n       ... while evaluating x\n\n"
	    "       error: attribute 'foo' missing\n       at flake.nix:3",
	    NULL };
	const char *consequence[] = {
	    "\033[31;1merror:\033[0m 1 dependencies of derivation 'a' failed",
	    "error: builder for 'b.drv' failed with exit code 2;\n"
	    "       last 1 log lines:\n       > error: not this\n", NULL };
	const char *hint[] = { "error: path is wrong",
	    "(use '--show-trace' to show detailed location information)",
	    NULL };

	(void)state;
	error_is(trace, "attribute 'foo' missing\n       at flake.nix:3");
	error_is(consequence, "builder for 'b.drv' failed with exit code 2;\n"
	    "       last 1 log lines:\n       > error: not this");
	error_is(hint, "path is wrong");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_progress_is_throttled),
		cmocka_unit_test(test_plain_text),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_reason),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&lines);
	return (r);
}
