#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "remote.h"
#include "str.h"

/* Every form that git clones is understood the way git understands it. */
static void
test_remote_forms(void **state)
{
	static const struct {
		const char *url;
		enum remote_proto proto;
		const char *host;
		int port;
		const char *path;
	} rows[] = {
		{ "ssh://git@h.example:2222/a/b.git", REMOTE_SSH, "h.example",
		    2222, "/a/b.git" },
		{ "git@h.example:a/b.git", REMOTE_SSH, "h.example", 0,
		    "a/b.git" },
		{ "h:a", REMOTE_SSH, "h", 0, "a" },
		{ "[::1]:a", REMOTE_SSH, "::1", 0, "a" },
		{ "https://h/a", REMOTE_HTTPS, "h", 0, "/a" },
		{ "https://me@h:8443/a", REMOTE_HTTPS, "h", 8443, "/a" },
		{ "http://[::1]:80/a", REMOTE_HTTP, "::1", 80, "/a" },
		{ "git://h/a", REMOTE_GIT, "h", 0, "/a" },
		{ "file:///a%20b", REMOTE_FILE, NULL, 0, "/a b" },
		{ "/srv/git/a", REMOTE_FILE, NULL, 0, "/srv/git/a" },
	};
	struct remote r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(remote_parse(rows[i].url, &r, &e), 0);
		assert_int_equal(r.proto, rows[i].proto);
		assert_true(str_eq(r.host, rows[i].host));
		assert_int_equal(r.port, rows[i].port);
		assert_string_equal(r.path, rows[i].path);
		remote_done(&r);
	}
}

/* What git would run, or what holds a password, never gets to git. */
static void
test_remote_refused(void **state)
{
	static const char *const bad[] = { "", "x", "ext::sh -c id", "a::b",
		"-oX:y", "ftp://h/a", "https://u:p@h/a", "./a",
		"a/b:c", "file://h/a", "https:///a", "https://h:0/a",
		"https://h:70000/a", "ssh://-oX/a", "https://h\n/a", "h:" };
	struct remote r = { .port = 7 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(remote_parse(bad[i], &r, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		assert_int_equal(r.port, 7);
	}
}

/* Plain http may carry a token to this machine only. */
static void
test_remote_loopback(void **state)
{
	static const struct {
		const char *url;
		bool yes;
	} rows[] = { { "http://localhost/a", true }, { "http://[::1]/a", true },
		{ "http://127.0.0.1:80/a", true }, { "http://h/a", false },
		{ "http://localhost.example/a", false } };
	struct remote r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(remote_parse(rows[i].url, &r, NULL), 0);
		assert_int_equal(remote_loopback(&r), rows[i].yes);
		remote_done(&r);
	}
}

/* The rules of git-check-ref-format. */
static void
test_remote_branch(void **state)
{
	static const char *const good[] = { "main", "a/b/c", "v1.2", "ünï",
		"a-b_c", "x@y" };
	static const char *const bad[] = { "", "-a", "a..b", "a b", "a.lock",
		"a.lock/b", "/a", "a/", "a//b", "@", "a@{b", ".a", "a/.b",
		"a\\b", "a:b", "a?b", "a\tb", "a." };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(remote_branch_check(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(remote_branch_check(bad[i], NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remote_forms),
		cmocka_unit_test(test_remote_refused),
		cmocka_unit_test(test_remote_loopback),
		cmocka_unit_test(test_remote_branch),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
