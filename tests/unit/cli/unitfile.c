#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "unitfile.h"

static void
on_value(void *cookie, int line, const char *key, const char *value)
{
	buf_addf(cookie, "%d:%s=%s;", line, key, value);
}

/* ${text} read: "LINE:KEY=VALUE;…", or the error. */
static void
assert_read(const char *text, const char *want)
{
	struct buf b = { 0 };
	struct err e;

	buf_adds(&b, "");
	if (unitfile_parse(text, strlen(text), on_value, &b, &e) == -1)
		assert_string_equal(e.text, want);
	else
		assert_string_equal(b.data, want);
	buf_free(&b);
}

/* Lines are joined and counted as systemd does it. */
static void
test_parse(void **unused)
{
	(void)unused;
	assert_read("", "");
	assert_read("\n[S]\nA=b\n", "3:A=b;");
	assert_read("# A=b\n; B=c\n A = b \\\n  c\nD=", "3:A=b    c;5:D=;");
	assert_read("A=b\\", "1:A=b\\;");
	assert_read("[S]\nnonsense\n", "line 2 is not KEY=VALUE");
	assert_read("=x\n", "line 1 has no key");
}

/* Quotes hold blanks together, a backslash means what it means there. */
static void
test_word(void **unused)
{
	static const char *const want[] = { "A=b", "B=c d", "C=\"x\\y", "",
		"\\q", "e\tf" };
	const char *value = " A=b \"B=c d\" 'C=\\\"x\\\\y' '' \\q \"e\\tf";
	char *word;

	(void)unused;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		word = unitfile_word(&value);
		assert_non_null(word);
		assert_string_equal(word, want[i]);
		free(word);
	}
	assert_null(unitfile_word(&value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_word),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
