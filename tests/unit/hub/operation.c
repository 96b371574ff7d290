#include "oprig.h"

#include "fleet.h"
#include "opstep.h"
#include "opstore.h"
#include "present.h"
#include "tick.h"
#include "ulid.h"

static void
status4(const char *id, const char *outcome)
{
	rig_say(&a4, "{\"type\":\"status\",\"payload\":{\"op_id\":\"%s\","
	    "\"status\":\"ok\",\"command\":\"pull\",\"exit_code\":0,"
	    "\"outcome\":\"%s\"}}", id, outcome);
}

/* Ask, accept, output, progress, status: each acknowledged, once. */
static void
test_dialect4(void **unused)
{
	struct operation *op = rig_ask(&rig, "new", "pull");
	char id[27];
	json_t *c, *o;

	(void)unused;
	snprintf(id, sizeof(id), "%s", op->id);
	assert_int_equal(op->state, OP_QUEUED);
	assert_int_equal(a4.n, 0);
	rig_await(&a4, "command", 1);
	c = rig_got(&a4, "command");
	assert_string_equal(json_string_value(json_object_get(c, "op_id")),
	    id);
	assert_int_equal(op->state, OP_SENT);
	assert_string_equal(rig_refused(&rig, "new", "switch"), "busy");
	rig_say(&a4, "{\"type\":\"command_accepted\",\"payload\":"
	    "{\"op_id\":\"%s\"}}", id);
	assert_int_equal(op->state, OP_RUNNING);
	for (int i = 0; i < 2; i++)
		rig_say(&a4, "{\"type\":\"output\",\"payload\":{\"op_id\":"
		    "\"%s\",\"seq\":1,\"ts\":5,\"lines\":[{\"t\":\"one\","
		    "\"s\":\"stdout\"},{\"t\":\"two\",\"s\":\"note\"}]}}", id);
	rig_await(&a4, "output_ack", 1);
	assert_int_equal(json_integer_value(json_object_get(
	    rig_got(&a4, "output_ack"), "seq")), 2);
	rig_settle(&rig);
	assert_int_equal(op->lines, 2);
	rig_say(&a4, "{\"type\":\"progress\",\"payload\":{\"op_id\":\"%s\","
	    "\"phase\":\"fetch\",\"done\":1,\"expected\":3}}", id);
	o = present_operation(op);
	assert_string_equal(json_string_value(json_object_get(
	    json_object_get(o, "progress"), "phase")), "fetch");
	json_decref(o);
	status4(id, "ok");
	oprig_ends(id, OUTCOME_OK, true);
	rig_await(&a4, "status_ack", 1);
	status4(id, "failed");
	rig_await(&a4, "status_ack", 2);
	oprig_ends(id, OUTCOME_OK, true);
}

static void
on_written(void *cookie, const struct err *failed)
{
	assert_null(failed);
	*(bool *)cookie = true;
}

/* An outcome is acknowledged when it is stored, not when the row before it
   is: the host then forgets it. */
static void
test_ack_waits(void **unused)
{
	struct operation *op = rig_ask(&rig, "new", "pull");
	int64_t end = tick_mono() + 10000;
	bool before = false;

	(void)unused;
	rig_await(&a4, "command", 1);
	rig_settle(&rig);
	rig_say(&a4, "{\"type\":\"command_accepted\",\"payload\":"
	    "{\"op_id\":\"%s\"}}", op->id);
	opstore_after(rig.hub->operations, on_written, &before);
	/* The row that says running is on its way. */
	uv_run(&rig.loop, UV_RUN_NOWAIT);
	status4(op->id, "ok");
	while (!before && tick_mono() < end)
		store_turn(rig.hub->store);
	assert_true(before);
	assert_int_equal(rig_count(&a4, "status_ack"), 0);
	rig_await(&a4, "status_ack", 1);
}

/* A finished operation, newer than those before; its id is made. */
static void
put_finished(const char *host, char id[27])
{
	char fin[] = "finished", ok[] = "ok", op[] = "pull";
	const struct store_operation row = { .id = id, .op = op, .by = op,
	    .host_id = (char *)(uintptr_t)host, .state = fin, .outcome = ok,
	    .reported = 1, .created_at = 7, .finished_at = 8, .lines = 3,
	    .last_seq = 3 };

	ulid_make(id);
	store_put(rig.hub->store, STORE_OPERATION, &row, 1, NULL, NULL);
}

