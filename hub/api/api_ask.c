#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "fleet.h"
#include "http.h"
#include "hub.h"
#include "operation.h"
#include "oplist.h"
#include "opstore.h"
#include "present.h"
#include "server.h"
#include "str.h"
#include "wire_op.h"

/* What dispatch, command and reboot have in common. */
struct ask {
	json_t *body;		/* owned */
	struct operation_ask ask;
	const struct wire_op *def;
	const char *totp;
};

void
api_ask_ops(struct http_req *r)
{
	http_reply_json(r, 200, json_pack("{s:o}", "ops", present_ops()));
}

/* Does the caller show the code that this operation wants? */
static int
check_totp(struct http_req *r, const struct ask *a)
{
	struct auth *auth = r->srv->hub->auth;

	if (!(a->def->flags & WIRE_OP_TOTP))
		return (0);
	if (!auth_totp_on(auth)) {
		http_reply_error(r, 403, "totp_not_configured", "\"%s\" needs "
		    "one-time codes: set NIXFLEET_TOTP_SECRET_FILE on the hub",
		    a->def->name);
		return (-1);
	}
	switch (auth_totp(auth, r->session, a->totp)) {
	case AUTH_OK:
		return (0);
	case AUTH_TOO_MANY:
		http_header(r, "Retry-After", "600");
		http_reply_error(r, 429, "too_many", "too many wrong one-time "
		    "codes: wait ten minutes or log in again");
		return (-1);
	default:
		http_reply_error(r, 401, "bad_totp", "the one-time code is "
		    "missing, wrong or was used before");
		return (-1);
	}
}

/*
 * Read the body; the operation's name is its member ${key}, or ${op} if that
 * is not NULL.  -1: answered already, nothing to free.
 */
static int
read_ask(struct http_req *r, const char *key, const char *op, struct ask *a)
{
	const char *near;
	json_t *args;

	memset(a, 0, sizeof(*a));
	if (http_json(r, &a->body) == -1)
		return (-1);
	if (op == NULL)
		op = json_string_value(json_object_get(a->body, key));
	if (op == NULL) {
		http_reply_error(r, 400, "bad_request",
		    "%s: the name of an operation is wanted", key);
		goto err0;
	}
	if ((a->def = wire_op_find_remote(op)) == NULL) {
		near = wire_op_nearest(op);
		http_reply_error(r, 400, "unknown_op", "there is no operation "
		    "\"%s\"%s%s%s", op, near == NULL ? "" : ", did you mean \"",
		    near == NULL ? "" : near, near == NULL ? "" : "\"?");
		goto err0;
	}
	args = json_object_get(a->body, "args");
	if (args != NULL && !json_is_null(args) && !json_is_object(args)) {
		http_reply_error(r, 400, "bad_args",
		    "args: an object is wanted");
		goto err0;
	}
	a->ask.op = a->def->name;
	a->ask.args = json_is_object(args) ? args : NULL;
	a->ask.by = "operator";
	a->ask.force = json_is_true(json_object_get(a->body, "force"));
	a->totp = json_string_value(json_object_get(a->body, "totp"));
	return (0);
err0:
	json_decref(a->body);
	return (-1);
}

/* What one host was asked, until the answer. */
struct asked {
	struct operation *op;	/* held; NULL: refused */
	bool now;
	json_t *refused;	/* the item of "results" then */
};

struct dispatch {
	struct http_req *req;
	size_t n;
	struct asked list[];
};

static void
ask_one(struct hub *hub, const char *id, const struct operation_ask *ask,
    struct asked *a)
{
	struct fleet_host *h = fleet_find(hub->fleet, id);
	struct operation_refusal no;

	if (h == NULL) {
		a->refused = json_pack("{s:s, s:s, s:s}", "host_id", id,
		    "status", "error", "error", "there is no such host");
		return;
	}
	a->now = fleet_online(h) && operation_running(h) == NULL &&
	    operation_queued(h) == 0;
	if ((a->op = operation_ask(hub->operations, h, ask, &no)) != NULL)
		oplist_hold(a->op);
	else
		a->refused = json_pack("{s:s, s:s, s:s, s:s}", "host_id", id,
		    "status", "blocked", "code", no.code, "message",
		    no.message);
}

static json_t *
answer_item(const struct asked *a)
{
	if (a->op == NULL)
		return (json_incref(a->refused));
	return (json_pack("{s:s, s:s, s:s, s:o}", "host_id", a->op->host_id,
	    "status", a->now ? "EXECUTING" : "QUEUED", "command_id", a->op->id,
	    "operation", present_operation(a->op)));
}

static json_t *
answer(const struct dispatch *d)
{
	json_t *results = json_array();
	size_t good = 0;

	for (size_t i = 0; i < d->n; i++) {
		json_array_append_new(results, answer_item(&d->list[i]));
		good += d->list[i].op != NULL;
	}
	return (json_pack("{s:s, s:o, s:{s:I, s:I, s:I}}", "status",
	    good == d->n ? "success" : good == 0 ? "failed" : "partial",
	    "results", results, "summary", "success", (json_int_t)good,
	    "error", (json_int_t)(d->n - good), "total", (json_int_t)d->n));
}

