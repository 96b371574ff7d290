#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "scratch.h"
#include "settings.h"
#include "settings_file.h"
#include "str.h"

static struct settings *
load(unsigned program, const char *const *env)
{
	struct settings *s = NULL;
	struct err e;

	if (settings_load(program, env, &s, &e) == -1)
		fail_msg("%s", e.text);
	return (s);
}

#define LOAD(program, ...) \
	load((program), (const char *const[]){ __VA_ARGS__, NULL })

static void
check_bad(const char *const *env, const char *want)
{
	struct settings *s = NULL;
	struct err e;

	assert_int_equal(settings_load(SETTINGS_AGENT, env, &s, &e), -1);
	assert_null(s);
	assert_int_equal(e.code, ERR_INPUT);
	if (strstr(e.text, want) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, want);
}

#define BAD(want, ...) \
	check_bad((const char *const[]){ __VA_ARGS__, NULL }, (want))

/* The table is complete and consistent: every program reads it. */
static void
test_settings_table(void **unused)
{
	struct settings *s;

	(void)unused;
	for (int i = 0; i < SET_COUNT; i++) {
		const struct setting_def *d = &settings_table[i];

		assert_non_null(d->name);
		assert_true(str_prefix(d->name, "NIXFLEET_"));
		assert_true(d->programs != 0);
		assert_true(strlen(d->help) > 10);
		assert_true(!str_suffix(d->help, ".") ||
		    str_suffix(d->help, "..."));
		assert_true((d->words != NULL) == (d->type == SETTING_WORD));
		assert_true(d->type != SETTING_INT || d->min < d->max);
		assert_true(d->type != SETTING_SECONDS || d->min < d->max);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(d->name,
			    settings_table[j].name);
	}
	s = LOAD(SETTINGS_AGENT | SETTINGS_HUB | SETTINGS_CLI, "HOME=/");
	assert_string_equal(settings_str(s, SET_BRANCH), "main");
	assert_int_equal(settings_int(s, SET_INTERVAL), 5);
	assert_int_equal(settings_int(s, SET_RATE_WINDOW), 60);
	assert_int_equal(settings_int(s, SET_SESSION_DURATION), 86400);
	assert_true(settings_bool(s, SET_ALLOW_SHARED_TOKEN));
	assert_null(settings_str(s, SET_URL));
	assert_string_equal(settings_origin(s, SET_URL), "unset");
	assert_string_equal(settings_origin(s, SET_BRANCH), "default");
	settings_free(&s);
	assert_null(s);
	settings_free(&s);
}

/* What users of NixFleet v3 have in their environment goes on working. */
static void
test_settings_v3(void **unused)
{
	struct settings *s = LOAD(SETTINGS_HUB, "NIXFLEET_LISTEN=:8000",
	    "NIXFLEET_SESSION_DURATION=24h0m0s", "NIXFLEET_RATE_WINDOW=1m30s",
	    "NIXFLEET_SESSION_SECRET=hidden", "NIXFLEET_GITHUB_REPO=a/b",
	    "NIXFLEET_BRANCH=", "NIXFLEET_INTERVAL=nonsense of the agent",
	    "PATH=/bin", "no equals sign");
	const char *const *w = settings_warnings(s);

	(void)unused;
	assert_string_equal(settings_str(s, SET_LISTEN), ":8000");
	assert_int_equal(settings_int(s, SET_SESSION_DURATION), 86400);
	assert_int_equal(settings_int(s, SET_RATE_WINDOW), 90);
	assert_string_equal(settings_str(s, SET_BRANCH), "main");
	assert_non_null(w[0]);
	assert_non_null(strstr(w[0], "NIXFLEET_SESSION_SECRET"));
	assert_null(strstr(w[0], "hidden"));
	assert_non_null(strstr(w[1], "NIXFLEET_GITHUB_REPO"));
	assert_null(w[2]);
	settings_free(&s);
	s = LOAD(SETTINGS_AGENT, "NIXFLEET_NIXCFG=/home/me/nixcfg");
	assert_non_null(strstr(settings_warnings(s)[0], "deprecated"));
	settings_free(&s);
}