static void
on_history(void *cookie, struct operation *const *list, size_t n,
    const struct err *failed)
{
	assert_null(failed);
	assert_int_equal(n, 1);
	assert_int_equal(list[0]->outcome, OUTCOME_OK);
	assert_int_equal(list[0]->created_at, 7);
	assert_int_equal(list[0]->lines, 3);
	*(bool *)cookie = true;
}

/* A host that tells of an operation that ended long ago does not rewrite it,
   neither its own nor another host's; and it is told to forget its own. */
static void
test_history(void **unused)
{
	char mine[27], other[27], id[27];
	bool seen[2] = { false, false };
	struct operation_filter f = { .id = mine, .limit = 1 };
	json_t *ack;

	(void)unused;
	/* The oldest two: not in memory after a restart. */
	put_finished("new", mine);
	put_finished("old", other);
	for (int i = 0; i < 150; i++)
		put_finished("old", id);
	rig_settle(&rig);
	rig_gone(&a4, true);
	rig_gone(&a3, true);
	rig_restart(&rig);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, "{}"), 0);
	rig_await(&a4, "registered", 1);
	assert_null(operation_find(rig.hub->operations, mine));
	for (int i = 0; i < 2; i++) {
		const char *old = i == 0 ? mine : other;

		rig_say(&a4, "{\"type\":\"output\",\"payload\":{\"op_id\":"
		    "\"%s\",\"seq\":1,\"ts\":5,\"lines\":[{\"t\":\"forged\","
		    "\"s\":\"stdout\"}]}}", old);
		status4(old, "failed");
	}
	rig_await(&a4, "status_ack", 1);
	rig_settle(&rig);
	ack = rig_got(&a4, "status_ack");
	assert_string_equal(json_string_value(json_object_get(ack, "op_id")),
	    mine);
	assert_int_equal(rig_count(&a4, "status_ack"), 1);
	operation_list(rig.hub->operations, &f, on_history, &seen[0]);
	f.id = other;
	operation_list(rig.hub->operations, &f, on_history, &seen[1]);
	rig_settle(&rig);
	assert_true(seen[0] && seen[1]);
}

/* The link breaks: lost, resumed, and the log goes on where it was. */
static void
test_resume(void **unused)
{
	struct operation *op = rig_ask(&rig, "new", "switch");
	char id[27], resume[64];

	(void)unused;
	snprintf(id, sizeof(id), "%s", op->id);
	rig_await(&a4, "command", 1);
	rig_say(&a4, "{\"type\":\"output\",\"payload\":{\"op_id\":\"%s\","
	    "\"seq\":1,\"ts\":5,\"lines\":[{\"t\":\"one\",\"s\":\"stdout\"}]}}",
	    id);
	rig_settle(&rig);
	rig_gone(&a4, false);
	assert_int_equal(oprig_op(id)->state, OP_LOST);
	rig_gone(&a3, false);
	rig_restart(&rig);
	assert_int_equal(oprig_op(id)->state, OP_LOST);
	assert_int_equal(oprig_op(id)->last_seq, 1);
	snprintf(resume, sizeof(resume), "{\"%s\":2}", id);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, resume), 0);
	rig_await(&a4, "output_ack", 1);
	assert_int_equal(oprig_op(id)->state, OP_RUNNING);
	status4(id, "rolled_back");
	oprig_ends(id, OUTCOME_ROLLED_BACK, true);
}

/* Never accepted and not known: sent again.  Accepted and not known any
   more: interrupted, and a late word still counts. */
static void
test_unknown(void **unused)
{
	struct operation *op = rig_ask(&rig, "new", "pull");
	char id[27];

	(void)unused;
	snprintf(id, sizeof(id), "%s", op->id);
	rig_await(&a4, "command", 1);
	rig_gone(&a4, false);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, "{}"), 0);
	rig_await(&a4, "command", 1);
	assert_int_equal(op->state, OP_SENT);
	rig_say(&a4, "{\"type\":\"command_accepted\",\"payload\":"
	    "{\"op_id\":\"%s\"}}", id);
	rig_gone(&a4, false);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, "{}"), 0);
	oprig_ends(id, OUTCOME_INTERRUPTED, false);
	status4(id, "ok");
	oprig_ends(id, OUTCOME_OK, true);
	rig_await(&a4, "status_ack", 1);
}