static void
on_asked(void *cookie, const struct err *failed)
{
	struct dispatch *d = cookie;

	/* What could not be stored has ended, and its state says so. */
	(void)failed;
	if (!http_gone(d->req))
		http_reply_json(d->req, 200, answer(d));
	for (size_t i = 0; i < d->n; i++) {
		oplist_release(d->list[i].op);
		json_decref(d->list[i].refused);
	}
	free(d);
}

/*
 * An answer for thousands of hosts takes longer than their commands: it is
 * made when these are stored and sent, after the last of those jobs.
 */
static void
ask_all(struct http_req *r, const json_t *hosts,
    const struct operation_ask *ask)
{
	struct hub *hub = r->srv->hub;
	size_t n = json_array_size(hosts);
	struct dispatch *d = str_alloc(sizeof(*d) + n * sizeof(d->list[0]));

	d->req = r;
	d->n = n;
	for (size_t i = 0; i < n; i++)
		ask_one(hub, json_string_value(json_array_get(hosts, i)), ask,
		    &d->list[i]);
	opstore_after(hub->operations, on_asked, d);
}

/* Is it a list of at least one string? */
static bool
is_names(const json_t *v)
{
	size_t i;

	for (i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return (false);
	return (json_array_size(v) > 0);
}

void
api_ask_dispatch(struct http_req *r)
{
	struct ask a;
	const json_t *hosts;

	if (read_ask(r, "op", NULL, &a) == -1)
		return;
	hosts = json_object_get(a.body, "hosts");
	if (!is_names(hosts))
		http_reply_error(r, 400, "bad_request",
		    "hosts: a list of host names is wanted");
	else if (check_totp(r, &a) == 0)
		ask_all(r, hosts, &a.ask);
	json_decref(a.body);
}

static void
answer_blocked(struct http_req *r, const struct operation_refusal *no)
{
	if (strcmp(no->code, "bad_args") == 0) {
		http_reply_error(r, 400, no->code, "%s", no->message);
		return;
	}
	http_reply_json(r, 409, json_pack("{s:s, s:s, s:s, s:{s:b, s:s, s:s}}",
	    "status", "blocked", "error", no->message, "code", no->code,
	    "validation", "valid", 0, "code", no->code, "message",
	    no->message));
}

void
api_ask_command(struct http_req *r)
{
	struct operation_refusal no;
	struct fleet_host *h;
	struct operation *op;
	struct ask a;

	if ((h = api_hosts_find(r)) == NULL ||
	    read_ask(r, "command", NULL, &a) == -1)
		return;
	if (check_totp(r, &a) == 0) {
		op = operation_ask(r->srv->hub->operations, h, &a.ask, &no);
		if (op == NULL)
			answer_blocked(r, &no);
		else
			http_reply_json(r, 200, json_pack("{s:s, s:s, s:s}",
			    "status", "queued", "command", op->op,
			    "command_id", op->id));
	}
	json_decref(a.body);
}

static void
reboot(struct http_req *r, struct fleet_host *h, const struct ask *a)
{
	struct hub *hub = r->srv->hub;
	struct operation_refusal no;
	char text[128];

	if (!fleet_online(h)) {
		http_reply_error(r, 409, "offline", "%s is not connected",
		    h->id);
		return;
	}
	if (check_totp(r, a) == -1)
		return;
	if (!auth_reboot_allowed(hub->auth, h->id)) {
		http_header(r, "Retry-After", "600");
		http_reply_error(r, 429, "too_many", "%s was rebooted five "
		    "times within an hour", h->id);
		return;
	}
	if (operation_ask(hub->operations, h, &a->ask, &no) == NULL) {
		answer_blocked(r, &no);
		return;
	}
	snprintf(text, sizeof(text), "reboot of %s asked for", h->id);
	http_reply_json(r, 200, json_pack("{s:s, s:s}", "status", "queued",
	    "message", text));
}

void
api_ask_reboot(struct http_req *r)
{
	struct fleet_host *h;
	struct ask a;

	if ((h = api_hosts_find(r)) == NULL ||
	    read_ask(r, "op", "reboot", &a) == -1)
		return;
	reboot(r, h, &a);
	json_decref(a.body);
}

void
api_ask_kill(struct http_req *r)
{
	struct fleet_host *h;
	struct operation *op;
	struct err e;

	if ((h = api_hosts_find(r)) == NULL)
		return;
	if ((op = operation_running(h)) == NULL)
		http_reply_error(r, 409, "no_command",
		    "%s is not running an operation", h->id);
	else if (operation_stop(op, "operator", &e) == -1)
		http_reply_err(r, &e);
	else
		http_reply_json(r, 200, json_pack("{s:s, s:s}", "status",
		    "sent", "signal", "SIGTERM"));
}
