#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "fleet.h"
#include "hub.h"
#include "intern.h"
#include "opagent.h"
#include "oplist.h"
#include "opoutput.h"
#include "opstep.h"
#include "opunknown.h"
#include "ratelimit.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

/*
 * A dialect 3 agent that does not name what it was sent, heartbeat after
 * heartbeat, does not do it: it may have crossed the first.
 */
#define NULLS 3
#define NULLS_MS 30000

/* Longer words of a host for what it does are not kept. */
#define OP_MAX 40
#define WHO_MAX 64

static bool
dialect4(const struct fleet_host *h)
{
	return (h->dialect >= WIRE_DIALECT);
}

/* It ended in doubt because it did not come back; here it is. */
static void
settle_awaited(struct fleet_host *h)
{
	struct opstep_result res = { .outcome = OUTCOME_OK,
	    .exit_code = RECORD_NONE,
	    .message = "the host came back after the deadline" };

	if (h->doubtful != NULL && h->doubtful->awaited)
		opstep_event(h->doubtful, OPSTATE_EV_RESULT, &res);
}

static enum opstate_event
back_event(const struct operation *op, const json_t *resume)
{
	if (resume != NULL && json_object_get(resume, op->id) != NULL)
		return (OPSTATE_EV_KNOWN);
	return (op->accepted ? OPSTATE_EV_UNKNOWN : OPSTATE_EV_NEVER_HAD);
}

void
opagent_back(struct operations *ops, struct fleet_host *h,
    const json_t *resume)
{
	struct operation *next;

	ops->settling = true;
	settle_awaited(h);
	for (struct operation *op = h->ops; op != NULL; op = next) {
		next = op->next;
		if (op->state == OP_QUEUED)
			continue;
		/* Of dialect 3 only the heartbeat says what goes on. */
		if (dialect4(h))
			opstep_event(op, back_event(op, resume), NULL);
		else if (op->state == OP_AWAITING_RECONNECT)
			opstep_event(op, OPSTATE_EV_UNKNOWN, NULL);
	}
	for (struct operation *op = h->ops; op != NULL; op = op->next)
		if (dialect4(h) && op->acked_seq > 0)
			opoutput_ack(op);
	ops->settling = false;
	opstep_start_next(h);
}

void
opagent_gone(struct operations *ops, struct fleet_host *h)
{
	struct operation *next;

	(void)ops;
	for (struct operation *op = h->ops; op != NULL; op = next) {
		bool leaves = op->def != NULL &&
		    (op->def->flags & WIRE_OP_DISRUPTIVE) != 0 &&
		    (op->accepted || !dialect4(h));

		next = op->next;
		opstep_event(op, leaves ? OPSTATE_EV_AWAY : OPSTATE_EV_GONE,
		    NULL);
	}
}

void
opagent_heartbeat(struct operations *ops, struct fleet_host *h,
    const char *pending)
{
	struct operation *next;

	(void)ops;
	if (dialect4(h))
		return;
	for (struct operation *op = h->ops; op != NULL; op = next) {
		next = op->next;
		if (op->state == OP_QUEUED)
			continue;
		if (pending != NULL && strcmp(pending, op->op) == 0) {
			op->nulls = 0;
			opstep_event(op, OPSTATE_EV_SIGN, NULL);
		} else if (op->state == OP_LOST || (++op->nulls >= NULLS &&
		    tick_mono() - op->sent_at > NULLS_MS)) {
			opstep_event(op, OPSTATE_EV_UNKNOWN, NULL);
		}
	}
}

/*
 * Dialect 4.
 */

/* A name for our books, whatever the host calls it. */
static const char *
name_of(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return (name != NULL && *name != '\0' && strlen(name) <= OP_MAX &&
	    name[strspn(name, letters)] == '\0' ? name : "local");
}

/*
 * A host's own operation, asked for by a user of that host: it cannot speak
 * for the hub's operator.  NULL: it tells of too many.
 */
static struct operation *
adopt(struct operations *ops, struct fleet_host *h, const char *id,
    const char *name, const char *by)
{
	struct operation_adopt a = { .id = id, .op = name_of(name) };
	struct operation *op;
	char *who;

	if (!ratelimit_take(ops->adoptions, h->id, tick_mono())) {
		agent_link_close(h->conn, 1013,
		    "too many operations of the host's own");
		return (NULL);
	}
	who = by == NULL || strlen(by) > WHO_MAX ? str_dup(h->id) :
	    str_printf("%s@%s", by, h->id);
	a.by = who;
	op = operation_adopt(ops, h, &a);
	free(who);
	return (op);
}

