#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "http_conn.h"
#include "http_header.h"
#include "hub.h"
#include "routes.h"
#include "server.h"
#include "str.h"

#define BODY_MAX (64 * 1024)
#define BODY_FLEET (4 * 1024 * 1024)	/* names of a whole fleet */

#define COOKIE "nixfleet_session"

const struct route routes_table[] = {
	{ HTTP_GET, "/", ROUTE_PAGE, 0, page_dashboard, "the dashboard" },
	{ HTTP_GET, "/login", ROUTE_PAGE | ROUTE_PUBLIC, 0, page_login,
	    "the login page" },
	{ HTTP_GET, "/assets/{name}", ROUTE_PAGE | ROUTE_PUBLIC, 0, page_asset,
	    "a file of the dashboard" },
	{ HTTP_GET, "/favicon.svg", ROUTE_PAGE | ROUTE_PUBLIC, 0, page_asset,
	    "the icon" },
	{ HTTP_GET, "/login.css", ROUTE_PAGE | ROUTE_PUBLIC, 0, page_asset,
	    "the login page's looks" },
	{ HTTP_GET, "/ws", ROUTE_PAGE | ROUTE_PUBLIC, 0, page_upgrade,
	    "the WebSocket of agents and browsers" },

	{ HTTP_POST, "/login", ROUTE_PUBLIC, 0, api_session_form,
	    "log in with a form" },
	{ HTTP_POST, "/logout", 0, 0, api_session_logout, "log out" },
	{ HTTP_POST, "/api/login", ROUTE_PUBLIC, 0, api_session_login,
	    "log in and get a token" },
	{ HTTP_GET, "/api/session", 0, 0, api_session_show,
	    "the session and its CSRF token" },
	{ HTTP_GET, "/health", ROUTE_PUBLIC, 0, api_meta_health,
	    "does the hub work?" },
	{ HTTP_GET, "/metrics", ROUTE_PUBLIC, 0, api_metrics_show,
	    "figures in the text form of OpenMetrics" },
	{ HTTP_GET, "/api/openapi.json", ROUTE_PUBLIC, 0, api_meta_openapi,
	    "this document" },

	{ HTTP_GET, "/api/hosts", 0, 0, api_hosts_list, "every host" },
	{ HTTP_POST, "/api/hosts", 0, 0, api_hosts_add, "add a host" },
	{ HTTP_GET, "/api/hosts/{id}", 0, 0, api_hosts_show, "one host" },
	{ HTTP_DELETE, "/api/hosts/{id}", 0, 0, api_hosts_remove,
	    "remove a host that is not connected" },
	{ HTTP_POST, "/api/hosts/{id}/refresh", 0, 0, api_hosts_refresh,
	    "what is known of a host, looked at again" },
	{ HTTP_POST, "/api/hosts/{id}/refresh-git", 0, 0,
	    api_hosts_refresh_git, "the git compartment, looked at again" },
	{ HTTP_POST, "/api/hosts/{id}/token", 0, 0, api_hosts_token,
	    "make a new token of the host's own" },
	{ HTTP_DELETE, "/api/hosts/{id}/token", 0, 0, api_hosts_revoke,
	    "revoke the host's token and cut it off" },
	{ HTTP_POST, "/api/hosts/{id}/accept", 0, 0, api_hosts_accept,
	    "let the next machine take the name; unblock it" },
	{ HTTP_GET, "/api/hosts/{id}/events", 0, 0, api_meta_host_events,
	    "events of one host" },
	{ HTTP_GET, "/api/hosts/{id}/output", 0, 0, api_output_host,
	    "log of the host's newest operation" },
	{ HTTP_POST, "/api/hosts/{id}/command", 0, 0, api_ask_command,
	    "ask one host for an operation" },
	{ HTTP_POST, "/api/hosts/{id}/reboot", 0, 0, api_ask_reboot,
	    "reboot a host" },
	{ HTTP_POST, "/api/hosts/{id}/kill", 0, 0, api_ask_kill,
	    "stop the host's running operation" },

	{ HTTP_GET, "/api/ops", 0, 0, api_ask_ops,
	    "the operations there are" },
	{ HTTP_POST, "/api/dispatch", 0, BODY_FLEET, api_ask_dispatch,
	    "ask hosts for an operation" },
	{ HTTP_GET, "/api/operations", 0, 0, api_operations_list,
	    "operations, newest first" },
	{ HTTP_GET, "/api/operations/{id}", 0, 0, api_operations_show,
	    "one operation" },
	{ HTTP_GET, "/api/operations/{id}/output", 0, 0, api_output_lines,
	    "lines of its log" },
	{ HTTP_GET, "/api/operations/{id}/log", 0, 0, api_output_log,
	    "its whole log as text" },
	{ HTTP_POST, "/api/operations/{id}/stop", 0, 0, api_operations_stop,
	    "stop it" },
	{ HTTP_GET, "/api/command-states", 0, 0, api_operations_states,
	    "the running operation of each host" },

	{ HTTP_GET, "/api/events", 0, 0, api_meta_events, "what happened" },
	{ HTTP_GET, "/api/system-log", 0, 0, api_meta_system_log,
	    "the same under the old name" },
	{ HTTP_GET, "/api/repository", 0, 0, api_meta_repository,
	    "the configuration repository" },
	{ HTTP_GET, "/api/repository/commits", 0, 0, api_meta_commits,
	    "its commits, newest first" },
};
const size_t routes_count = sizeof(routes_table) / sizeof(routes_table[0]);

