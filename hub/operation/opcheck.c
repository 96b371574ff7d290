#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fleet.h"
#include "opcheck.h"
#include "wire.h"

/* What may wait for one host. */
#define QUEUE_MAX 10

bool
opcheck_no(struct operation_refusal *r, const char *code, const char *fmt, ...)
{
	va_list ap;

	r->code = code;
	va_start(ap, fmt);
	vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	return (true);
}

static bool
bad_args(const struct fleet_host *h, const struct wire_op *def,
    const json_t *args, struct operation_refusal *r)
{
	json_t *a = (json_t *)(uintptr_t)args, *v;
	const char *key;

	if (args == NULL)
		return (false);
	if (!json_is_object(args))
		return (opcheck_no(r, "bad_args", "args must be an object"));
	json_object_foreach(a, key, v) {
		if (!wire_op_has_arg(def, key))
			return (opcheck_no(r, "bad_args", "%s takes no "
			    "argument \"%s\"", def->name, key));
	}
	if (json_object_size(args) > 0 && h->dialect == WIRE_DIALECT_MIN)
		return (opcheck_no(r, "bad_args", "the agent of %s (%s) takes "
		    "no arguments: update it first", h->id, h->agent_version));
	return (false);
}

static bool
cannot_wait(const struct fleet_host *h, const struct wire_op *def,
    struct operation_refusal *r)
{
	size_t n = 0;

	for (const struct operation *op = h->ops; op != NULL; op = op->next) {
		if (op->state != OP_QUEUED)
			continue;
		n++;
		if (op->def == def)
			return (opcheck_no(r, "already_queued", "%s waits for "
			    "%s already", def->name, h->id));
	}
	if (n >= QUEUE_MAX)
		return (opcheck_no(r, "queue_full", "%d operations wait for "
		    "%s already", QUEUE_MAX, h->id));
	return (false);
}

static bool
busy(const struct fleet_host *h, const struct wire_op *def,
    struct operation_refusal *r)
{
	if (operation_beside(h, def))
		return (false);
	for (const struct operation *op = h->ops; op != NULL; op = op->next)
		if (op->def == NULL || !operation_beside(h, op->def))
			return (opcheck_no(r, "busy", "%s is running on %s",
			    op->op, h->id));
	return (false);
}

/*
 * A switch of an old revision is hardly what was meant.  That a host has or
 * runs the newest one already is no reason: what we know of the branch is as
 * old as our last look at it.
 */
static bool
outdated(const struct fleet_host *h, const struct wire_op *def,
    struct operation_refusal *r)
{
	if (strcmp(def->name, "switch") != 0 ||
	    h->status[COMPARTMENT_LOCK] != CHECK_OUTDATED)
		return (false);
	return (opcheck_no(r, "lock_outdated", "flake.lock on %s is not the "
	    "newest: pull first", h->id));
}

bool
opcheck_refuse(const struct fleet_host *h, const struct wire_op *def,
    const struct operation_ask *ask, struct operation_refusal *r)
{
	bool online = fleet_online(h);

	if (h->dialect == WIRE_DIALECT_MIN && def->dialect > WIRE_DIALECT_MIN)
		return (opcheck_no(r, "unknown_op", "the agent of %s (%s) does "
		    "not know %s: update it first", h->id, h->agent_version,
		    def->name));
	if (bad_args(h, def, ask->args, r))
		return (true);
	if (!online && (def->flags & WIRE_OP_ONLINE_ONLY) != 0)
		return (opcheck_no(r, "offline", "%s is offline, and %s cannot "
		    "wait", h->id, def->name));
	if (!online)
		return (cannot_wait(h, def, r));
	if (ask->force)
		return (cannot_wait(h, def, r));
	return (busy(h, def, r) || outdated(h, def, r));
}