/* The operation that a message is of; of one that we know nothing of, the
   host has begun it by itself.  NULL: it is another host's. */
static struct operation *
of_id(struct operations *ops, struct fleet_host *h, const char *id,
    const char *name, const char *by)
{
	struct operation *op;

	if (id == NULL)
		return (NULL);
	if ((op = operation_find(ops, id)) == NULL)
		return (adopt(ops, h, id, name, by));
	return (op->host == h ? op : NULL);
}

static void
on_status4(struct operations *ops, struct fleet_host *h,
    const struct wire_status *s)
{
	struct operation *op = of_id(ops, h, s->op_id, s->command, s->by);
	struct opstep_result res = { .exit_code = s->exit_code,
	    .message = s->message, .phases = s->phases, .changes = s->changes,
	    .started_at = s->started_at, .finished_at = s->finished_at };
	int outcome = names_outcome_parse(s->outcome);

	if (op == NULL)
		return;
	if (outcome == -1)
		outcome = s->exit_code == 0 ? OUTCOME_OK : OUTCOME_FAILED;
	res.outcome = (enum outcome)outcome;
	op->accepted = true;
	op->ack_status = true;
	if (op->def == NULL && s->command != NULL) {
		intern_set(op->hub->intern, &op->op, name_of(s->command));
		op->def = wire_op_find(op->op);
	}
	opstep_event(op, OPSTATE_EV_RESULT, &res);
}

static void
on_accepted(struct operations *ops, struct fleet_host *h, const char *op_id)
{
	struct operation *op = of_id(ops, h, op_id, NULL, NULL);

	if (op == NULL)
		return;
	op->accepted = true;
	opstep_event(op, OPSTATE_EV_SIGN, NULL);
}

static void
set_progress(struct operation *op, const char *phase, int64_t done,
    int64_t expected, const char *text)
{
	if (!str_eq(op->phase, phase)) {
		free(op->phase);
		op->phase = str_dup(phase);
	}
	if (!str_eq(op->text, text)) {
		free(op->text);
		op->text = str_dup(text);
	}
	op->done = done;
	op->expected = expected;
	opstep_event(op, OPSTATE_EV_SIGN, NULL);
	opstep_changed(op);
}

static void
on_progress4(struct operations *ops, struct fleet_host *h,
    const struct wire_progress *p)
{
	struct operation *op = of_id(ops, h, p->op_id, NULL, NULL);

	if (op == NULL || op->state == OP_FINISHED)
		return;
	op->accepted = true;
	set_progress(op, p->phase, p->done, p->expected, p->text);
}

static void
on_output4(struct operations *ops, struct fleet_host *h,
    const struct wire_output *o)
{
	struct operation *op = of_id(ops, h, o->op_id, o->command, NULL);

	if (op == NULL)
		return;
	op->accepted = true;
	opstep_event(op, OPSTATE_EV_SIGN, NULL);
	opoutput_batch(op, o);
}

/*
 * Dialect 3: words instead of ids.
 */

/* The one of that name; without a name the one the host works on. */
static struct operation *
of_name(struct fleet_host *h, const char *name)
{
	struct operation *running = operation_running(h);

	if (name == NULL || *name == '\0')
		return (running);
	for (struct operation *op = h->ops; op != NULL; op = op->next)
		if (op->state != OP_QUEUED && strcmp(op->op, name) == 0)
			return (op);
	return (NULL);
}

static enum outcome
outcome3(const struct operation *op, const struct wire_status *s)
{
	if (s->exit_code == 0)
		return (OUTCOME_OK);
	if (str_eq(s->status, "stopped") || op->state == OP_STOPPING)
		return (OUTCOME_STOPPED);
	return (OUTCOME_FAILED);
}

/* Those agents end themselves after a switch, and are started again. */
static bool
leaves3(const struct operation *op)
{
	return (strcmp(op->op, "switch") == 0 ||
	    strcmp(op->op, "pull-switch") == 0);
}

