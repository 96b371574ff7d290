#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "loop.h"
#include "reach.h"
#include "str.h"
#include "url.h"

#define READ_BUF 4096

/* One request on its way. */
struct exchange {
	const struct http_client_request *req;
	struct http_client_response *res;
	struct err *e;
	const struct url *url;
	struct tls_trust *trust;	/* the request's, or our own */
	uv_loop_t uv;
	uv_timer_t deadline;
	struct lws *wsi;
	char address[REACH_ADDRESS];
	size_t sent;
	bool until_close;	/* the body ends where the connection does */
	bool connected;		/* something may have been sent */
	bool over;
	int rc;
};

static void
finish(struct exchange *x, int rc)
{
	x->over = true;
	x->rc = rc;
	uv_stop(&x->uv);
}

static void
on_deadline(uv_timer_t *t)
{
	struct exchange *x = t->data;

	finish(x, err_set(x->e, ERR_TIMEOUT, "no answer within %lld ms",
	    (long long)x->req->deadline));
}

/* The request's own headers, behind those that the library makes. */
static int
add_headers(struct exchange *x, struct lws *wsi, unsigned char **p, size_t n)
{
	const char *const *h = x->req->headers;
	unsigned char *end = *p + n;
	char name[128], len[24];

	for (; h != NULL && h[0] != NULL; h += 2) {
		snprintf(name, sizeof(name), "%s:", h[0]);
		if (lws_add_http_header_by_name(wsi, (unsigned char *)name,
		    (const unsigned char *)h[1], (int)strlen(h[1]), p, end))
			return (-1);
	}
	if (x->req->body == NULL)
		return (0);
	snprintf(len, sizeof(len), "%zu", x->req->bodylen);
	if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH,
	    (unsigned char *)len, (int)strlen(len), p, end))
		return (-1);
	if (x->req->bodylen > 0) {
		lws_client_http_body_pending(wsi, 1);
		lws_callback_on_writable(wsi);
	}
	return (0);
}

static int
write_body(struct exchange *x, struct lws *wsi)
{
	unsigned char chunk[LWS_PRE + READ_BUF];
	size_t n = x->req->bodylen - x->sent;
	bool last = n <= READ_BUF;

	if (n == 0)
		return (0);
	n = last ? n : READ_BUF;
	memcpy(chunk + LWS_PRE, (const char *)x->req->body + x->sent, n);
	if (lws_write(wsi, chunk + LWS_PRE, n,
	    last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n)
		return (-1);
	x->sent += n;
	if (last)
		lws_client_http_body_pending(wsi, 0);
	else
		lws_callback_on_writable(wsi);
	return (0);
}

/* A header of the answer, or NULL. */
static char *
header(struct lws *wsi, enum lws_token_indexes token)
{
	int n = lws_hdr_total_length(wsi, token);
	char *text;

	if (n <= 0)
		return (NULL);
	text = str_alloc((size_t)n + 1);
	if (lws_hdr_copy(wsi, text, n + 1, token) < 0) {
		free(text);
		return (NULL);
	}
	return (text);
}

static int
on_answer(struct exchange *x, struct lws *wsi)
{
	struct http_client_response *r = x->res;
	bool bodyless;

	r->status = (int)lws_http_client_http_response(wsi);
	r->content_type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	r->location = header(wsi, WSI_TOKEN_HTTP_LOCATION);
	r->set_cookie = header(wsi, WSI_TOKEN_HTTP_SET_COOKIE);
	bodyless = r->status == 204 || r->status == 304;
	x->until_close =
	    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 &&
	    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) <= 0;
	if (bodyless)
		finish(x, 0);
	return (bodyless ? -1 : 0);
}

static int
on_read(struct exchange *x, const char *p, size_t n)
{
	if (x->res->body.len + n > x->req->max_body) {
		finish(x, err_set(x->e, ERR_PROTO, "the answer is longer than "
		    "%zu bytes", x->req->max_body));
		return (-1);
	}
	buf_add(&x->res->body, p, n);
	return (0);
}

/* The library has data: it hands them over in pieces to on_read(). */
static int
pump(struct lws *wsi)
{
	char data[LWS_PRE + READ_BUF], *p = data + LWS_PRE;
	int n = READ_BUF;

	return (lws_http_client_read(wsi, &p, &n) < 0 ? -1 : 0);
}

