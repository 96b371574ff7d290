#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "deploy.h"
#include "file.h"
#include "reboot.h"
#include "scratch.h"

#define DAY (24LL * 3600 * 1000)

static int
setup(void **state)
{
	(void)state;
	scratch_begin();
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	scratch_end();
	return (0);
}

static void
put(const char *name, const char *text)
{
	char *parent = file_dirname(scratch_path(name));
	struct err e;

	assert_int_equal(file_mkdirs(parent, 0755, &e), 0);
	scratch_file(name, text);
	free(parent);
}

static void
lock_is(int64_t committed, int64_t now, enum deploy_status status,
    const char *message)
{
	struct deploy_state st;

	deploy_lock_state(scratch_path(""), committed, now, &st);
	assert_int_equal(st.status, status);
	assert_string_equal(st.message, message);
	deploy_state_free(&st);
}

/* Seven days are fine, more is outdated, and what is missing is unknown. */
static void
test_lock_age(void **state)
{
	(void)state;
	lock_is(0, DAY, DEPLOY_ST_UNKNOWN, "the repository has no flake.lock");
	put("flake.lock", "{}");
	lock_is(-1, DAY, DEPLOY_ST_UNKNOWN, "flake.lock was never committed");
	lock_is(5 * DAY, DAY, DEPLOY_ST_OK,
	    "flake.lock was updated 0 days ago");
	lock_is(0, DAY, DEPLOY_ST_OK, "flake.lock was updated 1 day ago");
	lock_is(0, 8 * DAY - 1, DEPLOY_ST_OK,
	    "flake.lock was updated 7 days ago");
	lock_is(0, 8 * DAY, DEPLOY_ST_OUTDATED, "flake.lock is 8 days old");
	lock_is(0, 40 * DAY, DEPLOY_ST_OUTDATED,
	    "flake.lock is 40 days old, more than a month: update it");
}

/* Inputs with their ages, also those that follow another's. */
static void
test_lock_inputs(void **state)
{
	struct err e;
	json_t *l, *i;

	(void)state;
	put("flake.lock", "{\"nodes\":{\"root\":{\"inputs\":{\"a\":\"a_2\","
	    "\"b\":[\"a\",\"n\"],\"c\":[\"x\"]}},"
	    "\"a_2\":{\"inputs\":{\"n\":\"n\"},\"locked\":{\"rev\":\"r1\","
	    "\"lastModified\":5}},\"n\":{\"locked\":{\"rev\":\"r2\","
	    "\"lastModified\":6}}},\"root\":\"root\",\"version\":7}");
	l = deploy_lock_inputs(scratch_path(""), &e);
	assert_int_equal(json_array_size(l), 3);
	i = json_array_get(l, 0);
	assert_string_equal(json_string_value(json_object_get(i, "rev")),
	    "r1");
	i = json_array_get(l, 1);
	assert_int_equal(json_integer_value(json_object_get(i,
	    "last_modified")), 6);
	i = json_array_get(l, 2);
	assert_null(json_object_get(i, "rev"));
	json_decref(l);
	put("flake.lock", "[1");
	assert_null(deploy_lock_inputs(scratch_path(""), &e));
	assert_non_null(strstr(e.text, "flake.lock"));
}

/* Reboot needed names what differs, and only that. */
static void
test_reboot(void **state)
{
	char *r;

	(void)state;
	put("a/kernel-params", "quiet");
	put("b/kernel-params", "quiet");
	put("k1", "1");
	put("k2", "2");
	assert_null(reboot_reason(scratch_path("a"), scratch_path("b")));
	put("b/kernel-params", "quiet debug");
	put("b/kernel", "x");
	r = reboot_reason(scratch_path("a"), scratch_path("b"));
	assert_string_equal(r, "kernel, kernel parameters");
	free(r);
}

/* Facts without any nix are still facts. */
static void
test_facts(void **state)
{
	const struct deploy_conf c = { .kind = DEPLOY_CUSTOM, .host = "h",
		.state_dir = scratch_path(""),
		.profile = "/nonexistent/profile" };
	struct deploy_facts f;
	json_t *j;

	(void)state;
	deploy_facts_get(&c, &f);
	assert_null(f.running);
	assert_int_equal(f.generation, 0);
	assert_int_equal(strlen(f.boot_id), 36);
	assert_true(f.uptime_s > 0);
	assert_true(f.state_free > 0);
	j = deploy_facts_json(&f);
	assert_null(json_object_get(j, "running"));
	assert_null(json_object_get(j, "boot_free"));
	assert_true(json_is_false(json_object_get(j, "reboot_needed")));
	json_decref(j);
	deploy_facts_free(&f);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lock_age), TEST(test_lock_inputs),
		TEST(test_reboot), TEST(test_facts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
