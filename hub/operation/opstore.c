#include <stdlib.h>

#include "agent_link.h"
#include "fleet.h"
#include "hub.h"
#include "oplist.h"
#include "oprow.h"
#include "opstep.h"
#include "opstore.h"
#include "store.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

#define RECENT 100

/* Rows on their way, written together. */
struct saving {
	size_t n;
	struct saved {
		struct operation *op;	/* held */
		bool finished;		/* in this row */
	} list[];
};

static void
ack_status(struct operation *op)
{
	struct wire_msg msg = { .type = WIRE_STATUS_ACK };

	if (!op->ack_status || op->host == NULL || op->host->conn == NULL)
		return;
	op->ack_status = false;
	msg.u.status_ack.op_id = op->id;
	agent_link_send(op->host->conn, &msg);
}

static void
act(const struct saved *s)
{
	bool first = !s->op->stored;

	s->op->stored = true;
	if (s->finished)
		ack_status(s->op);
	else if (first && s->op->host != NULL)
		opstep_start_next(s->op->host);
}

/* First all the hosts, then the books. */
static void
on_saved(void *cookie, const struct err *failed)
{
	struct saving *all = cookie;

	for (size_t i = 0; i < all->n; i++) {
		if (failed == NULL)
			act(&all->list[i]);
		else
			opstep_event(all->list[i].op, OPSTATE_EV_UNSTORED,
			    NULL);
	}
	for (size_t i = 0; i < all->n; i++) {
		if (failed == NULL)
			opstep_tell_asked(all->list[i].op);
		oplist_release(all->list[i].op);
	}
	free(all);
}

static void
flush(void *cookie)
{
	struct operations *ops = cookie;
	size_t n = ops->nunsaved;
	struct store_operation *rows;
	struct saving *all;

	if (n == 0)
		return;
	rows = str_alloc(n * sizeof(*rows));
	all = str_alloc(sizeof(*all) + n * sizeof(all->list[0]));
	all->n = n;
	for (size_t i = 0; i < n; i++) {
		struct operation *op = ops->unsaved[i];

		op->unsaved = false;
		all->list[i].op = op;
		all->list[i].finished = op->state == OP_FINISHED;
		oprow_fill(op, &rows[i]);
	}
	ops->nunsaved = 0;
	store_put(ops->hub->store, STORE_OPERATION, rows, n, on_saved, all);
	free(rows);
}

void
opstore_save(struct operation *op)
{
	struct operations *ops = op->hub->operations;

	if (op->unsaved)
		return;
	if (ops->nunsaved == ops->capunsaved) {
		ops->capunsaved = ops->capunsaved == 0 ? 64 :
		    ops->capunsaved * 2;
		ops->unsaved = realloc(ops->unsaved,
		    ops->capunsaved * sizeof(struct operation *));
		if (ops->unsaved == NULL)
			abort();
	}
	op->unsaved = true;
	oplist_hold(op);
	ops->unsaved[ops->nunsaved++] = op;
}

void
opstore_after(struct operations *ops, store_done *done, void *cookie)
{
	flush(ops);
	store_put(ops->hub->store, STORE_OPERATION, NULL, 0, done, cookie);
}

/* Its host is not here: whatever it was, we lost sight of it. */
static void
restore_open(struct operation *op)
{
	if (op->state == OP_SENT || op->state == OP_RUNNING)
		op->state = OP_LOST;
	oplist_open(op);
	opstep_arm(op);
}

static void
restore(struct operations *ops, const struct store_operation *row)
{
	struct operation *op = oprow_make(ops->hub, row);

	oplist_add(ops, op);
	if (op->state != OP_FINISHED && op->host != NULL) {
		restore_open(op);
		return;
	}
	/* A host that is no more sees nothing to its end. */
	if (op->state != OP_FINISHED) {
		op->state = OP_FINISHED;
		op->outcome = OUTCOME_INTERRUPTED;
		op->finished_at = tick_wall();
		opstore_save(op);
	}
	oplist_keep(ops, op);
	oplist_release(op);
}

static int
on_row(void *cookie, const void *row)
{
	struct operations *ops = cookie;

	if (operation_find(ops, ((const struct store_operation *)row)->id) ==
	    NULL)
		restore(ops, row);
	return (0);
}

static int
on_last_line(void *cookie, const void *row)
{
	const struct store_line *l = row;
	struct operation *op = cookie;

	op->last_seq = op->acked_seq = op->lines = l->seq;
	return (0);
}

static int
load_last_lines(struct operations *ops, struct err *e)
{
	for (size_t i = 0; i < ops->by_id.size; i++) {
		struct operation *op = ops->by_id.slots[i].value;
		struct store_query q = { .table = STORE_LINE, .limit = 1,
		    .newest = true };

		if (op == NULL || op->state == OP_FINISHED)
			continue;
		q.id = op->id;
		if (store_load(ops->hub->store, &q, on_last_line, op, e) == -1)
			return (-1);
	}
	return (0);
}

int
opstore_load(struct operations *ops, struct err *e)
{
	const struct store_query open = { .table = STORE_OPERATION,
	    .open_only = true, .ascending = true };
	const struct store_query newest = { .table = STORE_OPERATION,
	    .state = "finished", .limit = RECENT };

	if (store_load(ops->hub->store, &open, on_row, ops, e) == -1 ||
	    store_load(ops->hub->store, &newest, on_row, ops, e) == -1 ||
	    load_last_lines(ops, e) == -1)
		return (-1);
	store_on_turn_end(ops->hub->store, flush, ops);
	return (0);
}

struct recall {
	struct operations *ops;
	char *host_id;
	opstore_owned *done;
	void (*plain)(void *);	/* instead of ${done} */
	void *cookie;
};

static void
on_recalled(void *cookie, void *const *rows, size_t n,
    const struct err *failed)
{
	struct recall *r = cookie;
	const struct store_operation *row = n > 0 ? rows[0] : NULL;

	(void)failed;
	if (row != NULL && str_eq(row->host_id, r->host_id) &&
	    operation_find(r->ops, row->id) == NULL)
		restore(r->ops, row);
	if (r->plain != NULL)
		r->plain(r->cookie);
	else
		r->done(r->cookie, row != NULL ? row->host_id : NULL);
	free(r->host_id);
	free(r);
}

static struct recall *
recall(struct operations *ops, const struct fleet_host *h, const char *id,
    void *cookie)
{
	const struct store_query q = { .table = STORE_OPERATION, .id = id,
	    .limit = 1 };
	struct recall *r = str_alloc(sizeof(*r));

	r->ops = ops;
	r->host_id = str_dup(h->id);
	r->cookie = cookie;
	store_find(ops->hub->store, &q, on_recalled, r);
	return (r);
}

void
opstore_recall(struct operations *ops, struct fleet_host *h, const char *id,
    void (*done)(void *), void *cookie)
{
	if (operation_find(ops, id) != NULL)
		done(cookie);
	else
		recall(ops, h, id, cookie)->plain = done;
}

void
opstore_owner(struct operations *ops, struct fleet_host *h, const char *id,
    opstore_owned *done, void *cookie)
{
	recall(ops, h, id, cookie)->done = done;
}
