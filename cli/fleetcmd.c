#include <stdlib.h>
#include <string.h>

#include "fleetcmd.h"
#include "hubapi.h"
#include "names.h"
#include "out.h"
#include "prompt.h"
#include "show.h"
#include "str.h"
#include "table.h"

/* The hub to log in to: as an argument, by NIXFLEET_HUB, the last one. */
static int
choose_hub(const struct verb_call *call, char **out, struct err *e)
{
	struct session old = { 0 };

	if (hubapi_base(call->settings, call->nargs > 0 ? call->args[0] : NULL,
	    out, e) == -1)
		return (-1);
	if (*out == NULL && session_load(&old, NULL) == 0) {
		*out = str_dup(old.hub);
		session_done(&old);
	}
	if (*out == NULL)
		return (err_set(e, ERR_INPUT, "which hub? Give its address: "
		    "nixfleet login https://HOST"));
	return (0);
}

static int
try_login(struct hubapi *api, const char *password, const char *totp,
    json_t **out, struct err *e)
{
	json_t *body = json_pack("{s:s}", "password", password);

	if (body == NULL)
		return (err_set(e, ERR_INPUT, "the password is not UTF-8"));
	if (totp != NULL)
		json_object_set_new(body, "totp", json_string(totp));
	return (hubapi_call(api, "POST", "/api/login", body, out, e));
}

/* With the code that the hub turns out to want. */
static int
try_login_totp(struct hubapi *api, const char *password, json_t **out,
    struct err *e)
{
	char *totp;
	int rc;

	if ((totp = prompt_ask("One-time code: ", false, e)) == NULL)
		return (-1);
	rc = try_login(api, password, totp, out, e);
	str_wipefree(&totp);
	return (rc);
}

static int
login(const struct verb_call *call, struct hubapi *api, json_t **out,
    struct err *e)
{
	char *password = prompt_password(call->password_file, e);
	int rc;

	if (password == NULL)
		return (-1);
	rc = try_login(api, password, call->totp, out, e);
	if (rc == -1 && call->totp == NULL && str_eq(api->code, "bad_totp") &&
	    prompt_possible())
		rc = try_login_totp(api, password, out, e);
	str_wipefree(&password);
	return (rc);
}

/* Keep what the hub answered. */
static int
keep(struct hubapi *api, const json_t *v, struct err *e)
{
	const char *token = show_str(v, "token");

	if (token == NULL)
		return (err_set(e, ERR_PROTO,
		    "the hub's answer holds no token"));
	api->session.token = str_dup(token);
	api->session.expires_at = str_dup(show_str(v, "expires_at"));
	return (session_save(&api->session, e));
}

int
fleetcmd_login(const struct verb_call *call)
{
	struct hubapi api;
	json_t *v = NULL;
	struct err e;
	int code = VERB_OK;

	if (hubapi_init(&api, call->settings, &e) == -1)
		return (out_error(&e));
	if (choose_hub(call, &api.session.hub, &e) == -1 ||
	    login(call, &api, &v, &e) == -1 || keep(&api, v, &e) == -1)
		code = out_error(&e);
	else
		out_linef("logged in to %s until %s", api.session.hub,
		    api.session.expires_at == NULL ? "further notice" :
		    show_time(api.session.expires_at));
	json_decref(v);
	hubapi_done(&api);
	return (code);
}

/* The local login is gone in any case; the hub's end is worth a word. */
int
fleetcmd_logout(const struct verb_call *call)
{
	struct hubapi api;
	json_t *v = NULL;
	struct err e;
	int code = VERB_OK;

	if (hubapi_open(&api, call->settings, &e) == -1) {
		if (session_forget(&e) == -1)
			return (out_error(&e));
		out_linef("you were not logged in");
		return (VERB_OK);
	}
	if (hubapi_call(&api, "POST", "/logout", json_object(), &v, &e) == -1 &&
	    e.code != ERR_PROTO && e.code != ERR_AUTH) {
		err_wrap(&e, "the session could not be ended at the hub");
		code = out_error(&e);
	}
	if (session_forget(&e) == -1)
		code = out_error(&e);
	else
		out_linef("logged out of %s", api.session.hub);
	json_decref(v);
	hubapi_done(&api);
	return (code);
}

/* One GET and its answer. */
static int
get(const struct verb_call *call, const char *path, json_t **out)
{
	struct hubapi api;
	struct err e;
	int rc;

	if (hubapi_open(&api, call->settings, &e) == -1)
		return (out_error(&e));
	rc = hubapi_call(&api, "GET", path, NULL, out, &e);
	hubapi_done(&api);
	return (rc == -1 ? out_error(&e) : VERB_OK);
}

static const char *
compartment(const json_t *host, const char *name)
{
	const char *s = show_str(json_object_get(json_object_get(host,
	    "compartments"), name), "status");

	return (s == NULL ? "unknown" : s);
}

