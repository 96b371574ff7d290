#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proc.h"
#include "shell.h"

/* Status, both outputs and their lines arrive. */
static void
test_proc_outputs(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "echo one; echo two >&2; sleep 0.05; echo; printf end;"
	    "exit 7");
	shell_run(&s);
	assert_int_equal(s.res.end, PROC_EXITED);
	assert_int_equal(s.res.code, 7);
	assert_string_equal(s.res.out.data, "one\n\nend");
	assert_string_equal(s.res.err.data, "two\n");
	assert_false(s.res.out_cut || s.res.err_cut);
	assert_non_null(strstr(shell_seen(&s), "o:one|"));
	assert_non_null(strstr(shell_seen(&s), "e:two|"));
	assert_non_null(strstr(shell_seen(&s), "o:|o:end|"));
	assert_int_equal(proc_check(&s.spec, &s.res, &s.e), -1);
	assert_int_equal(s.e.code, ERR_CHILD);
	assert_string_equal(s.e.text, "sh ended with status 7: two");
	shell_free(&s);
}

/* Order between the outputs is kept as far as the pipes show it. */
static void
test_proc_order(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "for i in 1 2 3; do echo o$i; sleep 0.05;"
	    "echo e$i >&2; sleep 0.05; done");
	shell_run(&s);
	assert_string_equal(shell_seen(&s), "o:o1|e:e1|o:o2|e:e2|o:o3|e:e3|");
	shell_free(&s);
}

/* A line of 3 MB is handed on in pieces; memory stays bounded. */
static void
test_proc_long_line(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo y");
	shell_run(&s);
	assert_int_equal(s.seen.longest, PROC_LINE_MAX);
	assert_int_equal(s.seen.bytes, 3000001);
	assert_int_equal(s.seen.lines, 3000000 / PROC_LINE_MAX + 2);
	assert_int_equal(s.res.out.len, 4096);
	assert_true(s.res.out_cut);
	assert_true(s.res.out.cap <= 16384);
	shell_free(&s);
}

/* A line of exactly the limit is one line, and no empty one follows. */
static void
test_proc_exact_line(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "head -c 8192 /dev/zero | tr '\\0' x; echo; echo y");
	shell_run(&s);
	assert_int_equal(s.seen.lines, 2);
	assert_int_equal(s.seen.bytes, 8193);
	shell_free(&s);
}

/* Folding tears no UTF-8 sequence; without valid ones it still ends. */
static void
test_proc_fold_utf8(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "i=0; printf a; while [ $i -lt 4000 ]; do "
	    "printf '\\342\\202\\254'; i=$((i+1)); done");
	shell_run(&s);
	assert_int_equal(s.seen.lines, 2);
	assert_int_equal(s.seen.longest, 8191);
	assert_int_equal(s.seen.bytes, 12001);
	shell_free(&s);
	shell_init(&s, "head -c 20000 /dev/zero | tr '\\0' '\\200'");
	shell_run(&s);
	assert_int_equal(s.seen.bytes, 20000);
	assert_int_equal(s.seen.longest, PROC_LINE_MAX);
	shell_free(&s);
}

/* Binary output comes through as it is. */
static void
test_proc_binary(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "printf 'a\\000\\377\\n\\000'");
	shell_run(&s);
	assert_int_equal(s.res.out.len, 5);
	assert_memory_equal(s.res.out.data, "a\0\377\n\0", 5);
	assert_int_equal(s.seen.lines, 2);
	assert_memory_equal(s.seen.text.data, "o:a\0\377|o:\0|", 10);
	shell_free(&s);
}

/* Of stderr the end is kept: that is where the reason stands. */
static void
test_proc_keep(void **unused)
{
	struct shell s;

	(void)unused;
	shell_init(&s, "seq 1 20000 >&2; seq 1 20000");
	s.spec.keep_out = 10;
	s.spec.keep_err = 12;
	shell_run(&s);
	assert_string_equal(s.res.out.data, "1\n2\n3\n4\n5\n");
	assert_string_equal(s.res.err.data, "19999\n20000\n");
	assert_true(s.res.out_cut && s.res.err_cut);
	assert_int_equal(s.seen.lines, 40000);
	shell_free(&s);
	shell_init(&s, "printf 123456 >&2");
	s.spec.keep_out = 0;
	s.spec.keep_err = 6;
	s.spec.on_line = NULL;
	shell_run(&s);
	assert_string_equal(s.res.err.data, "123456");
	assert_false(s.res.err_cut || s.res.out_cut);
	shell_free(&s);
}

/* What was in the pipe when the child ended is not lost. */
static void
test_proc_drain(void **unused)
{
	(void)unused;
	for (int i = 0; i < 30; i++) {
		struct shell s;

		shell_init(&s, "seq 1 10000");
		shell_run(&s);
		assert_int_equal(s.seen.lines, 10000);
		shell_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_outputs),
		cmocka_unit_test(test_proc_order),
		cmocka_unit_test(test_proc_long_line),
		cmocka_unit_test(test_proc_exact_line),
		cmocka_unit_test(test_proc_fold_utf8),
		cmocka_unit_test(test_proc_binary),
		cmocka_unit_test(test_proc_keep),
		cmocka_unit_test(test_proc_drain),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
