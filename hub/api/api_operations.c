#include <string.h>

#include "api.h"
#include "fleet.h"
#include "http.h"
#include "hub.h"
#include "names.h"
#include "operation.h"
#include "present.h"
#include "server.h"
#include "ulid.h"

static void
on_list(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;
	json_t *list;
	size_t i;

	if (failed != NULL) {
		http_reply_err(r, failed);
		return;
	}
	list = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(list, present_operation(ops[i]));
	http_reply_json(r, 200, json_pack("{s:o}", "operations", list));
}

void
api_operations_list(struct http_req *r)
{
	struct operation_filter f = {
		.host = http_pairs_get(&r->query, "host"),
		.state = http_pairs_get(&r->query, "state"),
		.before = http_pairs_get(&r->query, "before"),
	};
	int64_t limit;

	if (http_query_int(r, "limit", 50, 1, 500, &limit) == -1)
		return;
	if (f.state != NULL && names_op_state_parse(f.state) == -1)
		http_reply_error(r, 400, "bad_query", "state=%s: queued, "
		    "sent, running, stopping, lost, awaiting_reconnect or "
		    "finished is wanted", f.state);
	else if (f.before != NULL && !ulid_valid(f.before))
		http_reply_error(r, 400, "bad_query",
		    "before=%s: the id of an operation is wanted", f.before);
	else {
		f.limit = (size_t)limit;
		operation_list(r->srv->hub->operations, &f, on_list, r);
	}
}

static void
on_one(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;

	if (failed != NULL)
		http_reply_err(r, failed);
	else if (n == 0)
		http_reply_error(r, 404, "not_found",
		    "there is no operation %s", r->params[0]);
	else
		http_reply_json(r, 200, present_operation(ops[0]));
}

void
api_operations_show(struct http_req *r)
{
	struct operation_filter f = { .id = r->params[0], .limit = 1 };
	struct operation *op;

	op = operation_find(r->srv->hub->operations, r->params[0]);
	if (op != NULL)
		on_one(r, &op, 1, NULL);
	else
		operation_list(r->srv->hub->operations, &f, on_one, r);
}

/* Not in memory: over long ago, or never there. */
static void
on_stop_old(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;

	if (failed != NULL || n == 0)
		on_one(r, ops, n, failed);
	else
		http_reply_error(r, 409, "finished",
		    "operation %s is over", r->params[0]);
}

void
api_operations_stop(struct http_req *r)
{
	struct operations *all = r->srv->hub->operations;
	struct operation_filter f = { .id = r->params[0], .limit = 1 };
	struct operation *op;
	struct err e;

	if ((op = operation_find(all, r->params[0])) == NULL)
		operation_list(all, &f, on_stop_old, r);
	else if (operation_stop(op, "operator", &e) == -1)
		http_reply_error(r, 409, "finished", "%s", e.text);
	else
		http_reply_json(r, 200, present_operation(op));
}

void
api_operations_states(struct http_req *r)
{
	struct fleet *f = r->srv->hub->fleet;
	const struct fleet_host *h;
	const struct operation *op;
	json_t *states = json_object();
	size_t i;

	for (i = 0; i < fleet_count(f); i++) {
		h = fleet_at(f, i);
		if ((op = operation_running(h)) != NULL)
			json_object_set_new(states, h->id,
			    present_operation(op));
	}
	http_reply_json(r, 200, json_pack("{s:o}", "states", states));
}
