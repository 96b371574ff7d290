#include <jansson.h>
#include <stddef.h>

#include "str.h"
#include "wire.h"

#include "dots.h"

static const struct {
	const char *op;
	const char *row;
	int total;
} rows[] = {
	{ "pull", "pull", 4 },
	{ "switch", "system", 3 },
	{ "pull-switch", "pull", 4 },
	{ "pull-switch", "system", 3 },
	{ "test", "tests", 8 },
};

static void
send_dots(struct hublink *link, const char *op, int full, const char *word)
{
	struct wire_msg msg = { .type = WIRE_OPERATION_PROGRESS };
	json_t *all = json_object(), *one;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_eq(rows[i].op, op))
			continue;
		one = json_pack("{s:i, s:i, s:s}", "current",
		    full ? rows[i].total : 0, "total", rows[i].total,
		    "status", word);
		if (str_eq(rows[i].row, "tests"))
			(void)json_object_set_new(one, "results",
			    json_null());
		(void)json_object_set_new(all, rows[i].row, one);
	}
	msg.u.operation_progress.progress = all;
	if (json_object_size(all) > 0)
		hublink_send(link, wire_encode(&msg, 3));
	json_decref(all);
}

void
dots_begin(struct hublink *link, const char *op)
{

	send_dots(link, op, 0, "in_progress");
}

void
dots_end(struct hublink *link, const char *op, bool ok)
{

	send_dots(link, op, ok, ok ? "complete" : "error");
}
