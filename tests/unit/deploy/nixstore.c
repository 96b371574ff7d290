#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nixstore.h"

#define HASH "1k6p9bn2603v8ckjdhfww94xvl1al0mw"

/* Nothing but a whole store path passes: it is what root will execute. */
static void
test_valid(void **state)
{
	static const char *const good[] = {
		"/nix/store/" HASH "-hello-1.0",
		"/nix/store/" HASH "-a+b.c_d?e=f",
	};
	static const char *const bad[] = {
		"", "/", "hello", "/nix/store", "/nix/store/",
		"/nix/store/" HASH, "/nix/store/" HASH "-",
		"/nix/store/" HASH "-a/bin", "/nix/store/" HASH "-a/",
		"/nix/store/../store/" HASH "-a", "/tmp/" HASH "-a",
		"/nix/store/" HASH "-a b", "/nix/store/" HASH "-a\n",
		"/nix/store//" HASH "-a",
		"/nix/store/ek6p9bn2603v8ckjdhfww94xvl1al0mw-a",
		"/nix/store/k6p9bn2603v8ckjdhfww94xvl1al0mw-a",
		"/nix/storex/" HASH "-a",
	};
	size_t i;

	(void)state;
	unsetenv("NIX_STORE_DIR");
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(nixstore_valid(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(nixstore_valid(bad[i]));
	setenv("NIX_STORE_DIR", "/tmp/st/", 1);
	assert_true(nixstore_valid("/tmp/st/" HASH "-a"));
	assert_false(nixstore_valid("/nix/store/" HASH "-a"));
	unsetenv("NIX_STORE_DIR");
}

/* Names for people. */
static void
test_name(void **state)
{
	(void)state;
	assert_string_equal(nixstore_name("/nix/store/" HASH "-hello-1"),
	    "hello-1");
	assert_string_equal(nixstore_name("/x/y"), "y");
	assert_string_equal(nixstore_name(""), "");
}

/* A link that poses as a store path is none. */
static void
test_check(void **state)
{
	char dir[] = "/tmp/nixfleet-store-XXXXXX", path[128];
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("NIX_STORE_DIR", dir, 1);
	snprintf(path, sizeof(path), "%s/" HASH "-a", dir);
	assert_int_equal(nixstore_check(path, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(nixstore_check(path, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	unlink(path);
	rmdir(dir);
	unsetenv("NIX_STORE_DIR");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_check),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