static void
on_refused(struct exchange *x, const char *why, size_t n)
{
	const char *cert = x->trust != NULL ? tls_trust_failure(x->trust) :
	    NULL;

	if (x->over)
		return;
	if (cert != NULL)
		finish(x, err_set(x->e, ERR_REFUSED, "the server's certificate "
		    "is not trusted: %s", cert));
	else
		finish(x, reach_why(x->url, why, n, x->e));
}

static void
on_closed(struct exchange *x)
{
	if (x->over)
		return;
	if (x->until_close && x->res->status != 0)
		finish(x, 0);
	else
		finish(x, err_set(x->e, ERR_NET, "the connection broke off "
		    "before the answer was whole"));
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
    size_t len)
{
	struct exchange *x = user;
	unsigned char **p = in;

	switch (why) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		x->connected = true;
		return (add_headers(x, wsi, p, len));
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		return (write_body(x, wsi));
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		return (on_answer(x, wsi));
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
		return (pump(wsi));
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		return (on_read(x, in, len));
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		finish(x, 0);
		return (-1);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_refused(x, in, len);
		return (0);
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		on_closed(x);
		return (0);
	default:
		return (0);
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "http", .callback = on_event, .rx_buffer_size = READ_BUF },
	{ 0 },
};

static int
start(struct exchange *x, struct lws_context *ctx, const struct url *u)
{
	struct lws_client_connect_info cci = {
		.context = ctx,
		.address = x->address,
		.port = u->port,
		.path = u->path,
		.method = x->req->method,
		.alpn = "http/1.1",
		.local_protocol_name = "http",
		.userdata = x,
		.pwsi = &x->wsi,
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
		    (u->tls ? LCCSCF_USE_SSL : 0),
	};
	char *host = url_host_header(u);

	cci.host = cci.origin = host;
	if (lws_client_connect_via_info(&cci) == NULL)
		on_refused(x, NULL, 0);
	free(host);
	return (x->over ? x->rc : 0);
}

/* The exchange itself, between a loop and a context made for it. */
static int
run(struct exchange *x, const struct url *u)
{
	struct loop_foreign foreign;
	struct lws_context_creation_info info;
	struct lws_context *ctx;

	loop_info(&x->uv, &foreign, &info);
	info.protocols = protocols;
	tls_trust_apply(x->trust, &info);
	if ((ctx = loop_open(&info, x->e)) == NULL)
		return (-1);
	uv_timer_start(&x->deadline, on_deadline,
	    (uint64_t)x->req->deadline, 0);
	if (start(x, ctx, u) == 0 && !x->over)
		uv_run(&x->uv, UV_RUN_DEFAULT);
	x->over = true;
	loop_close(&x->uv, &ctx);
	return (x->rc);
}

static int
run_in_loop(struct exchange *x, const struct url *u)
{
	int rc;

	loop_init(&x->uv);
	uv_timer_init(&x->uv, &x->deadline);
	x->deadline.data = x;
	rc = run(x, u);
	uv_close((uv_handle_t *)&x->deadline, NULL);
	uv_run(&x->uv, UV_RUN_DEFAULT);
	uv_loop_close(&x->uv);
	return (rc);
}

/* Try one address of the host after the other until one takes us. */
static int
run_anywhere(const struct exchange *plan, const struct url *u)
{
	struct exchange x;
	unsigned turn = 0;
	size_t n;
	int rc;

	do {
		x = *plan;
		n = reach_address(u, turn, x.address);
		rc = run_in_loop(&x, u);
	} while (rc == -1 && !x.connected && x.e->code == ERR_NET &&
	    ++turn < n);
	return (rc);
}

int
http_client_run(const struct http_client_request *req,
    struct http_client_response *res, struct err *e)
{
	struct err local;
	struct exchange x = { .req = req, .res = res,
		.e = e != NULL ? e : &local };
	struct tls_trust *system = NULL;
	struct url u;
	int rc = 0;

	memset(res, 0, sizeof(*res));
	if (url_parse(req->url, &u, e) == -1)
		return (-1);
	x.url = &u;
	if (u.tls && req->trust == NULL)
		rc = tls_trust_load(NULL, NULL, &system, e);
	if (u.tls)
		x.trust = req->trust != NULL ? req->trust : system;
	if (rc == 0)
		rc = run_anywhere(&x, &u);
	if (rc == -1)
		err_wrap(e, "%s %s", req->method, req->url);
	tls_trust_free(&system);
	url_free(&u);
	return (rc);
}

void
http_client_free(struct http_client_response *res)
{
	buf_free(&res->body);
	free(res->content_type);
	free(res->location);
	free(res->set_cookie);
	memset(res, 0, sizeof(*res));
}
