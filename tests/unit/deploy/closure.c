#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "buf.h"
#include "closure.h"
#include "str.h"

#define H1 "/nix/store/00000000000000000000000000000000-"
#define H2 "/nix/store/11111111111111111111111111111111-"

static void
split_is(const char *text, const char *name, const char *version)
{
	char *v, *n = str_ndup(text, closure_split(text, &v));

	assert_string_equal(n, name);
	assert_string_equal(v, version);
	free(n);
	free(v);
}

/* Names and versions come apart as people expect. */
static void
test_split(void **state)
{
	(void)state;
	split_is("hello-2.12", "hello", "2.12");
	split_is("hello-2.12-man", "hello", "2.12");
	split_is("gcc-13.2.0-lib", "gcc", "13.2.0");
	split_is("unit-dbus.service", "unit-dbus.service", "");
	split_is("nixos-system-h1-24.05.20240101.abc",
	    "nixos-system-h1", "24.05.20240101.abc");
	split_is("source", "source", "");
	split_is("", "", "");
	split_is("-", "-", "");
}

static json_int_t
count(const json_t *d, const char *key)
{
	const json_t *v = json_object_get(d, key);

	return (json_is_array(v) ? (json_int_t)json_array_size(v) :
	    json_integer_value(v));
}

/* Added, removed, changed and rebuilt are told apart; bytes add up. */
static void
test_diff(void **state)
{
	struct closure a, b;
	const json_t *c;
	json_t *d;
	size_t i;

	(void)state;
	closure_parse(H1 "hello-1\n" H1 "gone-3\n" H1 "same-1\n"
	    H1 "etc\n" H1 "two-1\n" H1 "two-2\n", &a);
	closure_parse(H2 "hello-2\n" H2 "new-1\n" H1 "same-1\n"
	    H2 "etc\n" H1 "two-1\n" H2 "two-3\n" H2 "hello-2-man", &b);
	for (i = 0; i < a.n; i++)
		a.paths[i].size = 10;
	for (i = 0; i < b.n; i++)
		b.paths[i].size = 100;
	d = closure_diff(&a, &b);
	assert_int_equal(count(d, "added"), 1);
	assert_int_equal(count(d, "removed"), 1);
	assert_int_equal(count(d, "changed"), 2);
	assert_int_equal(count(d, "rebuilt"), 1);
	assert_int_equal(count(d, "bytes"), 5 * 100 - 4 * 10);
	assert_int_equal(count(d, "size"), 700);
	c = json_array_get(json_object_get(d, "changed"), 0);
	assert_string_equal(json_string_value(json_object_get(c, "name")),
	    "hello");
	assert_string_equal(json_string_value(json_object_get(c, "from")),
	    "1");
	assert_string_equal(json_string_value(json_object_get(c, "to")), "2");
	json_decref(d);
	closure_free(&a);
	closure_free(&b);
}

/* A huge difference is cut, and says by how much. */
static void
test_cut(void **state)
{
	struct closure none = { 0 }, many;
	struct buf b = { 0 };
	json_t *d;
	int i;

	(void)state;
	for (i = 0; i < 500; i++)
		buf_addf(&b, H1 "p%d-1\n", i);
	closure_parse(b.data, &many);
	d = closure_diff(&none, &many);
	assert_int_equal(count(d, "added"), 200);
	assert_int_equal(count(d, "cut"), 300);
	json_decref(d);
	closure_free(&many);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
