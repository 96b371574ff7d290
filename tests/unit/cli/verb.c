#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "file.h"
#include "option.h"
#include "str.h"
#include "verb.h"
#include "wire_op.h"

static struct verb_call call;
static const char *words[16];
static enum option_wish wish;
static struct err e;

static int
parse(const char *const *args)
{
	static char text[16][64];
	char *argv[16];
	int argc = 1;

	argv[0] = text[0];
	for (; *args != NULL; args++, argc++) {
		strcpy(text[argc], *args);
		argv[argc] = text[argc];
	}
	call = (struct verb_call){ 0 };
	return (option_parse(argc, argv, &call, words, &wish, &e));
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

/* Options may stand anywhere, in each of their forms. */
static void
test_option_parse(void **unused)
{
	(void)unused;
	assert_int_equal(PARSE("--json", "run", "-a", "update", "--inputs=a,b",
	    "--limit", "7", "--totp", "-1", "h1", "-"), 0);
	assert_int_equal(call.options, OPTION_JSON | OPTION_ALL |
	    OPTION_INPUTS | OPTION_LIMIT | OPTION_TOTP);
	assert_int_equal(call.nargs, 4);
	assert_string_equal(words[0], "run");
	assert_string_equal(words[3], "-");
	assert_string_equal(call.inputs, "a,b");
	assert_string_equal(call.totp, "-1");
	assert_int_equal(call.limit, 7);
	assert_int_equal(PARSE("logs", "--", "--json"), 0);
	assert_int_equal(call.nargs, 2);
	assert_int_equal(call.options, 0);
	assert_int_equal(PARSE("run", "-h"), 0);
	assert_int_equal(wish, OPTION_HELP);
}

static void
check_bad(const char *const *args, const char *want)
{
	assert_int_equal(parse(args), -1);
	assert_int_equal(e.code, ERR_INPUT);
	if (strstr(e.text, want) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, want);
}

#define BAD(want, ...) \
	check_bad((const char *const[]){ __VA_ARGS__, NULL }, (want))

/* Misuse is answered with what is right. */
static void
test_option_bad(void **unused)
{
	(void)unused;
	BAD("did you mean --follow?", "--folow");
	BAD("no option -x", "-x");
	BAD("no option -jf", "-jf");
	BAD("--json takes no value", "--json=yes");
	BAD("--totp needs a value: CODE", "--totp");
	BAD("from 1 to 500, not \"0\"", "--limit=0");
	BAD("not \"many\"", "-n", "many");
	assert_string_equal(option_refused(OPTION_JSON | OPTION_DRY,
	    OPTION_JSON), "dry");
	assert_null(option_refused(OPTION_JSON, OPTION_JSON | OPTION_DRY));
}

/* Two words first: "repo verify" is not "repo" with an argument. */
static void
test_verb_find(void **unused)
{
	static const char *const repo[] = { "repo", "verify", "x" };
	static const char *const logs[] = { "logs", "verify" };
	static const char *const slip[] = { "repo", "verfy" };
	static const char *const wrong[] = { "swtich" };
	size_t n;

	(void)unused;
	assert_string_equal(verb_find(repo, 3, &n)->name, "repo verify");
	assert_int_equal(n, 2);
	assert_string_equal(verb_find(logs, 2, &n)->name, "logs");
	assert_int_equal(n, 1);
	assert_null(verb_find(repo, 1, &n));
	assert_null(verb_find(NULL, 0, &n));
	assert_string_equal(verb_nearest(slip, 2), "repo verify");
	assert_string_equal(verb_nearest(wrong, 1), "switch");
}

/* The table is consistent with the operations that exist. */
static void
test_verb_table(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verb_table[i];

		assert_non_null(v->run);
		assert_true(v->min <= v->max);
		assert_true(strlen(verb_help(v)) > 5 &&
		    !str_suffix(verb_help(v), "."));
		if (v->op != NULL)
			assert_non_null(wire_op_find(v->op));
	}
}

/* The manual page has every verb, option and setting, under its name. */
static void
test_verb_manual(void **unused)
{
	struct buf page = { 0 };
	char name[128];
	struct err err;

	(void)unused;
	if (file_read(MANUAL, 1 << 20, &page, &err) == -1)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < verb_count; i++) {
		snprintf(name, sizeof(name), "\n*%s*", verb_table[i].name);
		if (strstr(page.data, name) == NULL)
			fail_msg("the verb %s is missing", name + 1);
	}
	for (size_t i = 0; i < option_count; i++) {
		snprintf(name, sizeof(name), "*--%s*", option_table[i].name);
		if (strstr(page.data, name) == NULL)
			fail_msg("the option %s is missing", name);
	}
	for (int i = 0; i < wire_op_count; i++) {
		snprintf(name, sizeof(name), "*%s*", wire_op_table[i].name);
		if (strstr(page.data, name) == NULL)
			fail_msg("the operation %s is missing", name);
	}
	for (int i = 0; i < SET_COUNT; i++) {
		snprintf(name, sizeof(name), "*%s*", settings_table[i].name);
		if ((settings_table[i].programs & SETTINGS_CLI) &&
		    strstr(page.data, name) == NULL)
			fail_msg("the setting %s is missing", name);
	}
	buf_free(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option_parse),
		cmocka_unit_test(test_option_bad),
		cmocka_unit_test(test_verb_find),
		cmocka_unit_test(test_verb_table),
		cmocka_unit_test(test_verb_manual),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
