#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "blocked.h"
#include "fleet.h"
#include "http.h"
#include "hub.h"
#include "mirror.h"
#include "present.h"
#include "server.h"
#include "str.h"

struct fleet_host *
api_hosts_find(struct http_req *r)
{
	struct fleet_host *h = fleet_find(r->srv->hub->fleet, r->params[0]);

	if (h == NULL)
		http_reply_error(r, 404, "not_found",
		    "there is no host \"%s\"", r->params[0]);
	return (h);
}

static int
by_id(const void *a, const void *b)
{
	const struct fleet_host *const *x = a, *const *y = b;

	return (strcmp((*x)->id, (*y)->id));
}

void
api_hosts_list(struct http_req *r)
{
	struct hub *hub = r->srv->hub;
	size_t i, n = fleet_count(hub->fleet);
	json_t *list = json_array();
	struct fleet_host **all;

	all = str_alloc((n + 1) * sizeof(*all));
	for (i = 0; i < n; i++)
		all[i] = fleet_at(hub->fleet, i);
	qsort(all, n, sizeof(*all), by_id);
	for (i = 0; i < n; i++)
		json_array_append_new(list, present_host(hub, all[i]));
	free(all);
	http_reply_json(r, 200, json_pack("{s:o, s:o}", "hosts",
	    list, "blocked", blocked_json(hub->blocked)));
}

/* A member that is a string; NULL if it is not there or null. */
static int
member(struct http_req *r, const json_t *v, const char *name,
    const char **out)
{
	const json_t *m = json_object_get(v, name);

	*out = json_string_value(m);
	if (m == NULL || json_is_null(m) || json_is_string(m))
		return (0);
	http_reply_error(r, 400, "bad_request", "%s: a string is wanted",
	    name);
	return (-1);
}

void
api_hosts_add(struct http_req *r)
{
	struct fleet_new_host new;
	struct fleet_host *h;
	struct err e;
	json_t *v;
	bool known;

	if (http_json(r, &v) == -1)
		return;
	if (member(r, v, "hostname", &new.hostname) == -1 ||
	    member(r, v, "host_type", &new.host_type) == -1 ||
	    member(r, v, "location", &new.location) == -1 ||
	    member(r, v, "device_type", &new.device_type) == -1 ||
	    member(r, v, "theme_color", &new.theme_color) == -1)
		goto out;
	if (new.hostname == NULL) {
		http_reply_error(r, 400, "bad_request",
		    "hostname: a string is wanted");
		goto out;
	}
	known = fleet_find(r->srv->hub->fleet, new.hostname) != NULL;
	if (fleet_add(r->srv->hub->fleet, &new, &h, &e) == -1)
		http_reply_err(r, &e);
	else
		http_reply_json(r, 200, json_pack("{s:s, s:s}", "status",
		    known ? "updated" : "created", "host_id", h->id));
out:
	json_decref(v);
}

void
api_hosts_show(struct http_req *r)
{
	struct fleet_host *h;

	if ((h = api_hosts_find(r)) != NULL)
		http_reply_json(r, 200, present_host(r->srv->hub, h));
}

void
api_hosts_remove(struct http_req *r)
{
	struct fleet_host *h;
	struct err e;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	if (fleet_remove(r->srv->hub->fleet, h, &e) == -1)
		http_reply_err(r, &e);
	else
		http_reply_json(r, 200, json_pack("{s:s, s:s}", "status",
		    "deleted", "host_id", r->params[0]));
}

void
api_hosts_refresh(struct http_req *r)
{
	struct hub *hub = r->srv->hub;
	struct fleet_host *h;
	json_t *host, *v;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	mirror_poke(hub->mirror);
	host = present_host(hub, h);
	v = json_pack("{s:s, s:b, s:O, s:O, s:O, s:o, s:n}", "host_id", h->id,
	    "online", fleet_online(h),
	    "generation", json_object_get(host, "generation"),
	    "agent_version", json_object_get(host, "agent_version"),
	    "agent_outdated", json_object_get(host, "agent_outdated"),
	    "update_status", present_update_status(hub, h), "pending_pr");
	json_decref(host);
	http_reply_json(r, 200, v);
}

void
api_hosts_refresh_git(struct http_req *r)
{
	struct hub *hub = r->srv->hub;
	struct fleet_host *h;
	json_t *all;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	mirror_poke(hub->mirror);
	all = present_update_status(hub, h);
	http_reply_json(r, 200, json_incref(json_object_get(all, "git")));
	json_decref(all);
}

static void
on_token(void *cookie, const char *token, const struct err *failed)
{
	struct http_req *r = cookie;

	if (token == NULL)
		http_reply_err(r, failed);
	else
		http_reply_json(r, 200, json_pack("{s:s}", "token", token));
}

void
api_hosts_token(struct http_req *r)
{
	struct fleet_host *h;

	if ((h = api_hosts_find(r)) != NULL)
		fleet_token_rotate(r->srv->hub->fleet, h, on_token, r);
}

void
api_hosts_revoke(struct http_req *r)
{
	struct fleet_host *h;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	fleet_token_revoke(r->srv->hub->fleet, h);
	http_reply_json(r, 200, json_pack("{s:s}", "status", "revoked"));
}

void
api_hosts_accept(struct http_req *r)
{
	struct fleet_host *h;

	if (!blocked_accept(r->srv->hub->blocked, r->params[0])) {
		if ((h = api_hosts_find(r)) == NULL)
			return;
		fleet_accept(r->srv->hub->fleet, h);
	}
	http_reply_json(r, 200, json_pack("{s:s}", "status", "accepted"));
}
