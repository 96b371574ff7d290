#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "blocked.h"
#include "enrolment.h"
#include "eventlog.h"
#include "feed.h"
#include "fleet.h"
#include "host_row.h"
#include "hub.h"
#include "intern.h"
#include "mirror.h"
#include "opagent.h"
#include "operation.h"
#include "rnd.h"
#include "str.h"
#include "strmap.h"
#include "tick.h"
#include "ticker.h"
#include "wire.h"

#define TICK_MS 1000
/* A heartbeat is in the store after so many ticks. */
#define SEEN_TICKS 30
/* New facts alone are a reason to write once in so long. */
#define FACTS_MS 30000

struct list {
	struct fleet_host **hosts;
	size_t n, cap;
};

struct fleet {
	struct hub *hub;
	struct list all, changed, unsaved;
	struct strmap by_id, by_token;
	struct enrolment *enrolment;
	struct ticker *ticker;
	unsigned ticks;
};

static void
list_add(struct list *l, struct fleet_host *h)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->hosts = realloc(l->hosts, l->cap * sizeof(*l->hosts));
		if (l->hosts == NULL)
			abort();
	}
	l->hosts[l->n++] = h;
}

static void
list_del(struct list *l, const struct fleet_host *h)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->hosts[i] == h) {
			l->hosts[i] = l->hosts[--l->n];
			return;
		}
	}
}

static void
index_tokens(struct fleet *f, struct fleet_host *h)
{
	if (h->token_hash != NULL)
		strmap_put(&f->by_token, h->token_hash, h);
	if (h->old_token_hash != NULL)
		strmap_put(&f->by_token, h->old_token_hash, h);
}

static void
unindex_tokens(struct fleet *f, const struct fleet_host *h)
{
	if (h->token_hash != NULL)
		strmap_del(&f->by_token, h->token_hash);
	if (h->old_token_hash != NULL)
		strmap_del(&f->by_token, h->old_token_hash);
}

static struct fleet_host *
host_make(struct fleet *f, const struct store_host *row)
{
	struct fleet_host *h = str_alloc(sizeof(*h));

	host_row_load(f->hub->intern, h, row);
	list_add(&f->all, h);
	strmap_put(&f->by_id, h->id, h);
	index_tokens(f, h);
	return (h);
}

static int
on_host(void *cookie, const void *row)
{
	struct fleet *f = cookie;

	host_make(f, row);
	return (0);
}

static int
on_seen(void *cookie, const void *row)
{
	const struct store_seen *s = row;
	struct fleet_host *h = fleet_find(cookie, s->id);

	if (h == NULL)
		return (0);
	h->last_seen = h->since = s->at;
	h->liveness = s->stopped == 1 ? LIVENESS_STOPPED : LIVENESS_OFFLINE;
	return (0);
}

static void
on_tick(void *cookie)
{
	struct fleet *f = cookie;

	if (++f->ticks % SEEN_TICKS == 0 || f->unsaved.n > 0)
		fleet_flush(f);
}

int
fleet_new(struct hub *hub, struct fleet **out, struct err *e)
{
	const struct store_query hosts = { .table = STORE_HOST },
	    seen = { .table = STORE_SEEN };
	struct fleet *f = str_alloc(sizeof(*f));

	f->hub = hub;
	f->enrolment = enrolment_new(hub);
	if (ticker_new(hub->loop, TICK_MS, on_tick, f, &f->ticker, e) == -1 ||
	    store_load(hub->store, &hosts, on_host, f, e) == -1 ||
	    store_load(hub->store, &seen, on_seen, f, e) == -1) {
		fleet_free(&f);
		return (-1);
	}
	*out = f;
	return (0);
}

static void
host_free(struct fleet *f, struct fleet_host *h)
{
	host_row_done(f->hub->intern, h);
	free(h);
}

void
fleet_free(struct fleet **fp)
{
	struct fleet *f = *fp;

	if (f == NULL)
		return;
	*fp = NULL;
	strmap_done(&f->by_id);
	strmap_done(&f->by_token);
	enrolment_free(&f->enrolment);
	for (size_t i = 0; i < f->all.n; i++)
		host_free(f, f->all.hosts[i]);
	free(f->all.hosts);
	free(f->changed.hosts);
	free(f->unsaved.hosts);
	ticker_free(&f->ticker);
	free(f);
}

struct fleet_host *
fleet_find(const struct fleet *f, const char *id)
{
	return (strmap_get(&f->by_id, id));
}

size_t
fleet_count(const struct fleet *f)
{
	return (f->all.n);
}