static void
free_params(char *params[HTTP_PARAMS])
{
	size_t i;

	for (i = 0; i < HTTP_PARAMS; i++) {
		free(params[i]);
		params[i] = NULL;
	}
}

bool
routes_match(const char *pat, const char *path, char *params[HTTP_PARAMS])
{
	size_t n, count = 0;

	memset(params, 0, HTTP_PARAMS * sizeof(*params));
	while (*pat != '\0') {
		if (*pat != '{') {
			if (*pat++ != *path++)
				goto no;
			continue;
		}
		if ((n = strcspn(path, "/")) == 0 || count == HTTP_PARAMS)
			goto no;
		params[count++] = str_ndup(path, n);
		path += n;
		pat += strcspn(pat, "}") + 1;
	}
	if (*path == '\0')
		return (true);
no:
	free_params(params);
	return (false);
}

/* GET rows answer HEAD. */
static bool
takes(const struct route *rt, enum http_method m)
{
	return (rt->method == m || (rt->method == HTTP_GET && m == HTTP_HEAD));
}

/*
 * The row for a request.  NULL: ${allow} has the methods (as bits) that the
 * path knows, 0 if nothing is there.
 */
static const struct route *
find(enum http_method m, const char *path, char *params[HTTP_PARAMS],
    unsigned *allow)
{
	size_t i;

	*allow = 0;
	for (i = 0; i < routes_count; i++) {
		if (!routes_match(routes_table[i].path, path, params))
			continue;
		if (takes(&routes_table[i], m))
			return (&routes_table[i]);
		*allow |= 1u << routes_table[i].method;
		free_params(params);
	}
	return (NULL);
}

size_t
routes_body_max(enum http_method m, const char *path)
{
	char *params[HTTP_PARAMS] = { NULL };
	const struct route *rt;
	unsigned allow;

	rt = find(m, path, params, &allow);
	free_params(params);
	return (rt == NULL || rt->body_max == 0 ? BODY_MAX : rt->body_max);
}

int
routes_session(struct http_req *r)
{
	const char *bearer;

	if (r->authorization != NULL) {
		if ((bearer = http_header_bearer(r->authorization)) == NULL)
			return (-1);
		r->token = str_dup(bearer);
	} else if ((r->token = http_header_cookie(r->cookie, COOKIE)) == NULL)
		return (-1);
	r->session = auth_session(r->srv->hub->auth, r->token);
	return (r->session == NULL ? -1 : 0);
}

static void
answer_nobody(struct http_req *r)
{
	if (str_prefix(r->path, "/api/") && (r->authorization != NULL ||
	    http_header_wants_json(r->accept)))
		http_reply_error(r, 401, "unauthorized",
		    "no valid session: log in first");
	else
		http_reply_redirect(r, "/login");
}

