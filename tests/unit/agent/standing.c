#include "agentunit.h"

#include <string.h>

#include "standing.h"
#include "str.h"

#define TWO "/nix/store/22222222222222222222222222222222-two"

static char rev_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static char rev_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
static char one[] = "/nix/store/11111111111111111111111111111111-one";
static char two[] = TWO;
static char since[] = "2026-01-19T13:43:00Z";
static char where_running[] = "running", where_profile[] = "profile";
static char reason[] = "kernel, initrd";

/* A host on which all is well. */
static struct deploy_facts facts;
static struct standing s;

static void
all_well(void)
{
	facts = (struct deploy_facts){ .built = one,
		.profile = one,
		.running = one,
		.booted = one,
		.built_revision = rev_a,
		.profile_revision = rev_a,
		.next_runs = true };
	s = (struct standing){
		.desired = rev_a, .fetched = rev_a, .facts = &facts
	};
}

static unsigned said; /* a bit for each rule that spoke */

static void
says(const char *name, const char *level, const char *text, const char *action)
{
	json_t *v = standing_summary(&s);
	size_t i;

	assert_string_equal(
	    json_string_value(json_object_get(v, "rule")), name);
	assert_string_equal(
	    json_string_value(json_object_get(v, "level")), level);
	assert_string_equal(
	    json_string_value(json_object_get(v, "text")), text);
	assert_string_equal(
	    json_string_value(json_object_get(v, "action")), action);
	for (i = 0; i < standing_count; i++)
		if (str_eq(standing_rules[i].name, name))
			said |= 1u << i;
	json_decref(v);
	all_well();
}

/* Every sentence, with its values, its weight and what to do. */
static void
test_every_sentence(void **unused)
{
	(void)unused;
	all_well();
	says("ok", "ok", "aaaaaaa runs, the tip of the branch as last seen.",
	    "");
	s.working = "switch";
	says("working", "busy", "switch is at work.", "");
	s.fetch_error = "no route\nmore";
	says("fetch-fails", "bad",
	    "The configuration cannot be fetched: no route",
	    "nixfleet repo status");
	s.fetched = NULL;
	says("no-clone", "warn",
	    "There is no clone of the configuration "
	    "yet.",
	    "nixfleet pull");
	facts.drift = two;
	facts.drift_since = since;
	facts.drift_where = where_running;
	says("drift-running", "bad",
	    "A closure that was not deployed here "
	    "runs, seen since 2026-01-19 13:43 UTC: " TWO,
	    "nixfleet switch");
	facts.drift = two;
	facts.drift_since = since;
	facts.drift_where = where_profile;
	says("drift-profile", "bad",
	    "The next boot takes a closure that was "
	    "not deployed here, seen since 2026-01-19 13:43 UTC: " TWO,
	    "nixfleet switch");
	s.system_error = "exit status 4";
	says("system-failed", "bad",
	    "The last change of the system failed: exit status 4",
	    "nixfleet logs");
	s.desired = rev_b;
	says("behind", "warn",
	    "The branch is at bbbbbbb, this host at "
	    "aaaaaaa.",
	    "nixfleet pull-switch");
	facts.built_revision = NULL;
	says("never-built", "warn",
	    "Nothing has been built and activated "
	    "here yet.",
	    "nixfleet switch");
	facts.built_revision = rev_b;
	says("not-built", "warn",
	    "aaaaaaa is fetched, but bbbbbbb is the "
	    "last that was built.",
	    "nixfleet switch");
	facts.built = two;
	says("not-activated", "warn",
	    "What was built last, aaaaaaa, is not "
	    "what the next boot takes.",
	    "nixfleet switch");
	facts.next_runs = false;
	says("not-running", "warn", "aaaaaaa takes effect at the next boot.",
	    "reboot");
	facts.reboot_needed = true;
	facts.reboot_reason = reason;
	facts.reboot_since = since;
	says("reboot", "warn",
	    "A reboot is needed since 2026-01-19 13:43 "
	    "UTC: kernel, initrd changed.",
	    "reboot");
	assert_int_equal(said, (1u << standing_count) - 1);
}

/* The states in order, without those that are not known. */
static void
test_states(void **unused)
{
	json_t *list;

	(void)unused;
	all_well();
	list = standing_states(&s);
	assert_int_equal(json_array_size(list), 6);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(list, 3), "path")),
	    one);
	json_decref(list);
	facts.booted = NULL;
	s.desired = NULL;
	list = standing_states(&s);
	assert_int_equal(json_array_size(list), 4);
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(list, 0), "state")),
	    "fetched");
	assert_true(
	    json_is_null(json_object_get(json_array_get(list, 0), "path")));
	json_decref(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sentence),
		cmocka_unit_test(test_states),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
