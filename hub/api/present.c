#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "fleet.h"
#include "hub.h"
#include "mirror.h"
#include "operation.h"
#include "present.h"
#include "record.h"
#include "store.h"
#include "wire.h"

#define INIT_FINISHED 100

static json_t *
text_or_null(const char *s)
{
	return (s == NULL || *s == '\0' ? json_null() : json_string(s));
}

/* What was JSON text in the store; ${other} if there is none. */
static json_t *
parsed(const char *text, json_t *other)
{
	json_t *v = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) :
	    NULL;

	if (v == NULL)
		return (other);
	json_decref(other);
	return (v);
}

static void
put(json_t *o, const char *key, json_t *v)
{
	json_object_set_new_nocheck(o, key, v);
}

static json_t *
compartment(const struct compartment_view *v)
{
	json_t *o = json_object();

	put(o, "status", json_string(names_check(v->status)));
	put(o, "message", json_string(v->message));
	put(o, "checked_at", record_time(v->checked_at));
	put(o, "behind", v->behind < 0 ? json_null() : json_integer(v->behind));
	return (o);
}

static void
add_link(json_t *o, const struct fleet_host *h)
{
	put(o, "status", json_string(fleet_online(h) ? "online" : "offline"));
	put(o, "liveness", json_string(names_liveness(h->liveness)));
	put(o, "since", record_time(h->since));
	put(o, "dialect", json_integer(h->dialect == 0 ? WIRE_DIALECT_MIN :
	    h->dialect));
}

static void
add_info(json_t *o, const struct fleet_host *h)
{
	put(o, "hostname", json_string(h->id));
	put(o, "host_type", text_or_null(h->host_type));
	put(o, "kind", text_or_null(h->kind));
	put(o, "agent_version", text_or_null(h->agent_version));
	put(o, "os_version", text_or_null(h->os_version));
	put(o, "nixpkgs_version", text_or_null(h->nixpkgs_version));
	put(o, "created_at", record_time(h->created_at));
	put(o, "comment", text_or_null(h->comment));
	put(o, "theme_color", text_or_null(h->theme_color));
	put(o, "location", text_or_null(h->location));
	put(o, "device_type", text_or_null(h->device_type));
	put(o, "repo_url", text_or_null(h->repo_url));
	put(o, "repo_dir", text_or_null(h->repo_dir));
}

/* Two digits are plenty, and a float has no more to say. */
static json_t *
rounded(float v)
{
	char text[64];

	snprintf(text, sizeof(text), "%.2f", (double)v);
	return (json_real(strtod(text, NULL)));
}

static void
add_metrics(json_t *o, const struct fleet_host *h)
{
	static const char *const names[] = { "cpu", "ram", "swap", "load" };
	json_t *m;

	if (!h->has_metrics) {
		put(o, "metrics", json_null());
		return;
	}
	m = json_object();
	for (int i = 0; i < 4; i++)
		put(m, names[i], rounded(h->metrics[i]));
	put(o, "metrics", m);
}

static void
add_compartments(json_t *o, struct hub *hub, const struct fleet_host *h)
{
	struct compartment_view v[COMPARTMENT_COUNT];
	json_t *all = json_object();

	fleet_compartments(hub->fleet, h, v);
	for (int i = 0; i < COMPARTMENT_COUNT; i++)
		put(all, names_compartment(i), compartment(&v[i]));
	put(o, "compartments", all);
	put(o, "generation", text_or_null(h->generation));
	put(o, "agent_outdated", json_boolean(v[COMPARTMENT_AGENT].status ==
	    CHECK_OUTDATED));
}

/* The one that matters most to who looks at the host. */
static const struct operation *
shown(const struct fleet_host *h)
{
	const struct operation *op = operation_running(h);

	for (const struct operation *o = h->ops; op == NULL && o != NULL;
	    o = o->next)
		if (o->state != OP_QUEUED)
			op = o;
	return (op);
}

static void
add_operation(json_t *o, const struct fleet_host *h)
{
	const struct operation *op = shown(h);

	put(o, "pending_command", op == NULL ? json_null() :
	    json_string(op->op));
	put(o, "operation", op == NULL ? json_null() : present_operation(op));
	put(o, "queued", json_integer((json_int_t)operation_queued(h)));
}