/* Each kind of value: what is wrong is answered with what is allowed. */
static void
test_settings_bad_values(void **unused)
{
	(void)unused;
	BAD("NIXFLEET_INTERVAL (environment): must be a time (such as 90, 90s, "
	    "5m, 1h30m) from 1s to 1h, not \"0\"", "NIXFLEET_INTERVAL=0");
	BAD("not \"5x\"", "NIXFLEET_INTERVAL=5x");
	BAD("not \"s\"", "NIXFLEET_INTERVAL=s");
	BAD("not \"99999999999h\"", "NIXFLEET_INTERVAL=99999999999h");
	BAD("a whole number from 10 to 100000", "NIXFLEET_JOURNAL_KEEP=9");
	BAD("one of debug, info, warn, error, not \"warning\" "
	    "(did you mean warn?)", "NIXFLEET_LOG_LEVEL=warning");
	BAD("true or false, not \"maybe\"",
	    "NIXFLEET_ALLOW_INSECURE_HTTP=maybe");
	BAD("an address such as https://HOST", "NIXFLEET_URL=fleet.example");
	BAD("an address such as https://HOST", "NIXFLEET_URL=https:///x");
	BAD("an absolute path, not \"~/key\"", "NIXFLEET_SSH_KEY=~/key");
	BAD("NIXFLEET_THEME_COLOR (environment): must be a colour as #rgb or "
	    "#rrggbb, not \"blue\"", "NIXFLEET_THEME_COLOR=blue");
	BAD("NIXFLEET_THEME_COLOR", "NIXFLEET_THEME_COLOR=#12345");
	BAD("NIXFLEET_THEME_COLOR", "NIXFLEET_THEME_COLOR=#12345g");
	BAD("control characters", "NIXFLEET_HOSTNAME=a\nb");
}

/* A secret is never shown, not even when it is wrong. */
static void
test_settings_secret_hidden(void **unused)
{
	struct settings *s = NULL;
	struct err e;
	const char *const env[] = { "NIXFLEET_TOKEN=sec\x01ret", NULL };

	(void)unused;
	assert_int_equal(settings_load(SETTINGS_AGENT, env, &s, &e), -1);
	assert_non_null(strstr(e.text, "NIXFLEET_TOKEN"));
	assert_null(strstr(e.text, "sec"));
}

/* All faults at once, a line each; typing errors with the right name. */
static void
test_settings_all_at_once(void **unused)
{
	const char *many[201];
	struct settings *s = NULL;
	struct err e;

	(void)unused;
	BAD("NIXFLEET_URLL (environment): there is no such setting; did you "
	    "mean NIXFLEET_URL?\nNIXFLEET_XYZZY_PLUGH (environment): there is "
	    "no such setting\nNIXFLEET_INTERVAL",
	    "NIXFLEET_URLL=x", "NIXFLEET_XYZZY_PLUGH=", "NIXFLEET_INTERVAL=-1");
	for (int i = 0; i < 200; i++)
		many[i] = "NIXFLEET_XYZZY_PLUGH=1";
	many[200] = NULL;
	assert_int_equal(settings_load(SETTINGS_AGENT, many, &s, &e), -1);
	assert_non_null(strstr(e.text, " more)"));
	assert_true(strlen(e.text) < ERR_TEXT - 1);
}

/* The file as systemd reads it, with line numbers; the environment wins. */
static void
test_settings_file(void **unused)
{
	char env[300];
	const char *path = scratch_file("conf", "# comment\n"
	    "NIXFLEET_BRANCH = prod  \n"
	    "; NIXFLEET_BRANCH=no\n\n"
	    "NIXFLEET_HOSTNAME=\"h1\"\n"
	    "NIXFLEET_REPO_URL='ssh://git@x/a b.git'\n"
	    "NIXFLEET_INTERVAL=7\nNIXFLEET_INTERVAL=9\nOTHER=1");
	char origin[300];
	struct settings *s;

	(void)unused;
	snprintf(env, sizeof(env), "NIXFLEET_CONFIG=%s", path);
	s = LOAD(SETTINGS_AGENT, "NIXFLEET_HOSTNAME=h2", env,
	    "NIXFLEET_REPO_URL=");
	assert_string_equal(settings_str(s, SET_BRANCH), "prod");
	assert_string_equal(settings_str(s, SET_HOSTNAME), "h2");
	assert_string_equal(settings_origin(s, SET_HOSTNAME), "environment");
	assert_string_equal(settings_str(s, SET_REPO_URL),
	    "ssh://git@x/a b.git");
	assert_int_equal(settings_int(s, SET_INTERVAL), 9);
	snprintf(origin, sizeof(origin), "%s:8", path);
	assert_string_equal(settings_origin(s, SET_INTERVAL), origin);
	settings_free(&s);
}

