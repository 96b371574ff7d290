#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "routes.h"
#include "str.h"

static void
matches(const char *pattern, const char *path, const char *first,
    const char *second)
{
	char *params[HTTP_PARAMS];

	assert_true(routes_match(pattern, path, params));
	assert_true(str_eq(params[0], first));
	assert_true(str_eq(params[1], second));
	free(params[0]);
	free(params[1]);
}

/* A path reaches its own handler, with the segments that it names. */
static void
test_routes_match(void **unused)
{
	static const struct { const char *pattern, *path; } no[] = {
		{ "/", "" }, { "/", "/x" }, { "/a/{id}", "/a/" },
		{ "/a/{id}", "/a" }, { "/a/{id}", "/a/b/" },
		{ "/a/{id}", "/a/b/c" }, { "/a/{id}/c", "/a//c" },
		{ "/a/{id}/c", "/a/b/d" }, { "/a", "/a/" }, { "/a/", "/a" },
	};
	char *params[HTTP_PARAMS];
	size_t i;

	(void)unused;
	matches("/", "/", NULL, NULL);
	matches("/api/hosts/{id}", "/api/hosts/a b", "a b", NULL);
	matches("/a/{x}/b/{y}", "/a/1/b/2", "1", "2");
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		assert_false(routes_match(no[i].pattern, no[i].path, params));
		assert_null(params[0]);
	}
}

/* Nothing that changes something is open to strangers, but the login. */
static void
test_routes_protected(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < routes_count; i++) {
		const struct route *r = &routes_table[i];

		if (r->method == HTTP_GET || !(r->flags & ROUTE_PUBLIC))
			continue;
		assert_non_null(strstr(r->path, "login"));
	}
}

/* No row is hidden behind another one. */
static void
test_routes_distinct(void **unused)
{
	char *params[HTTP_PARAMS];
	size_t i, j;

	(void)unused;
	for (i = 0; i < routes_count; i++)
		for (j = 0; j < i; j++) {
			if (routes_table[i].method != routes_table[j].method)
				continue;
			assert_false(routes_match(routes_table[j].path,
			    routes_table[i].path, params));
		}
}

/* The document lists every row that is not for people only. */
static void
test_routes_openapi(void **unused)
{
	json_t *doc = routes_openapi(), *paths, *item, *op;
	const char *path, *method;
	size_t n = 0, want = 0, i;

	(void)unused;
	paths = json_object_get(doc, "paths");
	json_object_foreach(paths, path, item)
		json_object_foreach(item, method, op)
			n++;
	json_decref(doc);
	for (i = 0; i < routes_count; i++)
		want += !(routes_table[i].flags & ROUTE_PAGE);
	assert_int_equal(n, want);
	assert_int_equal(routes_body_max(HTTP_POST, "/none"),
	    routes_body_max(HTTP_GET, "/api/hosts"));
	assert_true(routes_body_max(HTTP_POST, "/api/dispatch") >
	    routes_body_max(HTTP_POST, "/api/hosts"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_match),
		cmocka_unit_test(test_routes_protected),
		cmocka_unit_test(test_routes_distinct),
		cmocka_unit_test(test_routes_openapi),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