static void
on_status3(struct fleet_host *h, const struct wire_status *s)
{
	struct operation *op = of_name(h, s->command);
	struct opstep_result res = { .exit_code = s->exit_code,
	    .message = s->message };

	if (op == NULL && h->doubtful != NULL &&
	    str_eq(h->doubtful->op, s->command))
		op = h->doubtful;
	if (op == NULL)
		return;
	if (s->generation != NULL && *s->generation != '\0' &&
	    intern_set(op->hub->intern, &h->generation, s->generation)) {
		fleet_save(op->hub->fleet, h);
		fleet_changed(op->hub->fleet, h, FLEET_COMPARTMENTS);
	}
	res.outcome = outcome3(op, s);
	opstep_event(op, res.outcome == OUTCOME_OK && leaves3(op) ?
	    OPSTATE_EV_LEAVES : OPSTATE_EV_RESULT, &res);
}

static void
on_output3(struct fleet_host *h, const struct wire_output *o)
{
	struct operation *op = of_name(h, o->command);

	if (op == NULL || o->line == NULL)
		return;
	opstep_event(op, OPSTATE_EV_SIGN, NULL);
	opoutput_line(op, str_eq(o->stream, "stderr") ? STREAM_STDERR :
	    STREAM_STDOUT, o->line);
}

/* Several rows of dots: the one that moves. */
static void
on_progress3(struct fleet_host *h, const json_t *progress)
{
	json_t *p = (json_t *)(uintptr_t)progress, *v, *best = NULL;
	struct operation *op = operation_running(h);
	const char *key, *phase = NULL;

	if (op == NULL || !json_is_object(progress))
		return;
	json_object_foreach(p, key, v) {
		if (best == NULL || str_eq(json_string_value(
		    json_object_get(v, "status")), "in_progress")) {
			best = v;
			phase = key;
		}
	}
	if (best != NULL)
		set_progress(op, phase,
		    json_integer_value(json_object_get(best, "current")),
		    json_integer_value(json_object_get(best, "total")),
		    json_string_value(json_object_get(best, "status")));
}

/*
 * Both.
 */

static void
on_rejected(struct operations *ops, struct fleet_host *h,
    const struct wire_command_rejected *r)
{
	struct operation *op = NULL;
	struct opstep_result res = { .outcome = OUTCOME_REFUSED,
	    .exit_code = RECORD_NONE, .message = r->reason };

	if (r->op_id != NULL)
		op = operation_find(ops, r->op_id);
	else
		for (op = h->ops; op != NULL && op->state != OP_SENT;)
			op = op->next;
	if (op != NULL && op->host == h)
		opstep_event(op, OPSTATE_EV_REJECT, &res);
}

/* The operation that a dialect 4 message is of, or NULL. */
static const char *
op_id_of(const struct wire_msg *msg)
{
	switch (msg->type) {
	case WIRE_OUTPUT:
		return (msg->u.output.op_id);
	case WIRE_STATUS:
		return (msg->u.status.op_id);
	case WIRE_COMMAND_ACCEPTED:
		return (msg->u.accepted.op_id);
	case WIRE_PROGRESS:
		return (msg->u.progress.op_id);
	default:
		return (NULL);
	}
}

void
opagent_message(struct operations *ops, struct fleet_host *h,
    const struct wire_msg *msg)
{
	const char *id = op_id_of(msg);

	if (id != NULL && opunknown_hold(ops, h, id, msg))
		return;
	switch (msg->type) {
	case WIRE_OUTPUT:
		if (msg->u.output.op_id != NULL)
			on_output4(ops, h, &msg->u.output);
		else
			on_output3(h, &msg->u.output);
		break;
	case WIRE_STATUS:
		if (msg->u.status.op_id != NULL)
			on_status4(ops, h, &msg->u.status);
		else
			on_status3(h, &msg->u.status);
		break;
	case WIRE_COMMAND_REJECTED:
		on_rejected(ops, h, &msg->u.rejected);
		break;
	case WIRE_COMMAND_ACCEPTED:
		on_accepted(ops, h, msg->u.accepted.op_id);
		break;
	case WIRE_PROGRESS:
		on_progress4(ops, h, &msg->u.progress);
		break;
	case WIRE_OPERATION_PROGRESS:
		on_progress3(h, msg->u.operation_progress.progress);
		break;
	default:
		break;
	}
}

void
opagent_removed(struct operations *ops, struct fleet_host *h)
{
	while (h->ops != NULL)
		opstep_event(h->ops, OPSTATE_EV_REMOVED, NULL);
	oplist_orphan(ops, h);
}
