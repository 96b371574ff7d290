#include "agentunit.h"

#include <string.h>

#include "agentstate.h"
#include "file.h"
#include "str.h"

/* The identity is made once and stays. */
static void
test_agentstate_identity(void **unused)
{
	struct agentstate a, b;
	struct err damaged = { 0 }, e = { 0 };

	(void)unused;
	assert_int_equal(agentstate_load(scratch_path("."), &a, &damaged, &e),
	    0);
	assert_int_equal(agentstate_load(scratch_path("."), &b, &damaged, &e),
	    0);
	assert_int_equal(damaged.code, ERR_NONE);
	assert_true(strlen(a.agent_id) > 20);
	assert_string_equal(a.agent_id, b.agent_id);
	agentstate_free(&a);
	agentstate_free(&b);
}

/* A damaged file is put aside and said, and does not stop the agent. */
static void
test_agentstate_damage(void **unused)
{
	struct err damaged = { 0 }, e = { 0 };
	struct agentstate st;

	(void)unused;
	scratch_file("state.json", "{\"agent_id\":");
	assert_int_equal(agentstate_load(scratch_path("."), &st, &damaged,
	    &e), 0);
	assert_int_equal(damaged.code, ERR_DAMAGED);
	assert_true(file_exists(scratch_path("state.json.damaged")));
	assert_true(st.agent_id[0] != '\0');
	agentstate_free(&st);
}

/* Compartments of a result replace those they name, and only those. */
static void
test_agentstate_apply(void **unused)
{
	struct err damaged = { 0 }, e = { 0 };
	json_t *first, *second;
	struct agentstate st;
	struct wire_check c;

	(void)unused;
	assert_int_equal(agentstate_load(scratch_path("."), &st, &damaged,
	    &e), 0);
	first = json_pack("{s:{s:s}, s:{s:s}}", "system", "status", "ok",
	    "tests", "status", "ok");
	second = json_pack("{s:{s:s}}", "tests", "status", "error");
	agentstate_apply(&st, first);
	agentstate_apply(&st, second);
	agentstate_apply(&st, NULL);
	json_decref(first);
	json_decref(second);
	agentstate_get(&st, COMPARTMENT_SYSTEM, &c);
	assert_string_equal(c.status, "ok");
	agentstate_get(&st, COMPARTMENT_TESTS, &c);
	assert_string_equal(c.status, "error");
	agentstate_get(&st, COMPARTMENT_LOCK, &c);
	assert_string_equal(c.status, "");
	agentstate_free(&st);
}

/* Paths and other strangers in last_op never get through. */
static void
test_agentstate_parse_refuses(void **unused)
{
	static const char *const bad[] = { "", "[]", "{}",
	    "{\"agent_id\":\"\"}", "{\"agent_id\":7}",
	    "{\"agent_id\":\"x\",\"last_op\":\"../x\"}",
	    "{\"agent_id\":\"x\",\"compartments\":[]}" };
	struct agentstate st;
	struct err e = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(agentstate_parse(bad[i], strlen(bad[i]), &st,
		    &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(test_agentstate_identity),
		UNIT(test_agentstate_damage),
		UNIT(test_agentstate_apply),
		UNIT(test_agentstate_parse_refuses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
