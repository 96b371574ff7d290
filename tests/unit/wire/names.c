#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

#define TEN "abcdefghij"

/* A host name becomes a file name and a key: only one label may pass. */
static void
test_hostname(void **unused)
{
	static const char *const good[] = { "a", "gpc0", "A-1", "0",
		(TEN TEN TEN TEN TEN TEN "123") };
	static const char *const bad[] = { "", "..", "../x", "a/b", "a.b",
		"-a", "a-", "a_b", "a b", "h\xc3\xa9", "<script>", "a\n",
		(TEN TEN TEN TEN TEN TEN "1234") };
	struct err e;

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(0, names_hostname_check(good[i], &e));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(-1, names_hostname_check(bad[i], &e));
		assert_int_equal(ERR_INPUT, e.code);
	}
	assert_int_equal(-1, names_hostname_check(NULL, &e));
}

/* Each word must lead back to its value, and nothing else to any. */
static void
test_words(void **unused)
{
	(void)unused;
#define ROUND(n, count)                                                \
	for (int i = 0; i < (count); i++)                              \
		assert_int_equal(i, names_##n##_parse(names_##n(i)));  \
	assert_int_equal(-1, names_##n##_parse("nonsense"));           \
	assert_int_equal(-1, names_##n##_parse(NULL))
	ROUND(outcome, OUTCOME_COUNT);
	ROUND(op_state, OP_STATE_COUNT);
	ROUND(check, CHECK_COUNT);
	ROUND(stream, STREAM_COUNT);
	ROUND(refusal, REFUSAL_COUNT);
	assert_int_equal(CHECK_UNKNOWN, names_check_parse(""));
	for (int i = 0; i < LIVENESS_COUNT; i++)
		assert_non_null(names_liveness(i));
	for (int i = 0; i < STREAM_COUNT; i++)
		assert_int_equal(i,
		    names_stream_of_letter(names_stream_letter(i)));
	assert_int_equal(-1, names_stream_of_letter('\0'));
	assert_int_equal(-1, names_stream_of_letter('x'));
}

/* The operations of dialect 3 must be there; a slip of the pen finds one. */
static void
test_ops(void **unused)
{
	const struct wire_op *op;

	(void)unused;
	for (int i = 0; i < wire_op_count; i++) {
		op = &wire_op_table[i];
		assert_ptr_equal(op, wire_op_find(op->name));
		assert_true(op->deadline_s > 0);
		assert_true(op->dialect == 3 || op->dialect == 4);
		assert_true(op->help[strlen(op->help) - 1] != '.');
	}
	assert_null(wire_op_find("rm -rf /"));
	assert_null(wire_op_find(NULL));
	assert_string_equal("pull-switch", wire_op_nearest("pullswitch"));
	assert_string_equal("rollback", wire_op_nearest("rolback"));
	assert_null(wire_op_nearest("xylophone"));
	assert_true(wire_op_has_arg(wire_op_find("update"), "inputs"));
	assert_false(wire_op_has_arg(wire_op_find("pull"), "inputs"));
	assert_true(wire_op_find("reboot")->flags & WIRE_OP_TOTP);
	assert_true(wire_op_find("stop")->flags & WIRE_OP_IMMEDIATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostname),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_ops),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
