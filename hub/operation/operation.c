#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "eventlog.h"
#include "fleet.h"
#include "hub.h"
#include "intern.h"
#include "opcheck.h"
#include "operation.h"
#include "oplist.h"
#include "oprow.h"
#include "opstep.h"
#include "opstore.h"
#include "opunknown.h"
#include "ratelimit.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"
#include "wire.h"

/* Operations of its own that one host may tell of in an hour. */
#define ADOPTIONS 1000
#define HOUR_MS 3600000
#define ADOPTERS 1024

int
operations_new(struct hub *hub, struct operations **out, struct err *e)
{
	struct operations *ops = str_alloc(sizeof(*ops));

	ops->hub = hub;
	ops->newest = &ops->oldest;
	ops->adoptions = ratelimit_new(ADOPTIONS, HOUR_MS, ADOPTERS);
	*out = hub->operations = ops;
	if (opstore_load(ops, e) == -1) {
		operations_free(out);
		return (-1);
	}
	return (0);
}

void
operations_free(struct operations **opsp)
{
	struct operations *ops = *opsp;

	if (ops == NULL)
		return;
	for (size_t i = 0; i < ops->by_id.size; i++) {
		struct operation *op = ops->by_id.slots[i].value;

		if (op == NULL)
			continue;
		deadline_disarm(ops->hub->deadlines, &op->deadline);
		oprow_free(op);
	}
	opunknown_free(ops);
	free(ops->unsaved);
	strmap_done(&ops->by_id);
	ratelimit_free(&ops->adoptions);
	free(ops);
	*opsp = NULL;
}

struct operation *
operation_find(const struct operations *ops, const char *id)
{
	return (strmap_get(&ops->by_id, id));
}

void
operation_each(const struct operations *ops,
    void (*fn)(void *, const struct operation *), void *cookie)
{
	for (size_t i = 0; i < ops->by_id.size; i++)
		if (ops->by_id.slots[i].value != NULL)
			fn(cookie, ops->by_id.slots[i].value);
}

/* A dialect 3 agent does but one thing at a time. */
bool
operation_beside(const struct fleet_host *h, const struct wire_op *def)
{
	unsigned flag = h->dialect == WIRE_DIALECT_MIN ? WIRE_OP_DISRUPTIVE :
	    WIRE_OP_IMMEDIATE;

	return (def != NULL && (def->flags & flag) != 0);
}

struct operation *
operation_running(const struct fleet_host *h)
{
	for (struct operation *op = h->ops; op != NULL; op = op->next)
		if (op->state != OP_QUEUED && !operation_beside(h, op->def))
			return (op);
	return (NULL);
}

size_t
operation_queued(const struct fleet_host *h)
{
	size_t n = 0;

	for (const struct operation *op = h->ops; op != NULL; op = op->next)
		n += op->state == OP_QUEUED;
	return (n);
}

static struct operation *
operation_make(struct operations *ops, struct fleet_host *h, const char *name,
    const char *by)
{
	struct operation *op = str_alloc(sizeof(*op));
	struct intern *in = ops->hub->intern;

	op->hub = ops->hub;
	op->host = h;
	op->host_id = intern_get(in, h->id);
	op->op = intern_get(in, name);
	op->by = intern_get(in, by);
	op->def = wire_op_find(op->op);
	op->exit_code = RECORD_NONE;
	op->created_at = tick_wall();
	return (op);
}

static struct operation *
ask_stop(struct fleet_host *h, const char *by, struct operation_refusal *r)
{
	struct operation *op = operation_running(h);
	struct err e;

	if (op == NULL)
		op = h->ops;
	if (op == NULL || operation_stop(op, by, &e) == -1) {
		opcheck_no(r, "no_pending", "nothing is running on %s", h->id);
		return (NULL);
	}
	return (op);
}

struct operation *
operation_ask(struct operations *ops, struct fleet_host *h,
    const struct operation_ask *ask, struct operation_refusal *r)
{
	const struct wire_op *def = wire_op_find_remote(ask->op);
	struct operation *op;
	const char *near;

	if (def == NULL) {
		near = wire_op_nearest(ask->op);
		opcheck_no(r, "unknown_op", "there is no operation \"%.40s\"%s"
		    "%s%s", ask->op, near != NULL ? ": did you mean \"" : "",
		    near != NULL ? near : "", near != NULL ? "\"?" : "");
		return (NULL);
	}
	if (strcmp(def->name, "stop") == 0)
		return (ask_stop(h, ask->by, r));
	if (opcheck_refuse(h, def, ask, r))
		return (NULL);
	op = operation_make(ops, h, def->name, ask->by);
	ulid_make(op->id);
	op->forced = ask->force;
	if (ask->args != NULL && json_object_size(ask->args) > 0)
		op->args = json_dumps(ask->args, JSON_COMPACT);
	oplist_add(ops, op);
	oplist_open(op);
	op->untold = true;
	opstep_arm(op);
	opstore_save(op);
	opstep_changed(op);
	return (op);
}

int
operation_stop(struct operation *op, const char *by, struct err *e)
{
	const struct eventlog_entry en = { .category = "ops", .level = "info",
	    .actor = by, .host_id = op->host_id, .action = "stop" };

	if (op->state == OP_FINISHED)
		return (err_set(e, ERR_REFUSED, "%s on %s is over", op->op,
		    op->host_id));
	eventlog_add(op->hub->events, &en, "%s on %s is to stop", op->op,
	    op->host_id);
	opstep_event(op, OPSTATE_EV_STOP, NULL);
	return (0);
}

struct operation *
operation_adopt(struct operations *ops, struct fleet_host *h,
    const struct operation_adopt *a)
{
	struct operation *op = operation_make(ops, h, a->op, a->by);

	snprintf(op->id, sizeof(op->id), "%s", a->id);
	op->accepted = op->adopted = true;
	oplist_add(ops, op);
	oplist_open(op);
	opstep_enter(op, OP_RUNNING);
	return (op);
}

struct listing {
	struct operations *ops;
	operation_listed *done;
	void *cookie;
};

/* What is in memory is newer than what was read. */
static void
on_listed(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct listing *l = cookie;
	struct operation **list = str_alloc((n + 1) * sizeof(*list));
	bool *made = str_alloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct store_operation *row = rows[i];

		if ((list[i] = operation_find(l->ops, row->id)) == NULL) {
			list[i] = oprow_make(l->ops->hub, row);
			made[i] = true;
		}
	}
	l->done(l->cookie, list, n, failed);
	for (size_t i = 0; i < n; i++)
		if (made[i])
			oprow_free(list[i]);
	free(made);
	free(list);
	free(l);
}

void
operation_list(struct operations *ops, const struct operation_filter *f,
    operation_listed *done, void *cookie)
{
	const struct store_query q = { .table = STORE_OPERATION, .id = f->id,
	    .host = f->host, .state = f->state, .before = f->before,
	    .limit = f->limit };
	struct listing *l = str_alloc(sizeof(*l));

	l->ops = ops;
	l->done = done;
	l->cookie = cookie;
	store_find(ops->hub->store, &q, on_listed, l);
}

void
operation_output(struct operations *ops, const char *id, int64_t after,
    size_t limit, store_found *found, void *cookie)
{
	const struct store_query q = { .table = STORE_LINE, .id = id,
	    .after = after, .limit = limit };

	store_find(ops->hub->store, &q, found, cookie);
}