struct fleet_host *
fleet_at(const struct fleet *f, size_t i)
{
	return (f->all.hosts[i]);
}

bool
fleet_online(const struct fleet_host *h)
{
	return (h->conn != NULL);
}

const char *
fleet_shared_token(const struct fleet *f)
{
	return (f->hub->shared_token);
}

struct fleet_host *
fleet_by_token(const struct fleet *f, const char *hash)
{
	return (strmap_get(&f->by_token, hash));
}

static struct fleet_host *
host_new(struct fleet *f, const char *hostname)
{
	struct store_host row = { .id = (char *)(uintptr_t)hostname,
	    .created_at = tick_wall() };
	struct fleet_host *h = host_make(f, &row);

	fleet_save(f, h);
	fleet_judge(f, h);
	fleet_changed(f, h, FLEET_ALL);
	return (h);
}

struct fleet_host *
fleet_enrol(struct fleet *f, const char *hostname, const char *addr)
{
	const struct eventlog_entry en = { .category = "identity",
	    .level = "info", .action = "enrol", .host_id = hostname };
	struct fleet_host *h;

	if (!enrolment_take(f->enrolment, addr))
		return (NULL);
	h = host_new(f, hostname);
	eventlog_add(f->hub->events, &en, "%s enrolled from %s", h->id, addr);
	return (h);
}

int
fleet_add(struct fleet *f, const struct fleet_new_host *new,
    struct fleet_host **out, struct err *e)
{
	const struct eventlog_entry en = { .category = "host",
	    .level = "info", .actor = "operator", .host_id = new->hostname,
	    .action = "add" };
	struct intern *in = f->hub->intern;
	struct fleet_host *h;

	if (names_hostname_check(new->hostname, e) == -1)
		return (-1);
	if (blocked_has(f->hub->blocked, new->hostname))
		return (err_set(e, ERR_REFUSED, "the name %s is blocked, "
		    "because the token of the host that had it was revoked: "
		    "accept it first", new->hostname));
	if ((h = fleet_find(f, new->hostname)) == NULL) {
		h = host_new(f, new->hostname);
		eventlog_add(f->hub->events, &en, "%s was added", h->id);
	}
	if (new->host_type != NULL)
		intern_set(in, &h->host_type, new->host_type);
	if (new->location != NULL)
		intern_set(in, &h->location, new->location);
	if (new->device_type != NULL)
		intern_set(in, &h->device_type, new->device_type);
	if (new->theme_color != NULL)
		intern_set(in, &h->theme_color, new->theme_color);
	fleet_save(f, h);
	fleet_changed(f, h, FLEET_INFO);
	*out = h;
	return (0);
}

int
fleet_remove(struct fleet *f, struct fleet_host *h, struct err *e)
{
	const struct eventlog_entry en = { .category = "host",
	    .level = "info", .actor = "operator", .action = "remove" };

	if (h->conn != NULL)
		return (err_set(e, ERR_BUSY, "%s is connected: stop its agent "
		    "first", h->id));
	opagent_removed(f->hub->operations, h);
	if (h->token_state == IDENTITY_REVOKED)
		blocked_add(f->hub->blocked, h->id);
	eventlog_add(f->hub->events, &en, "%s was removed%s", h->id,
	    h->token_state == IDENTITY_REVOKED ? "; its name stays blocked, "
	    "because its token was revoked" : "");
	feed_host_removed(f->hub->feed, h->id);
	store_drop(f->hub->store, STORE_HOST, h->id, NULL, NULL);
	strmap_del(&f->by_id, h->id);
	unindex_tokens(f, h);
	list_del(&f->all, h);
	list_del(&f->changed, h);
	list_del(&f->unsaved, h);
	host_free(f, h);
	return (0);
}

void
fleet_changed(struct fleet *f, struct fleet_host *h, unsigned what)
{
	if (what == 0 || !feed_is_on(f->hub->feed))
		return;
	if (h->changed == 0)
		list_add(&f->changed, h);
	h->changed |= (uint16_t)what;
	feed_host(f->hub->feed);
}

void
fleet_take_changed(struct fleet *f,
    void (*fn)(void *, const struct fleet_host *, unsigned), void *cookie)
{
	for (size_t i = 0; i < f->changed.n; i++) {
		struct fleet_host *h = f->changed.hosts[i];
		unsigned what = h->changed;

		h->changed = 0;
		fn(cookie, h, what);
	}
	f->changed.n = 0;
}