static void
host_row(struct table *t, const json_t *h)
{
	const char *running = show_str(json_object_get(h, "operation"), "op");
	const char *state = show_str(h, "liveness");

	if (running == NULL)
		running = show_str(h, "pending_command");
	table_row(t, (const char *const[]){ show_str(h, "hostname"),
	    state == NULL ? show_str(h, "status") : state,
	    show_age(show_str(h, "last_seen")),
	    show_rev(show_str(h, "generation")), compartment(h, "agent"),
	    compartment(h, "git"), compartment(h, "lock"),
	    compartment(h, "system"), compartment(h, "tests"),
	    running });
}

/* Names that no host has, and none may take. */
static void
print_blocked(const json_t *names)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		out_linef("%s is blocked: it was removed after its token was "
		    "revoked (nixfleet hosts accept %s)",
		    json_string_value(name), json_string_value(name));
}

int
fleetcmd_hosts(const struct verb_call *call)
{
	static const char *const headings[] = { "HOST", "STATE", "SEEN",
		"REVISION", "AGENT", "GIT", "LOCK", "SYSTEM", "TESTS",
		"RUNNING" };
	struct table *t;
	json_t *v, *hosts;
	const json_t *h;
	size_t i;
	int code;

	if ((code = get(call, "/api/hosts", &v)) != VERB_OK)
		return (code);
	hosts = json_object_get(v, "hosts");
	if (call->options & OPTION_JSON)
		out_json(hosts);
	else if (json_array_size(hosts) == 0)
		out_linef("no host has registered yet");
	else {
		t = table_new(10, headings);
		json_array_foreach(hosts, i, h)
			host_row(t, h);
		table_print(t);
		table_free(&t);
	}
	if (!(call->options & OPTION_JSON))
		print_blocked(json_object_get(v, "blocked"));
	json_decref(v);
	return (VERB_OK);
}

/* What is removed cannot be had back: is that meant? */
static bool
is_meant(const struct verb_call *call)
{
	char *question, *answer;
	bool yes;

	if (call->options & OPTION_FORCE || !prompt_possible())
		return (true);
	question = str_printf("Remove %s%s and all that is known of it? "
	    "[yes/no] ", call->args[0], call->nargs > 1 ?
	    " and the others named" : "");
	answer = prompt_ask(question, false, NULL);
	yes = str_eq(answer, "yes");
	str_wipefree(&answer);
	free(question);
	return (yes);
}

/* The same for each host that is named, until one goes wrong. */
static int
each_host(const struct verb_call *call, const char *method, const char *below,
    const char *said)
{
	struct hubapi api;
	struct err e;
	int code = VERB_OK;

	if (hubapi_open(&api, call->settings, &e) == -1)
		return (out_error(&e));
	for (size_t i = 0; i < call->nargs && code == VERB_OK; i++) {
		char *path = str_printf("/api/hosts/%s%s", call->args[i],
		    below);
		json_t *v = NULL;

		if (names_hostname_check(call->args[i], &e) == -1 ||
		    hubapi_call(&api, method, path, str_eq(method, "POST") ?
		    json_object() : NULL, &v, &e) == -1)
			code = out_error(&e);
		else if (call->options & OPTION_JSON)
			out_json(v);
		else
			out_linef("%s %s", call->args[i], said);
		json_decref(v);
		free(path);
	}
	hubapi_done(&api);
	return (code);
}

int
fleetcmd_remove(const struct verb_call *call)
{
	if (!is_meant(call))
		return (VERB_FAILED);
	return (each_host(call, "DELETE", "", "was removed"));
}

int
fleetcmd_accept(const struct verb_call *call)
{
	return (each_host(call, "POST", "/accept", "is accepted: the next "
	    "machine that takes this name gets it"));
}

/* The newest last, where a reader's eye is. */
static void
print_events(const json_t *events)
{
	static const char *const headings[] = { "TIME", "LEVEL", "HOST", "BY",
		"EVENT" };
	struct table *t = table_new(5, headings);

	for (size_t i = json_array_size(events); i-- > 0;) {
		const json_t *ev = json_array_get(events, i);

		table_row(t, (const char *const[]){
		    show_time(show_str(ev, "timestamp")),
		    show_str(ev, "level"), show_str(ev, "host_id"),
		    show_str(ev, "actor"), show_str(ev, "message") });
	}
	table_print(t);
	table_free(&t);
}

int
fleetcmd_events(const struct verb_call *call)
{
	char *path = str_printf("/api/events?limit=%lld",
	    (long long)(call->limit == 0 ? 50 : call->limit));
	json_t *v;
	int code;

	code = get(call, path, &v);
	free(path);
	if (code != VERB_OK)
		return (code);
	if (call->options & OPTION_JSON)
		out_json(json_object_get(v, "events"));
	else
		print_events(json_object_get(v, "events"));
	json_decref(v);
	return (VERB_OK);
}
