#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "http_conn.h"
#include "record.h"
#include "str.h"

/* Nothing may be loaded but what this hub serves, and nobody frames it. */
const char *const http_security[] = {
	"X-Content-Type-Options", "nosniff",
	"X-Frame-Options", "DENY",
	"Referrer-Policy", "same-origin",
	"Cross-Origin-Opener-Policy", "same-origin",
	"Cross-Origin-Resource-Policy", "same-origin",
	"Permissions-Policy", "camera=(), geolocation=(), microphone=()",
	"Content-Security-Policy", "default-src 'none'; script-src 'self'; "
	    "style-src 'self'; img-src 'self' data:; font-src 'self'; "
	    "connect-src 'self'; manifest-src 'self'; form-action 'self'; "
	    "base-uri 'none'; frame-ancestors 'none'",
	NULL
};

static const char *const methods[HTTP_METHODS] = {
	[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

const char *
http_method_name(enum http_method m)
{
	return (methods[m]);
}

static const char *
reason(int status)
{
	static const struct { int status; const char *text; } table[] = {
		{ 200, "OK" }, { 204, "No Content" }, { 302, "Found" },
		{ 304, "Not Modified" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 409, "Conflict" }, { 411, "Length Required" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return (table[i].text);
	return ("Status");
}

void
http_compose(struct buf *out, const struct http_answer *a)
{
	const char *const *s;
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	buf_addf(out, "HTTP/1.1 %d %s\r\n", a->status, reason(a->status));
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_addf(out, "Date: %s\r\n", date);
	if (a->headers != NULL)
		buf_adds(out, a->headers);
	for (s = http_security; *s != NULL; s += 2)
		buf_addf(out, "%s: %s\r\n", s[0], s[1]);
	if (a->secure)
		buf_adds(out,
		    "Strict-Transport-Security: max-age=31536000\r\n");
	if (a->type != NULL)
		buf_addf(out, "Content-Type: %s\r\n", a->type);
	if (a->close)
		buf_adds(out, "Connection: close\r\n");
	if (a->status != 304 && a->status != 204)
		buf_addf(out, "Content-Length: %zu\r\n", a->len);
	buf_adds(out, "\r\n");
	if (!a->head_only && a->len > 0)
		buf_add(out, a->body, a->len);
}

void
http_free(struct http_req **rp)
{
	struct http_req *r = *rp;
	size_t i;

	if (r == NULL)
		return;
	*rp = NULL;
	for (i = 0; i < HTTP_PARAMS; i++)
		free(r->params[i]);
	free(r->path);
	free(r->host);
	free(r->origin);
	free(r->content_type);
	free(r->accept);
	free(r->accept_encoding);
	free(r->if_none_match);
	str_wipefree(&r->authorization);
	str_wipefree(&r->cookie);
	str_wipefree(&r->csrf);
	str_wipefree(&r->token);
	http_pairs_free(&r->query);
	if (r->body.data != NULL)
		str_wipe(r->body.data, r->body.len);
	buf_free(&r->body);
	buf_free(&r->headers);
	free(r);
}

bool
http_gone(struct http_req *r)
{
	if (r->conn != NULL)
		return (false);
	http_free(&r);
	return (true);
}

void
http_header(struct http_req *r, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	/* A line break in a value would be a header of somebody else's. */
	value[strcspn(value, "\r\n")] = '\0';
	buf_addf(&r->headers, "%s: %s\r\n", name, value);
}

void
http_reply(struct http_req *r, int status, const char *type,
    const void *body, size_t len)
{
	struct http_answer a = {
		.status = status, .secure = r->secure, .type = type,
		.head_only = r->method == HTTP_HEAD, .body = body, .len = len,
	};

	if (strstr(r->headers.data == NULL ? "" : r->headers.data,
	    "Cache-Control:") == NULL)
		http_header(r, "Cache-Control", "no-store");
	a.headers = r->headers.data;
	if (r->conn != NULL)
		http_conn_answer(r->conn, &a);
	http_free(&r);
}

void
http_reply_json(struct http_req *r, int status, json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(v);
	if (text == NULL)
		text = str_dup("{\"error\":\"the answer cannot be written "
		    "as JSON\",\"code\":\"internal\"}");
	http_reply(r, status, "application/json", text, strlen(text));
	free(text);
}

void
http_reply_error(struct http_req *r, int status, const char *code,
    const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	http_reply_json(r, status, json_pack("{s:s, s:s}", "error", text,
	    "code", code));
}

void
http_reply_err(struct http_req *r, const struct err *e)
{
	int status = 500;

	switch (e->code) {
	case ERR_INPUT:
		status = 400;
		break;
	case ERR_AUTH:
		status = 401;
		break;
	case ERR_NOTFOUND:
		status = 404;
		break;
	case ERR_BUSY:
	case ERR_REFUSED:
		status = 409;
		break;
	case ERR_TIMEOUT:
	case ERR_STOPPED:
		status = 503;
		break;
	default:
		break;
	}
	http_reply_error(r, status, err_name(e->code), "%s", e->text);
}

void
http_reply_redirect(struct http_req *r, const char *location)
{
	http_header(r, "Location", "%s", location);
	http_reply(r, 302, NULL, NULL, 0);
}

int
http_json(struct http_req *r, json_t **out)
{
	struct err e;

	if (r->body.len == 0) {
		*out = json_object();
		return (0);
	}
	if (record_parse(r->body.data, r->body.len, out, &e) == -1) {
		http_reply_error(r, 400, "bad_json", "the request's body: %s",
		    e.text);
		return (-1);
	}
	return (0);
}

int
http_query_int(struct http_req *r, const char *name, int64_t fallback,
    int64_t min, int64_t max, int64_t *out)
{
	const char *s = http_pairs_get(&r->query, name);

	if (s == NULL || *s == '\0') {
		*out = fallback;
		return (0);
	}
	if (str_int(s, min, max, out) == -1) {
		http_reply_error(r, 400, "bad_query",
		    "%s=%s: a whole number from %lld to %lld is wanted", name,
		    s, (long long)min, (long long)max);
		return (-1);
	}
	return (0);
}
