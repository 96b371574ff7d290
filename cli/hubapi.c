#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "hubapi.h"
#include "record.h"
#include "str.h"
#include "url.h"

#define ANSWER_MAX (64 << 20)
#define DEADLINE 60000

int
hubapi_base(const struct settings *set, const char *text, char **out,
    struct err *e)
{
	struct url url;

	if (text == NULL)
		text = settings_str(set, SET_HUB);
	if (text == NULL) {
		*out = NULL;
		return (0);
	}
	if (url_base(text, settings_bool(set, SET_ALLOW_INSECURE_HTTP), &url,
	    e) == -1)
		return (-1);
	*out = url_http(&url, "");
	url_free(&url);
	return (0);
}

int
hubapi_init(struct hubapi *api, const struct settings *set, struct err *e)
{
	const char *ca = settings_str(set, SET_CA_FILE);
	const char *pins = settings_str(set, SET_PINNED_PUBKEY);

	*api = (struct hubapi){ 0 };
	if (ca == NULL && pins == NULL)
		return (0);
	return (tls_trust_load(ca, pins, &api->trust, e));
}

int
hubapi_open(struct hubapi *api, const struct settings *set, struct err *e)
{
	char *base = NULL;

	if (hubapi_init(api, set, e) == -1)
		return (-1);
	if (session_load(&api->session, e) == -1 ||
	    hubapi_base(set, NULL, &base, e) == -1)
		goto err1;
	/* The token is for one hub; another must never see it. */
	if (base != NULL && !str_eq(base, api->session.hub)) {
		err_set(e, ERR_AUTH, "NIXFLEET_HUB is %s, but you are logged "
		    "in to %s; log in with: nixfleet login %s", base,
		    api->session.hub, base);
		goto err2;
	}
	free(base);
	return (0);

err2:
	free(base);
err1:
	hubapi_done(api);
	return (-1);
}

void
hubapi_done(struct hubapi *api)
{
	session_done(&api->session);
	tls_trust_free(&api->trust);
}

/* What an answer's error says, for people; its word goes to api->code. */
static int
failure(struct hubapi *api, const struct http_client_response *res,
    const json_t *v, struct err *e)
{
	const char *text = json_string_value(json_object_get(v, "error"));
	const char *code = json_string_value(json_object_get(v, "code"));
	enum err_code kind = ERR_REFUSED;

	if (code != NULL)
		snprintf(api->code, sizeof(api->code), "%s", code);
	if (res->status == 401)
		kind = ERR_AUTH;
	else if (res->status == 404)
		kind = ERR_NOTFOUND;
	else if (res->status >= 500)
		kind = ERR_NET;
	if (text != NULL)
		return (err_set(e, kind, "%s", text));
	return (err_set(e, kind, "the hub answered with status %d%s",
	    res->status, res->status == 401 ? ": log in again" : ""));
}

static int
answer(struct hubapi *api, const struct http_client_response *res,
    json_t **out, struct err *e)
{
	json_t *v = json_null();
	int rc = 0;

	api->code[0] = '\0';
	if (res->status >= 300 && res->status < 400)
		return (err_set(e, ERR_PROTO, "the hub answered with a "
		    "redirect to %s: is that address a hub's?",
		    res->location == NULL ? "nowhere" : res->location));
	if (res->body.len > 0 && record_parse(res->body.data, res->body.len, &v,
	    e) == -1) {
		if (res->status < 400)
			return (err_set(e, ERR_PROTO, "the answer is not what "
			    "a hub says: is that address a hub's?"));
		v = json_null();
	}
	if (res->status >= 400)
		rc = failure(api, res, v, e);
	if (rc == -1)
		json_decref(v);
	else
		*out = v;
	return (rc);
}

int
hubapi_call(struct hubapi *api, const char *method, const char *path,
    json_t *body, json_t **out, struct err *e)
{
	const char *headers[7] = { "Accept", "application/json" };
	struct http_client_request req = { .method = method,
		.headers = headers, .max_body = ANSWER_MAX,
		.deadline = DEADLINE, .trust = api->trust };
	struct http_client_response res = { 0 };
	char *url = str_printf("%s%s", api->session.hub, path);
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	char *bearer = str_printf("Bearer %s", api->session.token == NULL ? "" :
	    api->session.token);
	int n = 2, rc;

	json_decref(body);
	if (api->session.token != NULL) {
		headers[n++] = "Authorization";
		headers[n++] = bearer;
	}
	if (text != NULL) {
		headers[n++] = "Content-Type";
		headers[n++] = "application/json";
		req.body = text;
		req.bodylen = strlen(text);
	}
	req.url = url;
	if ((rc = http_client_run(&req, &res, e)) == 0)
		rc = answer(api, &res, out, e);
	http_client_free(&res);
	str_wipefree(&bearer);
	str_wipefree(&text);
	free(url);
	return (rc);
}
