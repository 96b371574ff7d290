#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "show.h"

static void
check(const char *in, const char *plain, const char *coloured)
{
	struct buf b = { 0 };

	out_clean(&b, in, strlen(in), false);
	assert_string_equal(b.len == 0 ? "" : b.data, plain);
	buf_clear(&b);
	out_clean(&b, in, strlen(in), true);
	assert_string_equal(b.len == 0 ? "" : b.data, coloured);
	buf_free(&b);
}

#define SAME(in, out) check((in), (out), (out))

/* A log line from a host can do nothing to the terminal but be read. */
static void
test_out_clean_attacks(void **unused)
{
	(void)unused;
	SAME("plain \xc3\xa9 text\tx", "plain \xc3\xa9 text\tx");
	SAME("a\033]0;title\ab", "ab");
	SAME("a\033]52;c;ZXZpbA==\033\\b", "ab");
	SAME("a\033[2J\033[Hb", "ab");
	SAME("a\033[?1049hb\033[6nc", "abc");
	SAME("a\033P1$r\033\\b", "ab");
	SAME("a\033cb\033(0c", "a" "b" "0c");
	SAME("never ends \033]0;", "never ends ");
	SAME("cut \033", "cut ");
	SAME("a\033\xc3\xa9", "a\xc3\xa9");
	SAME("a\033\033[2Jb", "ab");
	SAME("cut \033[31", "cut ");
	SAME("a\bb\a\vc\x7f", "abc");
	SAME("C1 \xc2\x9b" "2J", "C1 2J");
	SAME("10%\r20%", "10% 20%");
	SAME("one\ntwo", "onetwo");
	SAME("abc\u202etxt.exe\u2066", "abctxt.exe");
	SAME("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
	SAME("a\x9b" "31mb", "a\xef\xbf\xbd" "31mb");
}

/* Colours stay on a terminal that wants them, and end with the line. */
static void
test_out_clean_colours(void **unused)
{
	(void)unused;
	check("a\033[31mb\033[0mc", "abc", "a\033[31mb\033[0mc\033[0m");
	check("\033[1;38;5;200mx", "x", "\033[1;38;5;200mx\033[0m");
	check("\033[38:2:1:2:3mx", "x", "\033[38:2:1:2:3mx\033[0m");
	SAME("\033[>4;2mx", "x");
	SAME("\033[31;31;31;31;31;31;31;31;31;31;31;31mx", "x");
}

/* A bar is as long as what is done, and never too long. */
static void
test_bar(void **unused)
{
	char bar[SHOW_BAR];

	(void)unused;
	assert_string_equal(show_bar(0, 7, bar), "....................");
	assert_string_equal(show_bar(1, 2, bar), "##########..........");
	assert_string_equal(show_bar(9, 7, bar), "####################");
	assert_string_equal(show_bar(-1, 7, bar), "....................");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bar),
		cmocka_unit_test(test_out_clean_attacks),
		cmocka_unit_test(test_out_clean_colours),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