json_t *
present_patch(struct hub *hub, const struct fleet_host *h, unsigned what)
{
	json_t *o = json_object();

	put(o, "id", json_string(h->id));
	if ((what & FLEET_INFO) != 0)
		add_info(o, h);
	if ((what & FLEET_LINK) != 0)
		add_link(o, h);
	if ((what & (FLEET_SEEN | FLEET_LINK)) != 0)
		put(o, "last_seen", record_time(h->last_seen));
	if ((what & FLEET_IDENTITY) != 0)
		put(o, "identity", json_string(identity_name(h->token_state)));
	if ((what & FLEET_OPERATION) != 0)
		add_operation(o, h);
	if ((what & FLEET_METRICS) != 0)
		add_metrics(o, h);
	if ((what & (FLEET_COMPARTMENTS | FLEET_INFO)) != 0)
		add_compartments(o, hub, h);
	if ((what & FLEET_FACTS) != 0)
		put(o, "facts", parsed(h->facts, json_null()));
	return (o);
}

json_t *
present_host(struct hub *hub, const struct fleet_host *h)
{
	return (present_patch(hub, h, FLEET_ALL));
}

json_t *
present_update_status(struct hub *hub, const struct fleet_host *h)
{
	static const enum compartment shown_by_v3[] = { COMPARTMENT_GIT,
		COMPARTMENT_LOCK, COMPARTMENT_SYSTEM, COMPARTMENT_TESTS };
	struct compartment_view v[COMPARTMENT_COUNT];
	json_t *o = json_object();

	fleet_compartments(hub->fleet, h, v);
	for (size_t i = 0; i < 4; i++)
		put(o, names_compartment(shown_by_v3[i]),
		    compartment(&v[shown_by_v3[i]]));
	put(o, "repo_url", text_or_null(h->repo_url));
	put(o, "repo_dir", text_or_null(h->repo_dir));
	return (o);
}

static json_t *
progress(const struct operation *op)
{
	json_t *o;

	if (op->phase == NULL || op->state == OP_FINISHED)
		return (json_null());
	o = json_object();
	put(o, "phase", json_string(op->phase));
	put(o, "done", json_integer(op->done));
	put(o, "expected", json_integer(op->expected));
	put(o, "text", text_or_null(op->text));
	return (o);
}

json_t *
present_operation(const struct operation *op)
{
	bool over = op->state == OP_FINISHED;
	json_t *o = json_object();

	put(o, "id", json_string(op->id));
	put(o, "host_id", json_string(op->host_id));
	put(o, "op", json_string(op->op));
	put(o, "args", parsed(op->args, json_object()));
	put(o, "by", text_or_null(op->by));
	put(o, "state", json_string(names_op_state(op->state)));
	put(o, "outcome", over ? json_string(names_outcome(op->outcome)) :
	    json_null());
	put(o, "reported", json_boolean(over && op->reported));
	put(o, "message", text_or_null(op->message));
	put(o, "exit_code", !over || op->exit_code == RECORD_NONE ?
	    json_null() : json_integer(op->exit_code));
	put(o, "created_at", record_time(op->created_at));
	put(o, "started_at", record_time(op->started_at));
	put(o, "finished_at", over ? record_time(op->finished_at) :
	    json_null());
	put(o, "deadline_at", over ? json_null() :
	    record_time(op->deadline_at));
	put(o, "progress", progress(op));
	put(o, "phases", parsed(op->phases, json_array()));
	put(o, "changes", parsed(op->changes, json_null()));
	put(o, "lines", json_integer(op->lines));
	return (o);
}

json_t *
present_event(const struct store_event *ev)
{
	json_t *o = json_object();

	put(o, "id", json_integer(ev->id));
	put(o, "timestamp", record_time(ev->timestamp));
	put(o, "category", text_or_null(ev->category));
	put(o, "level", text_or_null(ev->level));
	put(o, "actor", text_or_null(ev->actor));
	put(o, "host_id", text_or_null(ev->host_id));
	put(o, "action", text_or_null(ev->action));
	put(o, "message", text_or_null(ev->message));
	put(o, "details", parsed(ev->details, json_null()));
	return (o);
}

