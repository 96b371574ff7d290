#include <stdlib.h>

#include "fleet.h"
#include "hub.h"
#include "oplist.h"
#include "oprow.h"
#include "tick.h"

#define RECENT 100
/* A host may repeat its last word for a while. */
#define RECENT_MS 60000

void
oplist_hold(struct operation *op)
{
	op->refs++;
}

void
oplist_release(struct operation *op)
{
	if (op == NULL || --op->refs > 0)
		return;
	strmap_del(&op->hub->operations->by_id, op->id);
	oprow_free(op);
}

void
oplist_add(struct operations *ops, struct operation *op)
{
	strmap_put(&ops->by_id, op->id, op);
	oplist_hold(op);
}

void
oplist_keep(struct operations *ops, struct operation *op)
{
	struct operation *old;

	oplist_hold(op);
	op->kept_at = tick_mono();
	op->newer = NULL;
	*ops->newest = op;
	ops->newest = &op->newer;
	ops->nrecent++;
	while (ops->nrecent > RECENT &&
	    ops->oldest->kept_at < op->kept_at - RECENT_MS) {
		old = ops->oldest;
		ops->oldest = old->newer;
		ops->nrecent--;
		oplist_release(old);
	}
}

void
oplist_doubt(struct fleet_host *h, struct operation *op)
{
	if (op != NULL)
		oplist_hold(op);
	oplist_release(h->doubtful);
	h->doubtful = op;
}

void
oplist_open(struct operation *op)
{
	struct operation **at;

	for (at = &op->host->ops; *at != NULL; at = &(*at)->next)
		continue;
	*at = op;
	op->next = NULL;
}

void
oplist_close(struct operation *op)
{
	struct operation **at;

	if (op->host == NULL)
		return;
	for (at = &op->host->ops; *at != NULL && *at != op;)
		at = &(*at)->next;
	if (*at == op)
		*at = op->next;
	op->next = NULL;
}

void
oplist_orphan(struct operations *ops, struct fleet_host *h)
{
	oplist_doubt(h, NULL);
	for (size_t i = 0; i < ops->by_id.size; i++) {
		struct operation *op = ops->by_id.slots[i].value;

		if (op != NULL && op->host == h)
			op->host = NULL;
	}
}
