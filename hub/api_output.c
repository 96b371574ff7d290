#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "fleet.h"
#include "http.h"
#include "hub.h"
#include "operation.h"
#include "present.h"
#include "server.h"
#include "str.h"

/* Lines read at once; a log is at most 64 MiB. */
#define PAGE 2000

/* A log on its way from the store to the client. */
struct reading {
	struct http_req *req;
	char op_id[27];
	struct buf text;	/* as text/plain */
	json_t *lines;		/* or as JSON, one page only */
	int64_t next;		/* the last seq that was read */
	size_t limit;		/* of the page under way */
	bool finished;		/* the operation is over */
};

static void	 read_page(struct reading *);

static struct reading *
reading_new(struct http_req *r, const struct operation *op)
{
	struct reading *rd = str_alloc(sizeof(*rd));

	rd->req = r;
	memcpy(rd->op_id, op->id, sizeof(rd->op_id));
	rd->limit = PAGE;
	rd->finished = op->state == OP_FINISHED;
	return (rd);
}

static void
reading_free(struct reading *rd)
{
	buf_free(&rd->text);
	json_decref(rd->lines);
	free(rd);
}

static void
answer_json(struct reading *rd, size_t n)
{
	http_reply_json(rd->req, 200, json_pack("{s:O, s:I, s:b}", "lines",
	    rd->lines, "next", (json_int_t)rd->next, "complete",
	    rd->finished && n < rd->limit));
}

static void
on_page(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct reading *rd = cookie;
	size_t i;

	if (failed != NULL) {
		http_reply_err(rd->req, failed);
		reading_free(rd);
		return;
	}
	for (i = 0; i < n; i++) {
		const struct store_line *l = rows[i];

		rd->next = l->seq;
		if (rd->lines != NULL)
			json_array_append_new(rd->lines, present_line(l));
		else
			buf_addf(&rd->text, "%s\n", l->text);
	}
	if (rd->lines != NULL)
		answer_json(rd, n);
	else if (n == rd->limit && rd->req->conn != NULL) {
		read_page(rd);
		return;
	} else
		http_reply(rd->req, 200, "text/plain; charset=utf-8",
		    rd->text.data, rd->text.len);
	reading_free(rd);
}

static void
read_page(struct reading *rd)
{
	operation_output(rd->req->srv->hub->operations, rd->op_id, rd->next,
	    rd->limit, on_page, rd);
}

/* Is there an operation to answer with?  If not, that is answered. */
static bool
was_found(struct http_req *r, size_t n, const struct err *failed)
{
	if (http_gone(r))
		return (false);
	if (failed != NULL)
		http_reply_err(r, failed);
	else if (n == 0)
		http_reply_error(r, 404, "not_found",
		    "there is no operation %s", r->params[0]);
	return (failed == NULL && n > 0);
}

static void
start_lines(struct http_req *r, const struct operation *op)
{
	struct reading *rd;
	int64_t after, limit;

	if (http_query_int(r, "after", 0, 0, INT64_MAX, &after) == -1 ||
	    http_query_int(r, "limit", 1000, 1, 10000, &limit) == -1)
		return;
	rd = reading_new(r, op);
	rd->lines = json_array();
	rd->next = after;
	rd->limit = (size_t)limit;
	read_page(rd);
}

static void
on_lines_op(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;

	if (was_found(r, n, failed))
		start_lines(r, ops[0]);
}

static void
on_log_op(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;

	if (was_found(r, n, failed))
		read_page(reading_new(r, ops[0]));
}

/* The operation of the path, from memory or the store. */
static void
find_op(struct http_req *r, operation_listed *found)
{
	struct operations *all = r->srv->hub->operations;
	struct operation_filter f = { .id = r->params[0], .limit = 1 };
	struct operation *op;

	if ((op = operation_find(all, r->params[0])) != NULL)
		found(r, &op, 1, NULL);
	else
		operation_list(all, &f, found, r);
}

void
api_output_lines(struct http_req *r)
{
	find_op(r, on_lines_op);
}

void
api_output_log(struct http_req *r)
{
	find_op(r, on_log_op);
}

static void
on_newest(void *cookie, struct operation *const *ops, size_t n,
    const struct err *failed)
{
	struct http_req *r = cookie;
	struct reading *rd;
	int64_t tail;

	if (http_gone(r))
		return;
	if (failed != NULL) {
		http_reply_err(r, failed);
		return;
	}
	if (http_query_int(r, "lines", 0, 0, INT64_MAX, &tail) == -1)
		return;
	if (n == 0) {
		http_reply(r, 200, "text/plain; charset=utf-8", "", 0);
		return;
	}
	rd = reading_new(r, ops[0]);
	if (tail > 0 && ops[0]->last_seq > tail)
		rd->next = ops[0]->last_seq - tail;
	read_page(rd);
}

void
api_output_host(struct http_req *r)
{
	struct operation_filter f = { .limit = 1 };
	const struct fleet_host *h;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	f.host = h->id;
	operation_list(r->srv->hub->operations, &f, on_newest, r);
}