json_t *
present_line(const struct store_line *l)
{
	json_t *o = json_object();

	put(o, "seq", json_integer(l->seq));
	put(o, "ts", json_integer(l->ts));
	put(o, "stream", json_string(l->stream));
	put(o, "text", json_string(l->text != NULL ? l->text : ""));
	return (o);
}

json_t *
present_repository(struct hub *hub)
{
	const struct mirror_state *m = mirror_state(hub->mirror);
	json_t *o = json_object();

	put(o, "configured", json_boolean(m->configured));
	put(o, "url", text_or_null(m->url));
	put(o, "branch", text_or_null(m->branch));
	put(o, "head", text_or_null(m->head));
	put(o, "subject", text_or_null(m->subject));
	put(o, "author", text_or_null(m->author));
	put(o, "committed_at", record_time(m->committed_at));
	put(o, "lock_hash", text_or_null(m->lock_hash));
	put(o, "checked_at", record_time(m->checked_at));
	put(o, "error", text_or_null(m->error));
	return (o);
}

json_t *
present_commit(const struct mirror_commit *c)
{
	json_t *o = json_object();

	put(o, "id", json_string(c->id));
	put(o, "author", text_or_null(c->author));
	put(o, "date", record_time(c->date));
	put(o, "subject", text_or_null(c->subject));
	return (o);
}

json_t *
present_ops(void)
{
	json_t *list = json_array();

	for (int i = 0; i < wire_op_count; i++) {
		const struct wire_op *op = &wire_op_table[i];
		json_t *o;

		if ((op->flags & WIRE_OP_LOCAL) != 0)
			continue;
		o = json_object();
		put(o, "id", json_string(op->name));
		put(o, "description", json_string(op->help));
		put(o, "timeout", json_integer(op->deadline_s));
		put(o, "requires_totp", json_boolean(op->flags & WIRE_OP_TOTP));
		put(o, "needs_online", json_boolean(op->flags &
		    WIRE_OP_ONLINE_ONLY));
		put(o, "changes_system", json_boolean(op->flags &
		    WIRE_OP_SYSTEM));
		json_array_append_new(list, o);
	}
	return (list);
}

static void
on_event(void *cookie, const struct store_event *ev)
{
	json_array_append_new(cookie, present_event(ev));
}

struct some {
	const struct operation **list;
	size_t n, cap;
};

static void
on_operation(void *cookie, const struct operation *op)
{
	struct some *s = cookie;

	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 256 : s->cap * 2;
		s->list = realloc(s->list,
		    s->cap * sizeof(const struct operation *));
		if (s->list == NULL)
			abort();
	}
	s->list[s->n++] = op;
}

static int
newest_first(const void *a, const void *b)
{
	const struct operation *const *x = a, *const *y = b;

	return (strcmp((*y)->id, (*x)->id));
}

static json_t *
operations(struct hub *hub)
{
	struct some s = { 0 };
	json_t *list = json_array();
	int finished = 0;

	operation_each(hub->operations, on_operation, &s);
	if (s.n > 0)
		qsort(s.list, s.n, sizeof(const struct operation *),
		    newest_first);
	for (size_t i = 0; i < s.n; i++) {
		if (s.list[i]->state == OP_FINISHED &&
		    ++finished > INIT_FINISHED)
			continue;
		json_array_append_new(list, present_operation(s.list[i]));
	}
	free(s.list);
	return (list);
}

json_t *
present_init(struct hub *hub)
{
	json_t *o = json_object(), *hosts = json_array();
	json_t *events = json_array(), *about = json_object();

	for (size_t i = 0; i < fleet_count(hub->fleet); i++)
		json_array_append_new(hosts,
		    present_host(hub, fleet_at(hub->fleet, i)));
	eventlog_recent(hub->events, on_event, events);
	put(about, "version", json_string(NIXFLEET_VERSION));
	put(o, "hosts", hosts);
	put(o, "operations", operations(hub));
	put(o, "events", events);
	put(o, "repository", present_repository(hub));
	put(o, "ops", present_ops());
	put(o, "hub", about);
	return (o);
}
