#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "plistfile.h"
#include "values.h"

/* Every string has the keys that lead to it, and its line. */
static void
test_parse(void **unused)
{
	(void)unused;
	values_are(plistfile_parse,
	    "<plist><dict>\n<key>A</key><string>x &lt;&amp;</string>\n"
	    "<key>B</key><dict><key>C</key><integer>1</integer>"
	    "<key>D</key><string>y</string></dict>\n"
	    "<!-- <string>no</string> --><key>E</key><array><true/>"
	    "<string>z</string></array><key>F</key><string>w</string>"
	    "</dict></plist>",
	    "2:A=x <&;3:B/D=y;4:E/=z;4:F=w;");
	values_are(plistfile_parse, "<plist><dict/><string/></plist>", "");
}

/* What is none is refused with the line. */
static void
test_bad(void **unused)
{
	(void)unused;
	values_are(plistfile_parse, "hello", "it is no property list");
	values_are(plistfile_parse, "<plist>\n</dict>",
	    "line 2: an end without a beginning");
	values_are(plistfile_parse, "<plist>\n<key>a",
	    "line 2: an element has no end");
	values_are(
	    plistfile_parse, "<plist>\n<!-- x", "line 2: a comment has no end");
	values_are(
	    plistfile_parse, "<plist>\n<dict", "line 2: a tag has no end");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
