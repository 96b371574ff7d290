#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "unitfile.h"
#include "values.h"

/* Lines are joined and counted as systemd does it. */
static void
test_parse(void **unused)
{
	(void)unused;
	values_are(unitfile_parse, "", "");
	values_are(unitfile_parse, "\n[S]\nA=b\n", "3:A=b;");
	values_are(unitfile_parse,
	    "# A=b\n; B=c\n A = b \\\n  c\nD=", "3:A=b    c;5:D=;");
	values_are(unitfile_parse, "A=b\\", "1:A=b\\;");
	values_are(
	    unitfile_parse, "[S]\nnonsense\n", "line 2 is not KEY=VALUE");
	values_are(unitfile_parse, "=x\n", "line 1 has no key");
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
