#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "eventlog.h"
#include "feed.h"
#include "fleet.h"
#include "host_facts.h"
#include "hub.h"
#include "opbound.h"
#include "oplist.h"
#include "opstep.h"
#include "opstore.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#define S 1000LL
#define ACCEPT_MS (60 * S)		/* dialect 4 accepts at once */
#define GRACE_MS (60 * S)		/* the agent's own comes first */
#define STOP_MS (120 * S)
#define LOST_MS (15 * 60 * S)		/* a host may boot meanwhile */
#define RETURN_MS (90 * S)		/* an agent that restarts itself */
#define UNKNOWN_MS (2 * 3600 * S)	/* an operation we know no limit of */
#define LEAST_MS (10 * S)

/* Bytes of a host's message; ours are shorter. */
#define MESSAGE_MAX 2048

void
opstep_changed(struct operation *op)
{
	feed_operation(op->hub->feed, op);
	if (op->host != NULL)
		fleet_changed(op->hub->fleet, op->host, FLEET_OPERATION);
}

/*
 * Deadlines, milliseconds from now.
 */

static int64_t
limit_ms(const struct operation *op)
{
	return (op->def != NULL ? op->def->deadline_s * S : UNKNOWN_MS);
}

/* What is left of the operation's own time. */
static int64_t
remaining_ms(const struct operation *op)
{
	bool own = op->host != NULL && op->host->dialect >= WIRE_DIALECT;
	int64_t all = limit_ms(op) + (own ? GRACE_MS : 0), left = all;

	if (op->started_at != 0)
		left = op->started_at + all - tick_wall();
	if (left > all)
		left = all;
	return (left < LEAST_MS ? LEAST_MS : left);
}

static int64_t
max_ms(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

static int64_t
state_ms(const struct operation *op)
{
	bool online = op->host != NULL && op->host->conn != NULL;
	int64_t queue;

	switch ((enum op_state)op->state) {
	case OP_QUEUED:
		queue = settings_int(op->hub->settings, SET_QUEUE_HOURS) *
		    3600 * S;
		return (max_ms(op->created_at + queue - tick_wall(), LEAST_MS));
	case OP_SENT:
		return (op->host != NULL && op->host->dialect >= WIRE_DIALECT ?
		    ACCEPT_MS : remaining_ms(op));
	case OP_RUNNING:
		return (remaining_ms(op));
	case OP_STOPPING:
		if (!online)
			return (max_ms(remaining_ms(op), LOST_MS));
		return (op->overdue ? STOP_MS : max_ms(remaining_ms(op),
		    STOP_MS));
	case OP_LOST:
		return (max_ms(remaining_ms(op), LOST_MS));
	case OP_AWAITING_RECONNECT:
		return (op->def != NULL &&
		    (op->def->flags & WIRE_OP_DISRUPTIVE) != 0 ?
		    limit_ms(op) : RETURN_MS);
	case OP_FINISHED:
	case OP_STATE_COUNT:
		break;
	}
	return (LEAST_MS);
}

static void
on_deadline(struct deadline *d)
{
	struct operation *op = (struct operation *)((uintptr_t)d -
	    offsetof(struct operation, deadline));

	opstep_event(op, OPSTATE_EV_DEADLINE, NULL);
}

void
opstep_arm(struct operation *op)
{
	int64_t ms = state_ms(op);

	op->deadline.on_due = on_deadline;
	op->deadline_at = tick_wall() + ms;
	deadline_arm(op->hub->deadlines, &op->deadline, ms);
}

/*
 * What the table asks for.  The one place that sets the state.
 */

void
opstep_enter(struct operation *op, enum op_state next)
{
	op->state = (uint8_t)next;
	op->nulls = 0;
	if (next == OP_RUNNING && op->started_at == 0)
		op->started_at = tick_wall();
	opstep_arm(op);
	opstore_save(op);
	opstep_changed(op);
	if (op->host != NULL)
		fleet_judge(op->hub->fleet, op->host);
}

static void
send_command(struct operation *op)
{
	struct wire_msg msg = { .type = WIRE_COMMAND };
	struct wire_command *c = &msg.u.command;

	c->command = (char *)(uintptr_t)op->op;
	c->op_id = op->id;
	c->deadline_s = limit_ms(op) / S;
	c->by = (char *)(uintptr_t)op->by;
	c->args = op->args != NULL ? json_loads(op->args, 0, NULL) :
	    json_object();
	agent_link_send(op->host->conn, &msg);
	json_decref(c->args);
	op->sent_at = tick_mono();
	if (!operation_beside(op->host, op->def))
		oplist_doubt(op->host, NULL);
}

static void
send_stop(struct operation *op)
{
	struct wire_msg msg = { .type = WIRE_STOP };
	char stop[] = "stop";

	if (op->host == NULL || op->host->conn == NULL ||
	    !agent_link_ready(op->host->conn))
		return;
	if (op->host->dialect >= WIRE_DIALECT) {
		msg.u.stop.op_id = op->id;
	} else {
		msg.type = WIRE_COMMAND;
		msg.u.command.command = stop;
	}
	agent_link_send(op->host->conn, &msg);
}

static void
set_message(struct operation *op, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n > MESSAGE_MAX)
		for (n = MESSAGE_MAX; (text[n] & 0xc0) == 0x80;)
			n--;
	free(op->message);
	op->message = n == 0 ? NULL : str_ndup(text, n);
}

