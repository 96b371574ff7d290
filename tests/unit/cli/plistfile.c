#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "plistfile.h"

static void
on_value(void *cookie, int line, const char *keys, const char *value)
{
	buf_addf(cookie, "%d:%s=%s;", line, keys, value);
}

/* ${text} read: "LINE:KEYS=VALUE;…", or the error. */
static void
assert_read(const char *text, const char *want)
{
	struct buf b = { 0 };
	struct err e;

	buf_adds(&b, "");
	if (plistfile_parse(text, strlen(text), on_value, &b, &e) == -1)
		assert_string_equal(e.text, want);
	else
		assert_string_equal(b.data, want);
	buf_free(&b);
}

/* Every string has the keys that lead to it, and its line. */
static void
test_parse(void **unused)
{
	(void)unused;
	assert_read("<plist><dict>\n<key>A</key><string>x &lt;&amp;</string>\n"
		    "<key>B</key><dict><key>C</key><integer>1</integer>"
		    "<key>D</key><string>y</string></dict>\n"
		    "<!-- <string>no</string> --><key>E</key><array><true/>"
		    "<string>z</string></array><key>F</key><string>w</string>"
		    "</dict></plist>",
	    "2:A=x <&;3:B/D=y;4:E/=z;4:F=w;");
	assert_read("<plist><dict/><string/></plist>", "");
}

/* What is none is refused with the line. */
static void
test_bad(void **unused)
{
	(void)unused;
	assert_read("hello", "it is no property list");
	assert_read("<plist>\n</dict>", "line 2: an end without a beginning");
	assert_read("<plist>\n<key>a", "line 2: an element has no end");
	assert_read("<plist>\n<!-- x", "line 2: a comment has no end");
	assert_read("<plist>\n<dict", "line 2: a tag has no end");
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
