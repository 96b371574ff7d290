/* Prints docs/reference/protocol.md from the table of messages. */

#include <stdio.h>

#include "wire_table.h"

static const char *const meanings[WIRE_TYPE_COUNT] = {
	[WIRE_REGISTER] =
	    "The first message of every connection. `dialect` is "
	    "the highest that the agent speaks, `agent_id` was made by chance "
	    "once, `resume` names the operations that are still open, each "
	    "with the number of the next log record.",
	[WIRE_HEARTBEAT] =
	    "The host is there. In dialect 4 with `facts` it "
	    "is whole: what is left out is empty. Without them it says \"as "
	    "before\", and only `metrics`, `pending_command` and "
	    "`command_pid` are news.",
	[WIRE_OUTPUT] =
	    "Dialect 3: one line of a command's output. Dialect "
	    "4: `lines` are the records `seq`, `seq` + 1 and so on of an "
	    "operation's log.",
	[WIRE_STATUS] = "An operation is over. In dialect 4 it is repeated "
			"until `status_ack` comes.",
	[WIRE_COMMAND_REJECTED] = "The host does not do it, and why.",
	[WIRE_OPERATION_PROGRESS] = "Dialect 3 only: how many steps are done.",
	[WIRE_REGISTERED] =
	    "The answer to `register`: what both speak from "
	    "now on, the rhythm that the hub would like in seconds, and at "
	    "enrolment the host's own token. The agent then sends a "
	    "heartbeat.",
	[WIRE_COMMAND] =
	    "Asks for an operation of the "
	    "[table](operations.md). The same `op_id` again is answered "
	    "again and not run again.",
	[WIRE_KILL_COMMAND] = "Dialect 3 only: end what runs.",
	[WIRE_COMMAND_ACCEPTED] = "The request is on the host's disk.",
	[WIRE_PROGRESS] = "What an operation is at, at most four times a "
			  "second.",
	[WIRE_OUTPUT_ACK] = "Every record up to this number is stored.",
	[WIRE_STATUS_ACK] = "The outcome is stored.",
	[WIRE_STOP] = "End this operation.",
	[WIRE_REFUSED] = "The hub does not take this agent, and closes the "
			 "connection. `retry_s`: not before that many seconds.",
};

static const char *const types[] = {
	[RECORD_STR] = "text",
	[RECORD_INT] = "integer",
	[RECORD_REAL] = "number",
	[RECORD_BOOL] = "true or false",
	[RECORD_JSON] = "object or array",
};

static void
print_field(const struct wire_row *row, size_t i)
{
	const struct record_field *f = &row->fields[i];

	printf("| `%s` | %s | %s | ", f->name, types[f->type],
	    f->flags & RECORD_REQ	 ? "always"
		: f->flags & RECORD_OMIT ? "if there is one"
		: f->flags & RECORD_NULL ? "or null"
					 : "or empty");
	if (row->dialect == 3)
		printf("%d |\n", i < row->nold ? 3 : 4);
	else
		printf("%d |\n", row->dialect);
}

static void
print_message(enum wire_type type)
{
	const struct wire_row *row = &wire_table[type];

	printf("\n### %s\n\n%s\n\n| field | type | there | since dialect |\n"
	       "|---|---|---|---|\n",
	    row->name, meanings[type]);
	for (size_t i = 0; i < row->n; i++)
		print_field(row, i);
}

static void
print_side(enum wire_dir from, const char *title)
{
	printf("\n## %s\n", title);
	for (int i = 0; i < WIRE_TYPE_COUNT; i++)
		if (wire_table[i].from == from)
			print_message((enum wire_type)i);
}

int
main(void)
{
	printf(
	    "# Protocol between agent and hub\n\n"
	    "Made from `wire/wire_table.c` by `make docs`.\n\n"
	    "A WebSocket at `/ws` with `Authorization: Bearer TOKEN`. Every "
	    "message is one JSON object, `{\"type\", \"payload\"}`, of at most "
	    "%d KiB.\n\nDialect %d is what NixFleet v3 speaks. Dialect %d is "
	    "that and more: peers of the older one ignore what they do not "
	    "know, so both begin in\nthe older and rise when both have said "
	    "that they can (`register`, `registered`). Whoever receives "
	    "ignores unknown\nfields; a field of the wrong type spoils that "
	    "message and not the connection.\n\nIn dialect 4 nothing is lost "
	    "with a connection: the agent keeps records and outcomes until "
	    "they are acknowledged, and sends\nat most %d KiB ahead of that. "
	    "Numbers of records begin with 1. Times are milliseconds since "
	    "1970.\n",
	    WIRE_MSG_MAX / 1024, WIRE_DIALECT_MIN, WIRE_DIALECT,
	    WIRE_UNACKED_MAX / 1024);
	print_side(WIRE_FROM_AGENT, "From the agent");
	print_side(WIRE_FROM_HUB, "From the hub");
	return (0);
}