/* Kept like output, and counted with it. */
static char *
detail(struct operation *op, const json_t *v)
{
	char *text = v == NULL ? NULL : json_dumps(v, JSON_COMPACT);
	int64_t n = text == NULL ? 0 : (int64_t)strlen(text);

	op->bytes += n;
	opbound_took(op, n);
	return (text);
}

static void
take_result(struct operation *op, const struct opstep_result *res)
{
	op->outcome = (uint8_t)res->outcome;
	/* Stopped because its time was over. */
	if (op->overdue && res->outcome == OUTCOME_STOPPED)
		op->outcome = OUTCOME_TIMED_OUT;
	op->exit_code = res->exit_code;
	set_message(op, res->message);
	free(op->phases);
	free(op->changes);
	op->phases = detail(op, res->phases);
	op->changes = detail(op, res->changes);
	if (res->started_at != 0)
		op->started_at = res->started_at;
	op->finished_at = res->finished_at != 0 ? res->finished_at :
	    tick_wall();
	op->reported = true;
}

void
opstep_tell_asked(struct operation *op)
{
	const struct eventlog_entry en = { .category = "ops", .level = "info",
	    .actor = op->by, .host_id = op->host_id, .action = op->op };
	bool waits = op->host == NULL || op->host->conn == NULL;

	if (!op->untold)
		return;
	op->untold = false;
	eventlog_add(op->hub->events, &en, "%s on %s was asked for%s", op->op,
	    op->host_id, waits ? "; it waits for the host" : "");
}

static void
tell_end(struct operation *op, const char *how)
{
	bool fine = op->outcome == OUTCOME_OK;
	const struct eventlog_entry en = { .category = "ops",
	    .quota = op->adopted && op->host != NULL ? &op->host->quota : NULL,
	    .level = fine ? "success" : op->outcome == OUTCOME_STOPPED ?
	    "warning" : "error", .actor = op->by, .host_id = op->host_id,
	    .action = op->op };

	eventlog_add(op->hub->events, &en, "%s on %s %s: %s%s%s", op->op,
	    op->host_id, how, names_outcome(op->outcome),
	    op->message != NULL ? ", " : "",
	    op->message != NULL ? op->message : "");
}

static void
conclude_dialect3(struct operation *op)
{
	struct hub *hub = op->hub;
	bool ok = op->outcome == OUTCOME_OK;

	if (op->host->dialect != WIRE_DIALECT_MIN || op->def == NULL ||
	    !op->reported || (!ok && op->outcome != OUTCOME_FAILED))
		return;
	if (host_facts_result(hub->intern, op->host, op->def, ok) == 0)
		return;
	fleet_save(hub->fleet, op->host);
	fleet_changed(hub->fleet, op->host, FLEET_COMPARTMENTS);
}

