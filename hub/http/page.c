#include <stdio.h>
#include <string.h>

#include "api.h"
#include "assets.h"
#include "http.h"
#include "http_header.h"
#include "hub.h"
#include "routes.h"
#include "server.h"

#define HTML "text/html; charset=utf-8"

/* Where the dashboard waits for the session's CSRF token. */
#define SLOT "data-csrf-token=\"\""

static const char no_dashboard[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>NixFleet</title></head>\n<body data-csrf-token=\"\"><main>"
    "<h1>NixFleet</h1><p>This hub was built without its dashboard. "
    "The command <code>nixfleet</code> and the HTTP API work.</p></main>"
    "</body></html>\n";

void
page_dashboard(struct http_req *r)
{
	const struct asset *a = assets_find("/index.html");
	const char *html = a == NULL ? no_dashboard : (const char *)a->data;
	size_t len = a == NULL ? strlen(html) : a->len, before;
	const char *slot = memmem(html, len, SLOT, strlen(SLOT));
	struct buf out = { NULL, 0, 0 };

	before = slot == NULL ? len : (size_t)(slot - html);
	buf_add(&out, html, before);
	if (slot != NULL) {
		buf_addf(&out, "data-csrf-token=\"%s\"",
		    r->session->csrf_token);
		buf_add(&out, slot + strlen(SLOT), len - before -
		    strlen(SLOT));
	}
	http_reply(r, 200, HTML, out.data, out.len);
	buf_free(&out);
}

/* What ?error= may say; anything else is "invalid request". */
static const char *
login_error(const char *word)
{
	static const struct { const char *word, *text; } table[] = {
		{ "invalid password", "The password is wrong." },
		{ "invalid TOTP code",
		    "The one-time code is missing, wrong or was used before." },
		{ "too many attempts",
		    "Too many attempts. Wait a minute, then try again." },
		{ "server busy", "Too many logins at once. Try again." },
	};
	size_t i;

	if (word == NULL)
		return ("");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(word, table[i].word) == 0)
			return (table[i].text);
	return ("The hub did not understand the form. Try again.");
}

void
page_login(struct http_req *r)
{
	static const char totp[] = "<label for=\"totp\">One-time code</label>"
	    "<input id=\"totp\" name=\"totp\" inputmode=\"numeric\" "
	    "autocomplete=\"one-time-code\" pattern=\"[0-9]{6}\" required>\n";
	struct buf out = { NULL, 0, 0 };

	if (routes_session(r) == 0) {
		http_reply_redirect(r, "/");
		return;
	}
	buf_addf(&out, "<!doctype html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">"
	    "<title>Log in to NixFleet</title>"
	    "<link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">"
	    "<link rel=\"stylesheet\" href=\"/login.css\"></head>\n<body><main>"
	    "<h1>NixFleet</h1>\n<p role=\"alert\">%s</p>\n"
	    "<form method=\"post\" action=\"/login\">"
	    "<label for=\"password\">Password</label>"
	    "<input id=\"password\" name=\"password\" type=\"password\" "
	    "autocomplete=\"current-password\" required autofocus>\n"
	    "%s<button type=\"submit\">Log in</button></form></main></body>"
	    "</html>\n", login_error(http_pairs_get(&r->query, "error")),
	    auth_totp_on(r->srv->hub->auth) ? totp : "");
	http_reply(r, 200, HTML, out.data, out.len);
	buf_free(&out);
}

void
page_asset(struct http_req *r)
{
	const struct asset *a = assets_find(r->path);
	bool gz;

	if (a == NULL) {
		http_reply_error(r, 404, "not_found",
		    "there is nothing at %s", r->path);
		return;
	}
	http_header(r, "Cache-Control", "%s", a->immutable ?
	    "public, max-age=31536000, immutable" : "no-cache");
	http_header(r, "ETag", "%s", a->etag);
	http_header(r, "Vary", "Accept-Encoding");
	if (http_header_etag_match(r->if_none_match, a->etag)) {
		http_reply(r, 304, NULL, NULL, 0);
		return;
	}
	gz = a->gz != NULL && http_header_gzip(r->accept_encoding);
	if (gz)
		http_header(r, "Content-Encoding", "gzip");
	http_reply(r, 200, a->type, gz ? a->gz : a->data,
	    gz ? a->gzlen : a->len);
}

void
page_upgrade(struct http_req *r)
{
	http_header(r, "Upgrade", "websocket");
	http_reply_error(r, 426, "upgrade_required",
	    "this is a WebSocket: connect with an Upgrade header");
}