/* Faults of a file carry its name and line. */
static void
test_settings_file_bad(void **unused)
{
	char env[300], want[300];
	const char *path = scratch_file("conf",
	    "NIXFLEET_BRANCH=x\nNIXFLEET_INTERVAL=99999\n");

	(void)unused;
	snprintf(env, sizeof(env), "NIXFLEET_CONFIG=%s", path);
	snprintf(want, sizeof(want), "NIXFLEET_INTERVAL (%s:2)", path);
	BAD(want, env);
	scratch_file("conf", "NIXFLEET_BRANCH=x\nsecret words\n");
	BAD("line 2 is not NAME=value", env);
	scratch_file("conf", "NIXFLEET_BRANCH=\"x\n\n");
	BAD("the quote in line 1 is never closed", env);
	BAD("No such file", "NIXFLEET_CONFIG=/nonexistent");
}

static void
on_pair(void *cookie, int line, const char *name, const char *value)
{
	buf_addf(cookie, "%d:%s=[%s]\n", line, name, value);
}

/* The corners of systemd's syntax. */
static void
test_settings_file_syntax(void **unused)
{
	static const char text[] = "A=1 2  \r\n"
	    "B=\"x \\\"q\\\" \\\\ \\$ \\n\"  \n"
	    "  C='a\\b \"'\n"
	    "D=a\\\nb\n"
	    "#c\\\nE=in the comment\n"
	    "F=\"two\nlines\"\n"
	    "G=\nH=a'b' \"c\"\n"
	    "I=\"a\"'b'c\n"
	    "J=x\\ ";
	struct buf b = { 0 };
	struct err e;

	(void)unused;
	assert_int_equal(settings_file_parse(text, sizeof(text) - 1, on_pair,
	    &b, &e), 0);
	assert_string_equal(b.data, "1:A=[1 2]\n"
	    "2:B=[x \"q\" \\ $ \\n]\n"
	    "3:C=[a\\b \"]\n"
	    "4:D=[ab]\n"
	    "8:F=[two\nlines]\n"
	    "10:G=[]\n11:H=[a'b' \"c\"]\n"
	    "12:I=[abc]\n"
	    "13:J=[x ]\n");
	buf_free(&b);
	assert_int_equal(settings_file_parse("A=b\0c\n", 6, on_pair, &b, &e),
	    -1);
	assert_int_equal(settings_file_parse("=x\n", 3, on_pair, &b, &e), -1);
	assert_int_equal(settings_file_parse("A B=x\n", 6, on_pair, &b, &e),
	    -1);
	assert_int_equal(settings_file_parse("", 0, on_pair, &b, &e), 0);
	buf_free(&b);
}

static int
secret(const char *text, char **out, struct err *e)
{
	char env[300];
	struct settings *s;
	int rc;

	snprintf(env, sizeof(env), "NIXFLEET_TOKEN_FILE=%s",
	    scratch_file("token", text));
	s = LOAD(SETTINGS_AGENT, env);
	*out = NULL;
	rc = settings_secret(s, SET_TOKEN, SET_TOKEN_FILE, out, e);
	settings_free(&s);
	return (rc);
}

static void
check_secret(const char *text, const char *want)
{
	struct err e;
	char *got;

	if (secret(text, &got, &e) == -1)
		fail_msg("%s", e.text);
	assert_string_equal(got, want);
	str_wipefree(&got);
}

static void
check_no_secret(const char *text, const char *want)
{
	struct err e;
	char *got;

	assert_int_equal(secret(text, &got, &e), -1);
	assert_null(got);
	assert_non_null(strstr(e.text, want));
	assert_non_null(strstr(e.text, "NIXFLEET_TOKEN_FILE (environment)"));
	assert_null(strstr(e.text, "s3cr3t"));
}