void
fleet_save(struct fleet *f, struct fleet_host *h)
{
	if (h->unsaved)
		return;
	h->unsaved = true;
	list_add(&f->unsaved, h);
}

void
fleet_save_facts(struct fleet *f, struct fleet_host *h)
{
	int64_t now = tick_mono();

	if (h->facts_at != 0 && now - h->facts_at < FACTS_MS)
		h->unsaved_facts = true;
	else
		fleet_save(f, h);
}

void
fleet_store(struct fleet *f, struct fleet_host *h, store_done *done,
    void *cookie)
{
	struct store_host row = { 0 };

	host_row_fill(h, &row);
	store_put(f->hub->store, STORE_HOST, &row, 1, done, cookie);
}

static void
flush_seen(struct fleet *f)
{
	struct store_seen *rows = str_alloc((f->all.n + 1) * sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < f->all.n; i++) {
		struct fleet_host *h = f->all.hosts[i];

		if (h->unsaved_facts)
			fleet_save(f, h);
		if (!h->unseen)
			continue;
		h->unseen = false;
		rows[n].id = (char *)(uintptr_t)h->id;
		rows[n].at = h->last_seen;
		rows[n++].stopped = h->liveness == LIVENESS_STOPPED;
	}
	if (n > 0)
		store_put(f->hub->store, STORE_SEEN, rows, n, NULL, NULL);
	free(rows);
}

void
fleet_flush(struct fleet *f)
{
	struct store_host *rows;

	if (f->unsaved.n > 0) {
		rows = str_alloc(f->unsaved.n * sizeof(*rows));
		for (size_t i = 0; i < f->unsaved.n; i++) {
			f->unsaved.hosts[i]->unsaved = false;
			f->unsaved.hosts[i]->unsaved_facts = false;
			f->unsaved.hosts[i]->facts_at = tick_mono();
			host_row_fill(f->unsaved.hosts[i], &rows[i]);
		}
		store_put(f->hub->store, STORE_HOST, rows, f->unsaved.n, NULL,
		    NULL);
		f->unsaved.n = 0;
		free(rows);
	}
	if (f->ticks % SEEN_TICKS == 0 || f->hub->stopping)
		flush_seen(f);
}

void
fleet_seen(struct fleet *f, struct fleet_host *h)
{
	h->last_seen = tick_wall();
	h->unseen = true;
	fleet_changed(f, h, FLEET_SEEN);
}

void
fleet_set_liveness(struct fleet *f, struct fleet_host *h, enum liveness l)
{
	if (h->conflict)
		l = LIVENESS_CONFLICT;
	if (h->liveness == l)
		return;
	h->liveness = (uint8_t)l;
	h->since = tick_wall();
	h->unseen = true;
	fleet_changed(f, h, FLEET_LINK);
}

static void
facts_of(const struct fleet *f, const struct fleet_host *h,
    struct compartment_facts *c)
{
	const struct mirror_state *m = mirror_state(f->hub->mirror);
	const struct operation *op = operation_running(h);

	memset(c, 0, sizeof(*c));
	c->hub_version = NIXFLEET_VERSION;
	c->agent_version = h->agent_version;
	c->desired_configured = m->configured;
	c->desired_head = m->head;
	c->desired_lock = m->lock_hash;
	c->desired_error = m->error;
	c->desired_at = m->checked_at;
	c->generation = h->generation;
	c->lock_hash = h->lock_hash;
	c->tests_generation = h->tests_generation;
	c->behind = mirror_behind(f->hub->mirror, h->generation);
	c->last_seen = h->last_seen;
	memcpy(c->said, h->said, sizeof(c->said));
	if (op != NULL && op->def != NULL) {
		c->running_op = op->op;
		c->running_system = (op->def->flags & WIRE_OP_SYSTEM) != 0;
		c->running_tests = strcmp(op->op, "test") == 0;
	}
}

void
fleet_compartments(const struct fleet *f, const struct fleet_host *h,
    struct compartment_view out[COMPARTMENT_COUNT])
{
	struct compartment_facts c;

	facts_of(f, h, &c);
	compartment_compute(&c, out);
}

void
fleet_judge(struct fleet *f, struct fleet_host *h)
{
	struct compartment_view v[COMPARTMENT_COUNT];
	bool changed;

	fleet_compartments(f, h, v);
	changed = h->behind != v[COMPARTMENT_GIT].behind;
	h->behind = (int32_t)v[COMPARTMENT_GIT].behind;
	for (int i = 0; i < COMPARTMENT_COUNT; i++) {
		changed = changed || h->status[i] != v[i].status;
		h->status[i] = (uint8_t)v[i].status;
	}
	if (changed)
		fleet_changed(f, h, FLEET_COMPARTMENTS);
}

