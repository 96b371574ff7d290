#include "oprig.h"

#include "fleet.h"

static void
beat3(const char *pending)
{
	rig_say(&a3,
	    "{\"type\":\"heartbeat\",\"payload\":{\"generation\":"
	    "\"abcdef1\",\"nixpkgs_version\":\"\",\"pending_command\":%s,"
	    "\"command_pid\":null,\"metrics\":null}}",
	    pending);
}

static void
status3(const char *command, const char *word, int code)
{
	rig_say(&a3,
	    "{\"type\":\"status\",\"payload\":{\"status\":\"%s\","
	    "\"command\":\"%s\",\"exit_code\":%d}}",
	    word, command, code);
}

/* Ask for it; its id, which outlives it, once the agent has the command. */
static struct operation *
ask3(const char *command, char id[27])
{
	struct operation *op = rig_ask(&rig, "old", command);

	snprintf(id, 27, "%s", op->id);
	rig_await(&a3, "command", 1);
	return (op);
}

/* Dialect 3: words instead of ids; the heartbeat after the end, which still
   names the command, does not make the host busy. */
static void
test_dialect3(void **unused)
{
	char id[27];
	struct operation *op = ask3("pull", id);
	json_t *c;

	(void)unused;
	c = rig_got(&a3, "command");
	assert_int_equal(json_object_size(c), 1);
	beat3("\"pull\"");
	assert_int_equal(op->state, OP_RUNNING);
	rig_say(&a3,
	    "{\"type\":\"output\",\"payload\":{\"line\":\"hello\","
	    "\"stream\":\"stderr\",\"command\":\"\",\"is_error\":false}}");
	rig_settle(&rig);
	assert_int_equal(op->lines, 1);
	assert_int_equal(op->last_seq, 1);
	status3("pull", "ok", 0);
	oprig_ends(id, OUTCOME_OK, true);
	beat3("\"pull\"");
	assert_null(operation_running(fleet_find(rig.hub->fleet, "old")));
	status3("pull", "ok", 0);
	oprig_ends(id, OUTCOME_OK, true);
}

/* A switch of dialect 3 is over when the agent is back, not when the link
   breaks; a break before its word is no success. */
static void
test_switch3(void **unused)
{
	char id[27];
	struct operation *op = ask3("switch", id);

	(void)unused;
	status3("switch", "ok", 0);
	assert_int_equal(op->state, OP_AWAITING_RECONNECT);
	rig_gone(&a3, true);
	assert_int_equal(op->state, OP_AWAITING_RECONNECT);
	assert_int_equal(rig_connect(&rig, &a3, NULL, NULL), 0);
	oprig_ends(id, OUTCOME_OK, true);
	assert_int_equal(
	    fleet_find(rig.hub->fleet, "old")->said[COMPARTMENT_SYSTEM].status,
	    CHECK_OK);
	op = ask3("rollback", id);
	beat3("\"rollback\"");
	rig_gone(&a3, false);
	assert_int_equal(op->state, OP_LOST);
	assert_int_equal(rig_connect(&rig, &a3, NULL, NULL), 0);
	assert_int_equal(op->state, OP_LOST);
	beat3("null");
	oprig_ends(id, OUTCOME_INTERRUPTED, false);
	status3("rollback", "error", 1);
	oprig_ends(id, OUTCOME_FAILED, true);
}

/* Still at it after a reconnect: it goes on. */
static void
test_still3(void **unused)
{
	struct operation *op = rig_ask(&rig, "old", "test");

	(void)unused;
	rig_await(&a3, "command", 1);
	rig_gone(&a3, false);
	assert_int_equal(rig_connect(&rig, &a3, NULL, NULL), 0);
	beat3("\"test\"");
	assert_int_equal(op->state, OP_RUNNING);
	rig_say(&a3,
	    "{\"type\":\"operation_progress\",\"payload\":{"
	    "\"progress\":{\"tests\":{\"current\":2,\"total\":8,\"results\":"
	    "null,\"status\":\"in_progress\"}}}}");
	assert_int_equal(op->done, 2);
	assert_int_equal(op->expected, 8);
}

/* Stop of dialect 3 gives two statuses (130, then -1): one outcome. */
static void
test_stop3(void **unused)
{
	char id[27];

	(void)unused;
	ask3("pull", id);
	rig_ask(&rig, "old", "stop");
	assert_string_equal(json_string_value(json_object_get(
				rig_got(&a3, "command"), "command")),
	    "stop");
	status3("pull", "stopped", 130);
	oprig_ends(id, OUTCOME_STOPPED, true);
	status3("pull", "error", -1);
	oprig_ends(id, OUTCOME_STOPPED, true);
}

/* Restart and reboot give no status: being back is the proof. */
static void
test_restart3(void **unused)
{
	char id[27];
	struct operation *op = ask3("restart", id);

	(void)unused;
	rig_gone(&a3, true);
	assert_int_equal(op->state, OP_AWAITING_RECONNECT);
	assert_int_equal(rig_connect(&rig, &a3, NULL, NULL), 0);
	oprig_ends(id, OUTCOME_OK, true);
}

#define T(f) cmocka_unit_test_setup_teardown(f, oprig_up, oprig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dialect3),
		T(test_switch3),
		T(test_still3),
		T(test_stop3),
		T(test_restart3),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