/* A deadline is the hub's word: stop is asked, then timed out and not
   reported; the host's own word corrects it, even after a hub restart. */
static void
test_deadline(void **unused)
{
	struct operation *op = rig_ask(&rig, "new", "pull");
	char id[27], resume[64];

	(void)unused;
	snprintf(id, sizeof(id), "%s", op->id);
	rig_await(&a4, "command", 1);
	opstep_event(op, OPSTATE_EV_SIGN, NULL);
	opstep_event(op, OPSTATE_EV_DEADLINE, NULL);
	assert_int_equal(op->state, OP_STOPPING);
	assert_int_equal(rig_count(&a4, "stop"), 1);
	opstep_event(op, OPSTATE_EV_DEADLINE, NULL);
	oprig_ends(id, OUTCOME_TIMED_OUT, false);
	rig_gone(&a4, false);
	if (a3.conn != NULL)
		rig_gone(&a3, false);
	rig_restart(&rig);
	snprintf(resume, sizeof(resume), "{\"%s\":1}", id);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, resume), 0);
	rig_await(&a4, "registered", 1);
	status4(id, "failed");
	oprig_ends(id, OUTCOME_FAILED, true);
	rig_await(&a4, "status_ack", 1);
}

/* Offline: it waits, over a hub restart, and goes out when the host is
   there.  What cannot wait is refused; the same twice too. */
static void
test_queue(void **unused)
{
	struct operation *op;
	char id[27];

	(void)unused;
	rig_gone(&a4, true);
	op = rig_ask(&rig, "new", "pull");
	snprintf(id, sizeof(id), "%s", op->id);
	assert_string_equal(rig_refused(&rig, "new", "pull"),
	    "already_queued");
	assert_string_equal(rig_refused(&rig, "new", "reboot"), "offline");
	assert_int_equal(operation_queued(op->host), 1);
	rig_gone(&a3, true);
	rig_restart(&rig);
	assert_int_equal(oprig_op(id)->state, OP_QUEUED);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, "{}"), 0);
	rig_await(&a4, "command", 1);
	assert_int_equal(oprig_op(id)->state, OP_SENT);
}

/* One at a time; forced ones wait in line; stop works in every state. */
static void
test_stop(void **unused)
{
	const struct operation_ask force = { .op = "test", .by = "operator",
	    .force = true };
	struct operation_refusal no;
	struct operation *op = rig_ask(&rig, "new", "pull"), *second;
	struct err e;
	char id[27], id2[27];

	(void)unused;
	snprintf(id, sizeof(id), "%s", op->id);
	rig_await(&a4, "command", 1);
	second = operation_ask(rig.hub->operations, op->host, &force, &no);
	assert_non_null(second);
	snprintf(id2, sizeof(id2), "%s", second->id);
	rig_settle(&rig);
	assert_int_equal(second->state, OP_QUEUED);
	assert_ptr_equal(rig_ask(&rig, "new", "stop"), op);
	assert_int_equal(op->state, OP_STOPPING);
	assert_string_equal(json_string_value(json_object_get(
	    rig_got(&a4, "stop"), "op_id")), id);
	status4(id, "stopped");
	oprig_ends(id, OUTCOME_STOPPED, true);
	assert_int_equal(second->state, OP_SENT);
	rig_gone(&a4, false);
	assert_int_equal(operation_stop(second, "operator", &e), 0);
	assert_int_equal(second->state, OP_STOPPING);
	assert_int_equal(rig_connect(&rig, &a4, a4.token, "{}"), 0);
	oprig_ends(id2, OUTCOME_STOPPED, true);
	assert_int_equal(rig_count(&a4, "command"), 0);
	assert_int_equal(operation_stop(second, "operator", &e), -1);
	assert_string_equal(rig_refused(&rig, "new", "stop"), "no_pending");
}

