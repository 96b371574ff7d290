#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compartment.h"

#define HEAD "0123456789abcdef0123456789abcdef01234567"
#define OLD "ffffffffffffffffffffffffffffffffffffffff"

/* A host where everything is fine; each row spoils something. */
static struct compartment_facts
fine(void)
{
	struct compartment_facts f = {
		.hub_version = "1.0", .agent_version = "1.0",
		.desired_configured = true, .desired_head = HEAD,
		.desired_lock = "aa", .desired_at = 5, .generation = HEAD,
		.lock_hash = "aa", .tests_generation = HEAD, .behind = -1,
		.last_seen = 7,
	};

	f.said[COMPARTMENT_SYSTEM].status = CHECK_OK;
	f.said[COMPARTMENT_TESTS].status = CHECK_OK;
	return (f);
}

static const char letters[] = "?oxew";	/* unknown ok outdated error working */

static void
expect(const struct compartment_facts *f, const char *want)
{
	struct compartment_view v[COMPARTMENT_COUNT];
	char got[COMPARTMENT_COUNT + 1] = { 0 };

	compartment_compute(f, v);
	for (int i = 0; i < COMPARTMENT_COUNT; i++) {
		got[i] = letters[v[i].status];
		assert_int_not_equal(v[i].message[0], '\0');
	}
	assert_string_equal(got, want);
}

/* All green, also with the short revision of dialect 3. */
static void
test_fine(void **unused)
{
	struct compartment_facts f = fine();

	(void)unused;
	expect(&f, "ooooo");
	f.generation = "0123456";	/* dialect 3 shortens */
	expect(&f, "ooooo");
}

/* Grey is for what is not known, never for what is wrong. */
static void
test_unknown(void **unused)
{
	struct compartment_facts f = { .hub_version = "1.0", .behind = -1 };

	(void)unused;
	expect(&f, "?????");
	f = fine();
	f.agent_version = "";
	expect(&f, "?oooo");
	f = fine();
	f.generation = "";
	expect(&f, "o?ooo");
	f = fine();
	f.desired_configured = false;
	f.desired_head = f.desired_lock = NULL;
	f.said[COMPARTMENT_LOCK].status = CHECK_OUTDATED;
	expect(&f, "o?xxx");
}

/* Agent and git. */
static void
test_behind(void **unused)
{
	struct compartment_view v[COMPARTMENT_COUNT];
	struct compartment_facts f = fine();

	(void)unused;
	f.agent_version = "3.1.5";
	expect(&f, "xoooo");
	f = fine();
	f.generation = f.tests_generation = OLD;
	f.behind = 3;
	compartment_compute(&f, v);
	assert_int_equal(v[COMPARTMENT_GIT].status, CHECK_OUTDATED);
	assert_int_equal(v[COMPARTMENT_GIT].behind, 3);
	assert_non_null(strstr(v[COMPARTMENT_GIT].message, "3 commits"));
	expect(&f, "oxoxx");
	f.behind = -1;
	expect(&f, "oxoxx");
}

/* A remote that is away spoils nothing that is known; without a head it is
   an error and the system stays what the host says. */
static void
test_remote_away(void **unused)
{
	struct compartment_facts f = fine();

	(void)unused;
	f.desired_error = "cannot connect";
	expect(&f, "ooooo");
	f.desired_head = f.desired_lock = NULL;
	f.said[COMPARTMENT_LOCK].status = CHECK_OK;
	expect(&f, "oeooo");
}

/* Without lockHash (version.json often lacks it) the host's word counts. */
static void
test_lock(void **unused)
{
	struct compartment_facts f = fine();

	(void)unused;
	f.lock_hash = "bb";
	expect(&f, "ooxxx");
	f = fine();
	f.desired_lock = NULL;
	f.said[COMPARTMENT_LOCK].status = CHECK_OUTDATED;
	f.said[COMPARTMENT_LOCK].message = "last change 12 days ago";
	expect(&f, "ooxxx");
}

/* A long build does not turn grey; a "working" without an operation does. */
static void
test_working(void **unused)
{
	struct compartment_facts f = fine();

	(void)unused;
	f.said[COMPARTMENT_SYSTEM].status = CHECK_WORKING;
	expect(&f, "ooo?o");
	f.running_op = "switch";
	f.running_system = true;
	expect(&f, "ooowo");
	f = fine();
	f.running_op = "test";
	f.running_tests = true;
	expect(&f, "oooow");
}

/* Tests that passed on something else do not count. */
static void
test_tests(void **unused)
{
	struct compartment_facts f = fine();

	(void)unused;
	f.tests_generation = OLD;
	expect(&f, "oooox");
	f = fine();
	f.said[COMPARTMENT_SYSTEM].status = CHECK_ERROR;
	expect(&f, "oooex");
	f.said[COMPARTMENT_TESTS].status = CHECK_ERROR;
	expect(&f, "oooee");
	f = fine();
	f.said[COMPARTMENT_TESTS].status = CHECK_UNKNOWN;
	expect(&f, "oooo?");
}

/* A prefix must be long enough to mean one commit. */
static void
test_same_revision(void **unused)
{
	(void)unused;
	assert_true(compartment_same_revision(HEAD, HEAD));
	assert_true(compartment_same_revision(HEAD, "0123456"));
	assert_true(compartment_same_revision("01234567", HEAD));
	assert_false(compartment_same_revision(HEAD, "012345"));
	assert_false(compartment_same_revision(HEAD, OLD));
	assert_false(compartment_same_revision("", ""));
	assert_false(compartment_same_revision(NULL, HEAD));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_remote_away),
		cmocka_unit_test(test_lock), cmocka_unit_test(test_working),
		cmocka_unit_test(test_tests),
		cmocka_unit_test(test_same_revision),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
