#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "eventlog.h"
#include "fleet.h"
#include "http.h"
#include "hub.h"
#include "lag.h"
#include "mirror.h"
#include "present.h"
#include "routes.h"
#include "server.h"
#include "str.h"
#include "tick.h"

void
api_meta_health(struct http_req *r)
{
	struct hub *hub = r->srv->hub;
	struct err e;

	if (lag_check(r->srv->lag, &e) == 0 && hub_health(hub, &e) == 0)
		http_reply_json(r, 200, json_pack("{s:s, s:s, s:I, s:I}",
		    "status", "ok", "version", NIXFLEET_VERSION, "uptime_s",
		    (json_int_t)((tick_wall() - hub->started_at) / 1000),
		    "loop_lag_ms", (json_int_t)lag_worst(r->srv->lag)));
	else
		http_reply_json(r, 503, json_pack("{s:s, s:s, s:s}", "status",
		    "failing", "reason", e.text, "version",
		    NIXFLEET_VERSION));
}

void
api_meta_openapi(struct http_req *r)
{
	http_reply_json(r, 200, routes_openapi());
}

void
api_meta_repository(struct http_req *r)
{
	http_reply_json(r, 200, present_repository(r->srv->hub));
}

void
api_meta_commits(struct http_req *r)
{
	const struct mirror_state *m = mirror_state(r->srv->hub->mirror);
	json_t *list;
	int64_t limit;
	size_t i;

	if (http_query_int(r, "limit", 50, 1, 1000, &limit) == -1)
		return;
	list = json_array();
	for (i = 0; i < m->ncommits && i < (size_t)limit; i++)
		json_array_append_new(list, present_commit(&m->commits[i]));
	http_reply_json(r, 200, json_pack("{s:o}", "commits", list));
}

/* A list of events on its way from the store. */
struct reading {
	struct http_req *req;
	const char *key;	/* "events", or "logs" as NixFleet v3 said */
};

static void
on_events(void *cookie, void *const *rows, size_t n, const struct err *failed)
{
	struct reading *rd = cookie;
	json_t *list;
	size_t i;

	if (failed != NULL)
		http_reply_err(rd->req, failed);
	else {
		list = json_array();
		for (i = 0; i < n; i++)
			json_array_append_new(list, present_event(rows[i]));
		http_reply_json(rd->req, 200, json_pack("{s:o}", rd->key,
		    list));
	}
	free(rd);
}

static void
list_events(struct http_req *r, const char *host, const char *key)
{
	struct eventlog_filter f = { .host_id = host };
	struct reading *rd;
	int64_t limit;

	if (http_query_int(r, "limit", host == NULL ? 100 : 50, 1, 500,
	    &limit) == -1 ||
	    http_query_int(r, "before", 0, 1, INT64_MAX, &f.before) == -1)
		return;
	f.limit = (size_t)limit;
	rd = str_alloc(sizeof(*rd));
	rd->req = r;
	rd->key = key;
	eventlog_list(r->srv->hub->events, &f, on_events, rd);
}

void
api_meta_events(struct http_req *r)
{
	list_events(r, NULL, "events");
}

void
api_meta_system_log(struct http_req *r)
{
	list_events(r, NULL, "logs");
}

void
api_meta_host_events(struct http_req *r)
{
	const struct fleet_host *h;

	if ((h = api_hosts_find(r)) != NULL)
		list_events(r, h->id, "events");
}