static void
finish(struct operation *op)
{
	struct operations *ops = op->hub->operations;
	struct fleet_host *h = op->host;

	op->awaited = op->state == OP_AWAITING_RECONNECT;
	op->state = OP_FINISHED;
	op->deadline_at = 0;
	if (op->finished_at == 0)
		op->finished_at = tick_wall();
	deadline_disarm(op->hub->deadlines, &op->deadline);
	oplist_close(op);
	oplist_keep(ops, op);
	ops->ended[op->outcome]++;
	opstore_save(op);
	opbound_over(op);
	opstep_changed(op);
	tell_end(op, "ended");
	if (h != NULL) {
		if (!op->reported && op->sent_at != 0)
			oplist_doubt(h, op);
		conclude_dialect3(op);
		fleet_judge(op->hub->fleet, h);
		opstep_start_next(h);
	}
	oplist_release(op);
}

static void
end_as(struct operation *op, enum outcome outcome, bool reported,
    const char *message)
{
	op->outcome = (uint8_t)outcome;
	op->reported = reported;
	op->exit_code = RECORD_NONE;
	op->finished_at = 0;
	set_message(op, message);
	finish(op);
}

static void
correct(struct operation *op, const struct opstep_result *res)
{
	if (op->reported) {
		opstore_save(op);
		return;
	}
	take_result(op, res);
	opstore_save(op);
	opstep_changed(op);
	tell_end(op, "was reported late");
	if (op->host == NULL)
		return;
	conclude_dialect3(op);
	fleet_judge(op->hub->fleet, op->host);
	if (op->host->doubtful == op)
		oplist_doubt(op->host, NULL);
}

static const char *
overdue_text(const struct operation *op)
{
	switch ((enum op_state)op->state) {
	case OP_QUEUED:
		return ("the host did not connect in time");
	case OP_AWAITING_RECONNECT:
		return ("the host did not come back in time");
	case OP_LOST:
		return ("the host went away and did not report in time");
	default:
		return ("the deadline passed and the host did not report the "
		    "end");
	}
}

/* It was to go away and come back; LEAVES may have brought a result. */
static void
end_back(struct operation *op)
{
	if (op->finished_at != 0)
		finish(op);
	else
		end_as(op, OUTCOME_OK, true, "the host is back");
}

void
opstep_event(struct operation *op, enum opstate_event ev,
    const struct opstep_result *res)
{
	struct opstate_step step = opstate_step(op->state, ev);

	switch (step.act) {
	case OPSTATE_ILLEGAL:
	case OPSTATE_IGNORE:
		break;
	case OPSTATE_SEND:
		opstep_enter(op, step.next);
		send_command(op);
		break;
	case OPSTATE_ENTER:
		if (ev == OPSTATE_EV_LEAVES)
			take_result(op, res);
		opstep_enter(op, step.next);
		break;
	case OPSTATE_OVERDUE:
	case OPSTATE_ASK_STOP:
		op->overdue = op->overdue || step.act == OPSTATE_OVERDUE;
		opstep_enter(op, step.next);
		send_stop(op);
		break;
	case OPSTATE_END_RESULT:
	case OPSTATE_END_REFUSED:
		take_result(op, res);
		finish(op);
		break;
	case OPSTATE_END_STOPPED:
		end_as(op, OUTCOME_STOPPED, true, "it was not sent");
		break;
	case OPSTATE_END_TIMED_OUT:
		end_as(op, OUTCOME_TIMED_OUT, false, overdue_text(op));
		break;
	case OPSTATE_END_INTERRUPTED:
		end_as(op, OUTCOME_INTERRUPTED, false, op->host == NULL ?
		    "the host was removed" : "the host does not work on it "
		    "any more and did not report the end");
		break;
	case OPSTATE_END_BACK:
		end_back(op);
		break;
	case OPSTATE_END_UNSTORED:
		end_as(op, OUTCOME_FAILED, true, "the hub could not store it: "
		    "it was not sent");
		break;
	case OPSTATE_CORRECT:
		correct(op, res);
		break;
	}
}

void
opstep_start_next(struct fleet_host *h)
{
	struct operation *next;

	if (h->conn == NULL || !agent_link_ready(h->conn) || h->ops == NULL ||
	    h->ops->hub->operations->settling)
		return;
	for (struct operation *op = h->ops; op != NULL; op = next) {
		next = op->next;
		if (op->state == OP_QUEUED && op->stored &&
		    (operation_beside(h, op->def) ||
		    operation_running(h) == NULL))
			opstep_event(op, OPSTATE_EV_SEND, NULL);
	}
}