/* A browser sends the cookie by itself: was it our page that asked? */
static bool
csrf_ok(const struct http_req *r)
{
	struct http_pairs form = { NULL, 0 };
	bool ok;

	if (r->method == HTTP_GET || r->method == HTTP_HEAD ||
	    r->authorization != NULL)
		return (true);
	if (r->csrf != NULL)
		return (auth_csrf(r->session, r->csrf));
	if (!http_header_is_type(r->content_type,
	    "application/x-www-form-urlencoded"))
		return (false);
	ok = http_pairs_form(&form, r->body.data, r->body.len, NULL) == 0 &&
	    auth_csrf(r->session, http_pairs_get(&form, "csrf_token"));
	http_pairs_free(&form);
	return (ok);
}

static void
answer_method(struct http_req *r, unsigned allow)
{
	char list[96] = "OPTIONS";
	int m;

	for (m = 0; m < HTTP_METHODS; m++)
		if (allow & 1u << m) {
			strcat(list, ", ");
			strcat(list, http_method_name(m));
			if (m == HTTP_GET)
				strcat(list, ", HEAD");
		}
	http_header(r, "Allow", "%s", list);
	if (r->method == HTTP_OPTIONS)
		http_reply(r, 204, NULL, NULL, 0);
	else
		http_reply_error(r, 405, "method_not_allowed",
		    "%s is not possible here, only %s",
		    http_method_name(r->method), list);
}

void
routes_dispatch(struct http_req *r)
{
	const struct route *rt;
	unsigned allow;

	if ((rt = find(r->method, r->path, r->params, &allow)) == NULL) {
		if (allow != 0)
			answer_method(r, allow);
		else
			http_reply_error(r, 404, "not_found",
			    "there is nothing at %s", r->path);
		return;
	}
	if (!(rt->flags & ROUTE_PUBLIC)) {
		if (routes_session(r) == -1) {
			answer_nobody(r);
			return;
		}
		if (r->conn != NULL)
			http_conn_known(r->conn);
		if (!csrf_ok(r)) {
			http_reply_error(r, 403, "csrf", "the CSRF token is "
			    "missing or wrong: send X-CSRF-Token");
			return;
		}
	}
	rt->handler(r);
}

/* The parameters that a path pattern has. */
static json_t *
openapi_params(const char *path)
{
	json_t *list = json_array();
	size_t n;

	for (; (path = strchr(path, '{')) != NULL; path += n) {
		n = strcspn(++path, "}");
		json_array_append_new(list, json_pack(
		    "{s:s%, s:s, s:b, s:{s:s}}", "name", path, n, "in",
		    "path", "required", 1, "schema", "type", "string"));
	}
	return (list);
}

static json_t *
openapi_operation(const struct route *rt)
{
	json_t *op = json_pack("{s:s, s:o, s:{s:{s:s}, s:{s:s}}}",
	    "summary", rt->summary, "parameters", openapi_params(rt->path),
	    "responses", "default", "description",
	    "an error: {\"error\": text, \"code\": word}", "2XX",
	    "description", rt->summary);

	if (!(rt->flags & ROUTE_PUBLIC))
		json_object_set_new(op, "security",
		    json_pack("[{s:[]}, {s:[]}]", "cookie", "bearer"));
	return (op);
}

static const char *
openapi_method(enum http_method m)
{
	static const char *const words[HTTP_METHODS] = { "get", "head", "post",
	    "put", "patch", "delete", "options" };

	return (words[m]);
}

json_t *
routes_openapi(void)
{
	json_t *paths = json_object(), *item;
	size_t i;

	for (i = 0; i < routes_count; i++) {
		const struct route *rt = &routes_table[i];

		if (rt->flags & ROUTE_PAGE)
			continue;
		if ((item = json_object_get(paths, rt->path)) == NULL) {
			item = json_object();
			json_object_set_new(paths, rt->path, item);
		}
		json_object_set_new(item, openapi_method(rt->method),
		    openapi_operation(rt));
	}
	return (json_pack("{s:s, s:{s:s, s:s}, s:o, "
	    "s:{s:{s:{s:s, s:s, s:s}, s:{s:s, s:s}}}}",
	    "openapi", "3.0.3", "info", "title", "NixFleet hub", "version",
	    NIXFLEET_VERSION, "paths", paths, "components",
	    "securitySchemes", "cookie", "type", "apiKey", "in", "cookie",
	    "name", COOKIE, "bearer", "type", "http", "scheme", "bearer"));
}
