#include <stdio.h>
#include <stdlib.h>

#include "fleet.h"
#include "hub.h"
#include "intern.h"
#include "oprow.h"
#include "str.h"
#include "wire_op.h"

static char *
loose(const char *s)
{
	return ((char *)(uintptr_t)s);
}

void
oprow_fill(const struct operation *op, struct store_operation *row)
{
	row->id = loose(op->id);
	row->host_id = loose(op->host_id);
	row->op = loose(op->op);
	row->by = loose(op->by);
	row->args = op->args;
	row->state = loose(names_op_state(op->state));
	/* Known before it is finished while the host is to come back. */
	row->outcome = op->finished_at != 0 ?
	    loose(names_outcome(op->outcome)) : NULL;
	row->message = op->message;
	row->phases = op->phases;
	row->changes = op->changes;
	row->accepted = op->accepted;
	row->reported = op->reported;
	row->forced = op->forced;
	row->overdue = op->overdue;
	row->exit_code = op->exit_code;
	row->created_at = op->created_at;
	row->started_at = op->started_at;
	row->finished_at = op->finished_at;
	row->deadline_at = op->deadline_at;
	row->lines = op->lines;
	row->bytes = op->bytes;
	row->last_seq = op->last_seq;
	row->head_seq = op->head_seq;
}

struct operation *
oprow_make(struct hub *hub, const struct store_operation *row)
{
	struct operation *op = str_alloc(sizeof(*op));
	int outcome = names_outcome_parse(row->outcome);
	int state = names_op_state_parse(row->state);

	op->hub = hub;
	snprintf(op->id, sizeof(op->id), "%s", row->id);
	op->host_id = intern_get(hub->intern, row->host_id);
	op->host = fleet_find(hub->fleet, op->host_id);
	op->op = intern_get(hub->intern, row->op);
	op->by = intern_get(hub->intern, row->by);
	op->def = wire_op_find(op->op);
	op->state = state == -1 ? OP_LOST : (uint8_t)state;
	op->outcome = outcome == -1 ? OUTCOME_INTERRUPTED : (uint8_t)outcome;
	op->args = str_dup(row->args);
	op->message = str_dup(row->message);
	op->phases = str_dup(row->phases);
	op->changes = str_dup(row->changes);
	op->accepted = row->accepted == 1;
	op->reported = row->reported == 1;
	op->forced = row->forced == 1;
	op->overdue = row->overdue == 1;
	op->exit_code = row->exit_code;
	op->created_at = row->created_at;
	op->started_at = row->started_at;
	op->finished_at = row->finished_at;
	op->deadline_at = row->deadline_at;
	op->lines = row->lines;
	op->bytes = op->saved_bytes = row->bytes;
	op->last_seq = op->acked_seq = row->last_seq;
	op->head_seq = row->head_seq;
	op->stored = true;
	return (op);
}

void
oprow_free(struct operation *op)
{
	struct intern *in = op->hub->intern;

	intern_put(in, op->host_id);
	intern_put(in, op->op);
	intern_put(in, op->by);
	free(op->args);
	free(op->message);
	free(op->phases);
	free(op->changes);
	free(op->phase);
	free(op->text);
	free(op);
}