/* Token files of both traditions work: bare, and as an EnvironmentFile. */
static void
test_settings_secret(void **unused)
{
	struct settings *s;
	struct err e;
	char *out;

	(void)unused;
	check_secret("s3cr3t", "s3cr3t");
	check_secret("  s3cr3t\r\n", "s3cr3t");
	check_secret("s3cr3t=NIXFLEET_", "s3cr3t=NIXFLEET_");
	check_secret("NIXFLEET_TOKEN=s3cr3t\n", "s3cr3t");
	check_secret("# mine\nNIXFLEET_URL=https://x\n"
	    "NIXFLEET_TOKEN=\"s3 cr3t\"\n", "s3 cr3t");
	check_no_secret("", "is empty");
	check_no_secret(" \n\n", "is empty");
	check_no_secret("s3cr3t\ntwo\n", "more than one line");
	check_no_secret("NIXFLEET_TOKEN=\n", "does not set NIXFLEET_TOKEN");
	check_no_secret("NIXFLEET_AGENT_TOKEN=s3cr3t\n",
	    "does not set NIXFLEET_TOKEN");
	check_no_secret("NIXFLEET_TOKEN='s3cr3t\n", "never closed");
	s = LOAD(SETTINGS_AGENT, "NIXFLEET_TOKEN=direct",
	    "NIXFLEET_TOKEN_FILE=/nonexistent");
	assert_int_equal(settings_secret(s, SET_TOKEN, SET_TOKEN_FILE, &out,
	    &e), 0);
	assert_string_equal(out, "direct");
	str_wipefree(&out);
	settings_free(&s);
	s = LOAD(SETTINGS_AGENT, "A=b");
	assert_int_equal(settings_secret(s, SET_TOKEN, SET_TOKEN_FILE, &out,
	    &e), 0);
	assert_null(out);
	settings_free(&s);
	s = LOAD(SETTINGS_AGENT, "NIXFLEET_TOKEN_FILE=/nonexistent");
	assert_int_equal(settings_secret(s, SET_TOKEN, SET_TOKEN_FILE, &out,
	    &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	settings_free(&s);
}

/* --check and --help show every setting and no secret. */
static void
test_settings_print(void **unused)
{
	struct settings *s = LOAD(SETTINGS_AGENT, "NIXFLEET_TOKEN=s3cr3t",
	    "NIXFLEET_HOSTNAME=h1");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)unused;
	settings_explain(s, f);
	settings_help(SETTINGS_AGENT, f);
	fclose(f);
	assert_null(strstr(text, "s3cr3t"));
	assert_non_null(strstr(text, "NIXFLEET_HOSTNAME"));
	assert_non_null(strstr(text, "(default: main)"));
	assert_null(strstr(text, "NIXFLEET_PASSWORD_HASH"));
	free(text);
	settings_free(&s);
}

/* Settings of a service: later ones win, and each keeps its place. */
static void
test_settings_given(void **unused)
{
	static const struct settings_given given[] = {
		{ "NIXFLEET_BRANCH", "one", "a.service:1" },
		{ "NIXFLEET_BRANCH", "two", "a.service:2" },
		{ "PATH", "/bin", "a.service:3" },
	}, wrong[] = { { "NIXFLEET_INTERVAL", "0", "a.service:7" } };
	struct settings *set;
	struct err e;

	(void)unused;
	assert_int_equal(settings_load_given(SETTINGS_AGENT, given, 3, &set,
	    &e), 0);
	assert_string_equal(settings_str(set, SET_BRANCH), "two");
	assert_string_equal(settings_origin(set, SET_BRANCH), "a.service:2");
	settings_free(&set);
	assert_int_equal(settings_load_given(SETTINGS_AGENT, wrong, 1, &set,
	    &e), -1);
	assert_non_null(strstr(e.text, "a.service:7"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_table),
		cmocka_unit_test(test_settings_v3),
		cmocka_unit_test(test_settings_bad_values),
		cmocka_unit_test(test_settings_secret_hidden),
		cmocka_unit_test(test_settings_all_at_once),
		cmocka_unit_test(test_settings_file),
		cmocka_unit_test(test_settings_file_bad),
		cmocka_unit_test(test_settings_file_syntax),
		cmocka_unit_test(test_settings_secret),
		cmocka_unit_test(test_settings_print),
		cmocka_unit_test(test_settings_given),
	};
	int rc;

	scratch_begin();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_end();
	return (rc);
}
