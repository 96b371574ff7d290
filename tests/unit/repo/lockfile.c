#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "flake.h"
#include "lockfile.h"

static const char before[] = "{\"nodes\":{"
    "\"hm\":{\"inputs\":{\"nixpkgs\":[\"nixpkgs\"],\"x\":\"x\"},"
    "\"locked\":{\"rev\":\"1111111111111111\",\"lastModified\":86400}},"
    "\"nixpkgs\":{\"locked\":{\"rev\":\"2222222222222222\"}},"
    "\"x\":{\"locked\":{\"narHash\":\"sha256-a\"}},"
    "\"root\":{\"inputs\":{\"home-manager\":\"hm\","
    "\"nixpkgs\":\"nixpkgs\"}}},\"root\":\"root\",\"version\":7}";

/* Inputs are named by their path; what follows another has no lock. */
static void
test_lockfile_parse(void **state)
{
	struct lockfile lf;

	(void)state;
	assert_int_equal(lockfile_parse(before, strlen(before), &lf, NULL), 0);
	assert_int_equal(lf.n, 3);
	assert_string_equal(lf.inputs[0].name, "home-manager");
	assert_int_equal(lf.inputs[0].time, 86400);
	assert_string_equal(lf.inputs[1].name, "home-manager/x");
	assert_string_equal(lf.inputs[1].rev, "sha256-a");
	assert_string_equal(lf.inputs[2].name, "nixpkgs");
	lockfile_free(&lf);
	assert_int_equal(lockfile_parse("", 0, &lf, NULL), 0);
	assert_int_equal(lf.n, 0);
}

/* A file that nix did not write is an error, and a cycle comes to an end. */
static void
test_lockfile_hostile(void **state)
{
	static const char *const bad[] = { "x", "[]", "{}",
		"{\"nodes\":[],\"root\":\"r\"}", "{\"nodes\":{\"root\":1}}" };
	static const char cycle[] = "{\"nodes\":{\"root\":{\"inputs\":"
	    "{\"a\":\"root\",\"b\":\"root\",\"c\":\"root\"}}}}";
	struct lockfile lf;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(lockfile_parse(bad[i], strlen(bad[i]), &lf,
		    &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
	}
	assert_int_equal(lockfile_parse(cycle, strlen(cycle), &lf, &e), 0);
	assert_in_range(lf.n, 1, 2000);
	lockfile_free(&lf);
}

/* What moved, came and went is told apart, and the commit says it. */
static void
test_lockfile_diff(void **state)
{
	static const char after[] = "{\"nodes\":{"
	    "\"nixpkgs\":{\"locked\":{\"rev\":\"3333333333333333\","
	    "\"lastModified\":172800}},\"new\":{\"locked\":{\"rev\":\"4\"}},"
	    "\"root\":{\"inputs\":{\"new\":\"new\",\"nixpkgs\":\"nixpkgs\"}}},"
	    "\"root\":\"root\"}";
	struct repo_update u = { 0 };
	char *text;

	(void)state;
	assert_int_equal(flake_diff(before, strlen(before), after,
	    strlen(after), &u, NULL), 0);
	assert_int_equal(u.nmoved, 4);
	text = flake_message(&u);
	assert_string_equal(text,
	    "flake.lock: update home-manager, home-manager/x, new, nixpkgs\n\n"
	    "* home-manager: 111111111111 (1970-01-02) -> none\n"
	    "* home-manager/x: sha256-a -> none\n"
	    "* new: none -> 4\n"
	    "* nixpkgs: 222222222222 -> 333333333333 (1970-01-03)\n");
	free(text);
	repo_update_free(&u);
	assert_int_equal(flake_diff(before, strlen(before), before,
	    strlen(before), &u, NULL), 0);
	assert_int_equal(u.nmoved, 0);
}

/* The names that nix and its relatives give themselves. */
static void
test_flake_version(void **state)
{
	int major, minor;

	(void)state;
#define VERSION(s) flake_version((s), strlen(s), &major, &minor)
	assert_int_equal(VERSION("nix (Nix) 2.8.0\n"), 0);
	assert_int_equal(major * 100 + minor, 208);
	assert_int_equal(VERSION("nix (Nix) 2.19pre2023_abc\n"), 0);
	assert_int_equal(major * 100 + minor, 219);
	assert_int_equal(VERSION("nix (Lix, like Nix) 2.91.1\n"), 0);
	assert_int_equal(major * 100 + minor, 291);
	assert_int_equal(VERSION("nix"), -1);
	assert_int_equal(VERSION(""), -1);
	assert_int_equal(VERSION("nix 2"), -1);
#undef VERSION
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lockfile_parse),
		cmocka_unit_test(test_lockfile_hostile),
		cmocka_unit_test(test_lockfile_diff),
		cmocka_unit_test(test_flake_version),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