/* What an agent refuses is refused, with its reason. */
static void
test_rejected(void **unused)
{
	char id[27], id3[27];

	(void)unused;
	snprintf(id, sizeof(id), "%s", rig_ask(&rig, "new", "pull")->id);
	snprintf(id3, sizeof(id3), "%s", rig_ask(&rig, "old", "pull")->id);
	rig_await(&a4, "command", 1);
	rig_await(&a3, "command", 1);
	rig_say(&a4, "{\"type\":\"command_rejected\",\"payload\":{\"reason\":"
	    "\"paused by root\",\"op_id\":\"%s\",\"code\":\"paused\"}}", id);
	oprig_ends(id, OUTCOME_REFUSED, true);
	assert_string_equal(oprig_op(id)->message, "paused by root");
	rig_say(&a3, "{\"type\":\"command_rejected\",\"payload\":{\"reason\":"
	    "\"command already running\"}}");
	oprig_ends(id3, OUTCOME_REFUSED, true);
}

/* What a person started on the host is seen here too. */
static void
test_local(void **unused)
{
	static const char id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

	(void)unused;
	rig_say(&a4, "{\"type\":\"output\",\"payload\":{\"op_id\":\"%s\","
	    "\"seq\":1,\"ts\":5,\"lines\":[{\"t\":\"one\",\"s\":\"stdout\"}]}}",
	    id);
	rig_settle(&rig);
	assert_int_equal(oprig_op(id)->state, OP_RUNNING);
	assert_string_equal(rig_refused(&rig, "new", "pull"), "busy");
	status4(id, "ok");
	oprig_ends(id, OUTCOME_OK, true);
	assert_string_equal(oprig_op(id)->op, "pull");
	rig_await(&a4, "status_ack", 1);
	/* Another host has no say in it. */
	rig_say(&a3, "{\"type\":\"command_accepted\",\"payload\":{\"op_id\":"
	    "\"%s\"}}", id);
	assert_ptr_equal(oprig_op(id)->host, fleet_find(rig.hub->fleet, "new"));
}

/* Refusals name what is wrong. */
static void
test_refusals(void **unused)
{
	json_t *args = json_pack("{s:s}", "path", "/etc");
	const struct operation_ask bad = { .op = "pull", .args = args,
	    .by = "operator" };
	struct operation_refusal no;

	(void)unused;
	assert_string_equal(rig_refused(&rig, "new", "swich"), "unknown_op");
	assert_string_equal(rig_refused(&rig, "old", "repo-verify"),
	    "unknown_op");
	assert_null(operation_ask(rig.hub->operations,
	    fleet_find(rig.hub->fleet, "new"), &bad, &no));
	assert_string_equal(no.code, "bad_args");
	assert_non_null(strstr(no.message, "path"));
	json_decref(args);
}

struct listed {
	int calls;
	size_t n;
	char first[27];
};

static void
on_list(void *cookie, struct operation *const *list, size_t n,
    const struct err *failed)
{
	struct listed *l = cookie;

	assert_null(failed);
	l->calls++;
	l->n = n;
	if (n > 0)
		snprintf(l->first, sizeof(l->first), "%s", list[0]->id);
}

static bool
listed(void *cookie)
{
	return (((struct listed *)cookie)->calls > 0);
}

/* The history is in the store, newest first, by host. */
static void
test_list(void **unused)
{
	const struct operation_filter f = { .host = "new", .limit = 10 };
	struct listed l = { 0 };
	char id[27];

	(void)unused;
	rig_gone(&a4, false);
	rig_ask(&rig, "new", "pull");
	rig_ask(&rig, "old", "pull");
	snprintf(id, sizeof(id), "%s", rig_ask(&rig, "new", "test")->id);
	operation_list(rig.hub->operations, &f, on_list, &l);
	assert_int_equal(l.calls, 0);
	rig_wait(&rig, listed, &l);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.first, id);
}

#define T(f) cmocka_unit_test_setup_teardown(f, oprig_up, oprig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dialect4), T(test_resume), T(test_unknown),
		T(test_deadline), T(test_queue), T(test_stop), T(test_rejected),
		T(test_local), T(test_refusals), T(test_list),
		T(test_ack_waits), T(test_history),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
