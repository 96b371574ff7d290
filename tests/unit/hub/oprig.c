#include "oprig.h"

struct rig rig;
struct rig_agent a3, a4;

int
oprig_up(void **unused)
{
	(void)unused;
	memset(&rig, 0, sizeof(rig));
	a3 = (struct rig_agent){ .host = "old" };
	a4 = (struct rig_agent){ .host = "new", .agent_id = "A", .dialect = 4 };
	rig_up(&rig);
	assert_int_equal(rig_connect(&rig, &a3, NULL, NULL), 0);
	assert_int_equal(rig_connect(&rig, &a4, NULL, NULL), 0);
	rig_await(&a4, "registered", 1);
	rig_forget(&a3);
	rig_forget(&a4);
	return (0);
}

int
oprig_down(void **unused)
{
	(void)unused;
	if (a3.conn != NULL)
		rig_gone(&a3, true);
	if (a4.conn != NULL)
		rig_gone(&a4, true);
	rig_forget(&a3);
	rig_forget(&a4);
	free(a3.token);
	free(a4.token);
	rig_down(&rig);
	return (0);
}

const struct operation *
oprig_op(const char *id)
{
	const struct operation *op = operation_find(rig.hub->operations, id);

	assert_non_null(op);
	return (op);
}

void
oprig_ends(const char *id, enum outcome outcome, bool reported)
{
	const struct operation *op = oprig_op(id);

	assert_int_equal(op->state, OP_FINISHED);
	assert_string_equal(names_outcome(op->outcome), names_outcome(outcome));
	assert_int_equal(op->reported, reported);
}
