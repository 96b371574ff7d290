#include <stdlib.h>

#include "eventlog.h"
#include "feed.h"
#include "fleet.h"
#include "hub.h"
#include "oplist.h"
#include "present.h"
#include "str.h"

/* Four deltas a second at most. */
#define FEED_MS 250

struct feed {
	struct hub *hub;
	struct feed_sink sink;
	bool on, armed;
	uv_timer_t timer;
	struct operation **ops;		/* held */
	size_t nops, capops;
	json_t *removed;		/* array or NULL */
	size_t nevents;			/* the newest of the log */
	bool repository;
};

int
feed_new(struct hub *hub, struct feed **out, struct err *e)
{
	struct feed *f = str_alloc(sizeof(*f));
	int rc;

	if ((rc = uv_timer_init(hub->loop, &f->timer)) != 0) {
		free(f);
		return (err_set(e, ERR_SYS, "timer: %s", uv_strerror(rc)));
	}
	f->hub = hub;
	f->timer.data = f;
	*out = f;
	return (0);
}

static void
forget(struct feed *f)
{
	for (size_t i = 0; i < f->nops; i++) {
		f->ops[i]->in_feed = false;
		oplist_release(f->ops[i]);
	}
	f->nops = 0;
	json_decref(f->removed);
	f->removed = NULL;
	f->nevents = 0;
	f->repository = false;
	f->armed = false;
	uv_timer_stop(&f->timer);
}

static void
on_closed(uv_handle_t *t)
{
	free(t->data);
}

void
feed_free(struct feed **fp)
{
	struct feed *f = *fp;

	if (f == NULL)
		return;
	*fp = NULL;
	forget(f);
	free(f->ops);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}

void
feed_sink(struct feed *f, const struct feed_sink *sink)
{
	const struct feed_sink none = { 0 };

	f->sink = sink != NULL ? *sink : none;
}

struct patches {
	struct hub *hub;
	json_t *list;
};

static void
on_patch(void *cookie, const struct fleet_host *h, unsigned what)
{
	struct patches *p = cookie;

	json_array_append_new(p->list, present_patch(p->hub, h, what));
}

static void
on_nothing(void *cookie, const struct fleet_host *h, unsigned what)
{
	(void)cookie;
	(void)h;
	(void)what;
}

struct events {
	json_t *list;
	size_t left;
};

static void
on_event(void *cookie, const struct store_event *ev)
{
	struct events *e = cookie;

	if (e->left == 0)
		return;
	e->left--;
	json_array_insert_new(e->list, 0, present_event(ev));
}

static void
add_list(json_t *delta, const char *key, json_t *list)
{
	if (json_array_size(list) > 0)
		json_object_set(delta, key, list);
}

void
feed_flush(struct feed *f)
{
	struct patches p = { f->hub, json_array() };
	struct events events = { json_array(), f->nevents };
	json_t *delta = json_object(), *ops = json_array();

	fleet_take_changed(f->hub->fleet, on_patch, &p);
	for (size_t i = 0; i < f->nops; i++)
		json_array_append_new(ops, present_operation(f->ops[i]));
	add_list(delta, "hosts", p.list);
	add_list(delta, "hosts_removed", f->removed);
	add_list(delta, "operations", ops);
	eventlog_recent(f->hub->events, on_event, &events);
	add_list(delta, "events", events.list);
	if (f->repository)
		json_object_set_new(delta, "repository",
		    present_repository(f->hub));
	forget(f);
	if (json_object_size(delta) > 0 && f->sink.on_delta != NULL)
		f->sink.on_delta(f->sink.cookie, delta);
	json_decref(p.list);
	json_decref(ops);
	json_decref(events.list);
	json_decref(delta);
}

static void
on_timer(uv_timer_t *t)
{
	feed_flush(t->data);
}

static void
touch(struct feed *f)
{
	if (f->armed)
		return;
	f->armed = true;
	uv_timer_start(&f->timer, on_timer, FEED_MS, 0);
}

void
feed_on(struct feed *f, bool on)
{
	if (f->on == on)
		return;
	f->on = on;
	if (on)
		return;
	fleet_take_changed(f->hub->fleet, on_nothing, NULL);
	forget(f);
}

bool
feed_is_on(const struct feed *f)
{
	return (f->on);
}

void
feed_host(struct feed *f)
{
	touch(f);
}

void
feed_host_removed(struct feed *f, const char *id)
{
	if (!f->on)
		return;
	if (f->removed == NULL)
		f->removed = json_array();
	json_array_append_new(f->removed, json_string(id));
	touch(f);
}

void
feed_operation(struct feed *f, struct operation *op)
{
	if (!f->on || op->in_feed)
		return;
	if (f->nops == f->capops) {
		f->capops = f->capops == 0 ? 64 : f->capops * 2;
		f->ops = realloc(f->ops,
		    f->capops * sizeof(struct operation *));
		if (f->ops == NULL)
			abort();
	}
	op->in_feed = true;
	oplist_hold(op);
	f->ops[f->nops++] = op;
	touch(f);
}

void
feed_event(struct feed *f)
{
	if (!f->on)
		return;
	f->nevents++;
	touch(f);
}

void
feed_repository(struct feed *f)
{
	if (!f->on)
		return;
	f->repository = true;
	touch(f);
}

void
feed_output(struct feed *f, const struct operation *op,
    const struct store_line *lines, size_t n)
{
	if (f->on && f->sink.on_output != NULL)
		f->sink.on_output(f->sink.cookie, op, lines, n);
}