void
fleet_judge_all(struct fleet *f)
{
	for (size_t i = 0; i < f->all.n; i++)
		fleet_judge(f, f->all.hosts[i]);
}

void
fleet_token_set(struct fleet *f, struct fleet_host *h, const char *token,
    enum identity_state state, bool keep_old)
{
	char hash[65], *old = NULL;

	unindex_tokens(f, h);
	if (keep_old) {
		old = h->token_hash;
		h->token_hash = NULL;
	}
	free(h->token_hash);
	free(h->old_token_hash);
	h->token_hash = NULL;
	h->old_token_hash = old;
	if (token != NULL) {
		identity_hash(token, hash);
		h->token_hash = str_dup(hash);
	}
	h->token_state = (uint8_t)state;
	index_tokens(f, h);
	fleet_save(f, h);
	fleet_changed(f, h, FLEET_IDENTITY);
}

void
fleet_token_confirm(struct fleet *f, struct fleet_host *h)
{
	unindex_tokens(f, h);
	free(h->old_token_hash);
	h->old_token_hash = NULL;
	h->token_state = IDENTITY_OWN;
	index_tokens(f, h);
	fleet_save(f, h);
	fleet_changed(f, h, FLEET_IDENTITY);
}

struct rotation {
	struct fleet *fleet;
	char *id, *token;
	fleet_token_done *done;
	void *cookie;
};

static void
on_rotated(void *cookie, const struct err *failed)
{
	struct rotation *r = cookie;
	struct fleet_host *h = fleet_find(r->fleet, r->id);
	struct wire_msg msg = { .type = WIRE_REGISTERED };

	/* One that is connected gets it the way it got the first. */
	if (failed == NULL && h != NULL && h->conn != NULL &&
	    h->dialect >= WIRE_DIALECT) {
		msg.u.registered.host_id = r->id;
		msg.u.registered.dialect = WIRE_DIALECT;
		msg.u.registered.heartbeat = r->fleet->hub->heartbeat_s;
		msg.u.registered.token = r->token;
		agent_link_send(h->conn, &msg);
	}
	r->done(r->cookie, failed == NULL ? r->token : NULL, failed);
	str_wipefree(&r->token);
	free(r->id);
	free(r);
}

void
fleet_token_rotate(struct fleet *f, struct fleet_host *h,
    fleet_token_done *done, void *cookie)
{
	const struct eventlog_entry en = { .category = "identity",
	    .level = "info", .actor = "operator", .host_id = h->id,
	    .action = "rotate" };
	struct rotation *r = str_alloc(sizeof(*r));

	r->fleet = f;
	r->id = str_dup(h->id);
	r->token = rnd_token(32);
	r->done = done;
	r->cookie = cookie;
	fleet_token_set(f, h, r->token, IDENTITY_OFFERED,
	    h->token_state == IDENTITY_OWN);
	h->conflict = false;
	eventlog_add(f->hub->events, &en, "%s has a new token", h->id);
	fleet_store(f, h, on_rotated, r);
}

void
fleet_token_revoke(struct fleet *f, struct fleet_host *h)
{
	const struct eventlog_entry en = { .category = "identity",
	    .level = "warning", .actor = "operator", .host_id = h->id,
	    .action = "revoke" };

	fleet_token_set(f, h, NULL, IDENTITY_REVOKED, true);
	eventlog_add(f->hub->events, &en, "The token of %s was revoked",
	    h->id);
	if (h->conn != NULL)
		agent_link_refuse(h->conn, REFUSAL_REVOKED,
		    "the token was revoked");
}

void
fleet_accept(struct fleet *f, struct fleet_host *h)
{
	const struct eventlog_entry en = { .category = "identity",
	    .level = "info", .actor = "operator", .host_id = h->id,
	    .action = "accept" };

	h->conflict = false;
	h->replaced = 0;
	h->token_state = IDENTITY_ACCEPT;
	fleet_set_liveness(f, h, h->conn != NULL ? LIVENESS_CONNECTED :
	    h->last_seen == 0 ? LIVENESS_NEVER : LIVENESS_OFFLINE);
	fleet_save(f, h);
	fleet_changed(f, h, FLEET_IDENTITY | FLEET_LINK);
	eventlog_add(f->hub->events, &en, "%s: the next machine that connects "
	    "is accepted", h->id);
}
