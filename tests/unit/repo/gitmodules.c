#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gitmodules.h"
#include "str.h"

#define TEXT(s) s, sizeof(s) - 1

/* Path and URL belong together by name, which may hold dots. */
static void
test_gitmodules_url(void **state)
{
	static const char text[] = "core.bare\nfalse\0"
	    "submodule.a.b.path\nlib\0submodule.a.b.url\n../old\0"
	    "submodule.a.path\nother\0submodule.a.url\n../other\0"
	    "submodule.a.b.url\nssh://h/new\0submodule.novalue\0"
	    "submodule.x.path\ntwice\0submodule.y.path\ntwice\0"
	    "submodule.x.url\n../x\0submodule.z.path\nbare\0";
	static const struct {
		const char *path, *url;
	} rows[] = { { "lib", "ssh://h/new" }, { "other", "../other" },
		{ "twice", NULL }, { "bare", NULL }, { "none", NULL },
		{ "", NULL } };
	char *url;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		url = gitmodules_url(TEXT(text), rows[i].path);
		assert_true(str_eq(url, rows[i].url));
		free(url);
	}
	assert_null(gitmodules_url(TEXT("submodule.path\nlib\0"), "lib"));
	assert_null(gitmodules_url(TEXT("submodule.a.path\nlib"), "lib"));
	assert_null(gitmodules_url("", 0, "lib"));
}

/* Relative URLs end where git's do, and never on another server. */
static void
test_gitmodules_resolve(void **state)
{
	static const struct {
		const char *base, *url, *want;
	} rows[] = {
		{ "ssh://git@h:22/a/b.git", "../c.git",
		    "ssh://git@h:22/a/c.git" },
		{ "ssh://h/a/b.git/", "./in", "ssh://h/a/b.git/in" },
		{ "https://h/a/b", "../../c", "https://h/c" },
		{ "https://h/a/b", "../../../c", NULL },
		{ "https://h", "../c", NULL },
		{ "git@h:a/b.git", "../c", "git@h:a/c" },
		{ "git@h:b.git", "../c", "git@h:c" },
		{ "git@h:b.git", "../../c", NULL },
		{ "[::1]:a/b", "../c", "[::1]:a/c" },
		{ "file:///srv/a", ".././/c", "file:///srv/c" },
		{ "/srv/a", "../c", "/srv/c" },
		{ "/srv/a", "../../../c", NULL },
		{ "/srv/a", "../", NULL },
		{ "/srv/a", "./", NULL },
		{ "https://h/a", "https://other/x", "https://other/x" },
		{ "https://h/a", "ext::sh", "ext::sh" },
	};
	struct err e;
	char *url;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		url = gitmodules_resolve(rows[i].base, rows[i].url, &e);
		if (!str_eq(url, rows[i].want))
			fail_msg("%s + %s: %s", rows[i].base, rows[i].url,
			    url != NULL ? url : "refused");
		free(url);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gitmodules_url),
		cmocka_unit_test(test_gitmodules_resolve),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
