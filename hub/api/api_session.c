#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "http.h"
#include "hub.h"
#include "server.h"
#include "tick.h"

/* What a failed login looks like: in the page's address, and in JSON. */
static const struct failure {
	const char *query;	/* as NixFleet v3 says it */
	int status;
	const char *code, *text;
} failures[] = {
	[AUTH_BAD_PASSWORD] = { "invalid+password", 401, "bad_password",
	    "the password is wrong" },
	[AUTH_BAD_TOTP] = { "invalid+TOTP+code", 401, "bad_totp",
	    "the one-time code is missing, wrong or was used before" },
	[AUTH_TOO_MANY] = { "too+many+attempts", 429, "too_many",
	    "too many attempts: wait a minute" },
	[AUTH_BUSY] = { "server+busy", 503, "busy",
	    "too many logins at once: try again" },
};

static void
set_cookie(struct http_req *r, const char *token, int64_t expires_at)
{
	time_t t = (time_t)(expires_at / 1000);
	char when[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	http_header(r, "Set-Cookie", "nixfleet_session=%s; Path=/; "
	    "Expires=%s; HttpOnly; SameSite=Lax%s", token, when,
	    r->secure ? "; Secure" : "");
}

static void
on_form_login(void *cookie, enum auth_result res,
    const struct auth_session *session, const char *token)
{
	struct http_req *r = cookie;
	char where[64];

	if (res == AUTH_OK) {
		set_cookie(r, token, session->expires_at);
		http_reply_redirect(r, "/");
		return;
	}
	strcpy(where, "/login?error=");
	strcat(where, failures[res].query);
	http_reply_redirect(r, where);
}

void
api_session_form(struct http_req *r)
{
	struct http_pairs form = { NULL, 0 };
	const char *password;

	if (http_pairs_form(&form, r->body.data, r->body.len, NULL) == -1 ||
	    (password = http_pairs_get(&form, "password")) == NULL)
		http_reply_redirect(r, "/login?error=invalid+request");
	else
		auth_login(r->srv->hub->auth, r->client, password,
		    http_pairs_get(&form, "totp"), on_form_login, r);
	http_pairs_free(&form);
}

void
api_session_logout(struct http_req *r)
{
	auth_logout(r->srv->hub->auth, r->token);
	set_cookie(r, "", 0);
	http_reply_redirect(r, "/login");
}

static json_t *
session_json(const struct auth_session *s)
{
	char when[TICK_TEXT];

	return (json_pack("{s:s, s:s}", "csrf_token", s->csrf_token,
	    "expires_at", tick_text(s->expires_at, when)));
}

static void
on_api_login(void *cookie, enum auth_result res,
    const struct auth_session *session, const char *token)
{
	struct http_req *r = cookie;
	json_t *v;

	if (res != AUTH_OK) {
		if (res == AUTH_TOO_MANY)
			http_header(r, "Retry-After", "60");
		http_reply_error(r, failures[res].status, failures[res].code,
		    "%s", failures[res].text);
		return;
	}
	v = session_json(session);
	json_object_set_new(v, "token", json_string(token));
	http_reply_json(r, 200, v);
}

void
api_session_login(struct http_req *r)
{
	const char *password, *totp;
	json_t *v;

	if (http_json(r, &v) == -1)
		return;
	password = json_string_value(json_object_get(v, "password"));
	totp = json_string_value(json_object_get(v, "totp"));
	if (password == NULL)
		http_reply_error(r, 400, "bad_request",
		    "password: a string is wanted");
	else
		auth_login(r->srv->hub->auth, r->client, password, totp,
		    on_api_login, r);
	json_decref(v);
}

void
api_session_show(struct http_req *r)
{
	json_t *v = session_json(r->session);

	json_object_set_new(v, "hub_version", json_string(NIXFLEET_VERSION));
	json_object_set_new(v, "totp",
	    json_boolean(auth_totp_on(r->srv->hub->auth)));
	http_reply_json(r, 200, v);
}
