#include <stdlib.h>
#include <string.h>

#include "http_conn.h"
#include "routes.h"
#include "server.h"
#include "str.h"
#include "tick.h"
#include "utf8.h"

/* Handed to the socket at once; the rest waits until it takes more. */
#define CHUNK (32 * 1024)
/* Chunks for one connection until the others have their turn. */
#define CHUNKS 32

/* A body too long is read to its end and dropped, up to this. */
#define DRAIN_MAX (8 * 1024 * 1024)

/* Seconds for a whole body to come, for a handler to answer, and for a client
   to take a chunk. */
#define BODY_S 30
#define ANSWER_S 60
#define WRITE_S 30

struct http_conn {
	struct server *srv;
	struct lws *wsi;
	struct http_req *req;	/* being read or answered, or NULL */
	bool dispatched;	/* ${req} is the handler's */
	bool too_long;		/* its body is */
	bool close;		/* after the answer */
	struct buf out;		/* LWS_PRE bytes, then the answer */
	size_t sent;		/* of it, LWS_PRE included */
	size_t body_max;
	int64_t body_by;	/* tick_mono() when the body must be here */
};

struct http_conn *
http_conn_new(struct server *srv, struct lws *wsi)
{
	struct http_conn *c = str_alloc(sizeof(*c));

	c->srv = srv;
	c->wsi = wsi;
	return (c);
}

void
http_conn_free(struct http_conn **cp)
{
	struct http_conn *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->dispatched && c->req != NULL)
		c->req->conn = NULL;
	else
		http_free(&c->req);
	buf_free(&c->out);
	free(c);
}

/* A header as a string; NULL if it is not there. */
static char *
header(struct lws *wsi, enum lws_token_indexes token)
{
	int n = lws_hdr_total_length(wsi, token);
	char *s;

	if (n <= 0)
		return (NULL);
	/* Fragments are joined with ", " in between. */
	s = str_alloc((size_t)n + 64);
	if (lws_hdr_copy(wsi, s, n + 64, token) < 0) {
		free(s);
		return (NULL);
	}
	return (s);
}

/* The same for a header that lws has no token for; ${name} with its colon. */
static char *
custom(struct lws *wsi, const char *name)
{
	int nlen = (int)strlen(name);
	int n = lws_hdr_custom_length(wsi, name, nlen);
	char *s, *value = NULL;

	if (n < 0)
		return (NULL);
	s = str_alloc((size_t)n + 1);
	if (lws_hdr_custom_copy(wsi, s, n + 1, name, nlen) >= 0)
		value = str_dup(str_trim(s));
	free(s);
	return (value);
}

/* Who is on the other side, and did he come by TLS? */
static void
read_peer(struct http_req *r, struct lws *wsi)
{
	char *fwd = header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
	char *proto = custom(wsi, "x-forwarded-proto:");
	char peer[HTTP_PROXY_ADDR];

	peer[0] = '\0';
	lws_get_peer_simple(wsi, peer, sizeof(peer));
	http_proxy_client(r->srv->proxies, peer, fwd, r->client);
	r->secure = r->srv->tls ||
	    http_proxy_secure(r->srv->proxies, peer, proto);
	free(fwd);
	free(proto);
}

/* lws has split the query at '&' and decoded the pieces. */
static int
read_query(struct http_req *r, struct lws *wsi, struct err *e)
{
	char piece[1024];
	int i, n;

	for (i = 0; i <= HTTP_PAIRS_MAX; i++) {
		n = lws_hdr_copy_fragment(wsi, piece, sizeof(piece),
		    WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n == -1)
			return (0);
		if (n < 0)
			return (err_set(e, ERR_INPUT,
			    "a field of the query is too long"));
		if (n > 0 && http_pairs_add(&r->query, piece, (size_t)n,
		    e) == -1)
			return (-1);
	}
	return (0);
}

static void
read_length(struct http_req *r, struct lws *wsi)
{
	char *s = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);

	r->content_length = -1;
	if (s != NULL && str_int(s, 0, INT64_MAX, &r->content_length) == -1)
		r->content_length = INT64_MAX;
	free(s);
}

static enum http_method
read_method(struct lws *wsi)
{
	static const struct {
		enum lws_token_indexes token;
		enum http_method method;
	} table[] = {
		{ WSI_TOKEN_GET_URI, HTTP_GET },
		{ WSI_TOKEN_HEAD_URI, HTTP_HEAD },
		{ WSI_TOKEN_POST_URI, HTTP_POST },
		{ WSI_TOKEN_PUT_URI, HTTP_PUT },
		{ WSI_TOKEN_PATCH_URI, HTTP_PATCH },
		{ WSI_TOKEN_DELETE_URI, HTTP_DELETE },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (lws_hdr_total_length(wsi, table[i].token) > 0)
			return (table[i].method);
	return (HTTP_OPTIONS);
}

struct http_req *
http_conn_request(struct server *srv, struct lws *wsi)
{
	struct http_req *r = str_alloc(sizeof(*r));

	r->srv = srv;
	r->method = read_method(wsi);
	r->host = header(wsi, WSI_TOKEN_HOST);
	r->origin = header(wsi, WSI_TOKEN_ORIGIN);
	r->authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	r->cookie = header(wsi, WSI_TOKEN_HTTP_COOKIE);
	r->csrf = custom(wsi, "x-csrf-token:");
	r->content_type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	r->accept = header(wsi, WSI_TOKEN_HTTP_ACCEPT);
	r->accept_encoding = header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING);
	r->if_none_match = header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH);
	read_peer(r, wsi);
	read_length(r, wsi);
	return (r);
}

/* The handler's from now on; it may answer inside. */
static int
dispatch(struct http_conn *c)
{
	c->dispatched = true;
	server_heard(c->wsi, c->req->client);
	/* Nothing is read until the answer, also not the next request. */
	lws_rx_flow_control(c->wsi, 0);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
	if (c->too_long)
		http_reply_error(c->req, 413, "too_long",
		    "the request's body is longer than %zu bytes",
		    c->body_max);
	else
		routes_dispatch(c->req);
	return (0);
}

/* An answer without reading the body: the connection ends with it. */
static int
refuse(struct http_conn *c, int status, const char *code, const char *text)
{
	c->close = true;
	c->dispatched = true;
	http_reply_error(c->req, status, code, "%s", text);
	return (0);
}

int
http_conn_head(struct http_conn *c, const char *path, size_t len)
{
	struct http_req *r;
	struct err e;

	c->req = r = http_conn_request(c->srv, c->wsi);
	c->dispatched = c->too_long = false;
	c->body_by = tick_mono() + BODY_S * 1000;
	r->conn = c;
	r->path = str_ndup(path, len);
	if (!utf8_valid(path, len))
		return (refuse(c, 400, "bad_path", "the path is not UTF-8"));
	if (read_query(r, c->wsi, &e) == -1)
		return (refuse(c, 400, "bad_query", e.text));
	if (lws_hdr_total_length(c->wsi,
	    WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
	    (r->content_length == -1 && (r->method == HTTP_POST ||
	    r->method == HTTP_PUT || r->method == HTTP_PATCH)))
		return (refuse(c, 411, "length_required",
		    "a body needs a Content-Length header"));
	if (r->content_length > DRAIN_MAX)
		return (refuse(c, 413, "too_long",
		    "the request's body is too long"));
	c->body_max = routes_body_max(r->method, r->path);
	c->too_long = r->content_length > (int64_t)c->body_max;
	/* lws tells of the body's end also for an empty POST. */
	if (r->content_length > 0 ||
	    (r->content_length == 0 && r->method == HTTP_POST))
		return (0);
	return (dispatch(c));
}

int
http_conn_body(struct http_conn *c, const void *p, size_t len)
{
	/* A drop now and then would hold what others need to come in. */
	if (tick_mono() > c->body_by)
		return (-1);
	if (c->req != NULL && !c->dispatched && !c->too_long && len > 0)
		buf_add(&c->req->body, p, len);
	return (0);
}

int
http_conn_body_end(struct http_conn *c)
{
	if (c->req == NULL || c->dispatched)
		return (0);
	return (dispatch(c));
}

void
http_conn_known(struct http_conn *c)
{
	server_known(c->wsi);
}

void
http_conn_answer(struct http_conn *c, const struct http_answer *answer)
{
	static const char room[LWS_PRE];
	struct http_answer a = *answer;

	a.close |= c->close;
	c->req = NULL;
	buf_clear(&c->out);
	buf_add(&c->out, room, sizeof(room));
	http_compose(&c->out, &a);
	c->sent = LWS_PRE;
	/* lws tells nothing of a connection that is held back. */
	lws_rx_flow_control(c->wsi, 1);
	lws_callback_on_writable(c->wsi);
}

/* 1: all is sent, 0: later, -1: the connection is broken. */
static int
write_chunk(struct http_conn *c)
{
	size_t left = c->out.len - c->sent;
	size_t n = left > CHUNK ? CHUNK : left;

	if (n > 0) {
		if (lws_write(c->wsi, (unsigned char *)c->out.data + c->sent,
		    n, n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
			return (-1);
		c->sent += n;
	}
	return (n == left);
}

/*
 * The same for what the socket takes.  Only lws may begin this: a client that
 * has its answer sends the next request, and lws must be done with the last.
 */
static int
write_some(struct http_conn *c)
{
	int rc, n = 0;

	lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_S);
	while ((rc = write_chunk(c)) == 0 && ++n < CHUNKS &&
	    !lws_send_pipe_choked(c->wsi))
		continue;
	return (rc);
}

int
http_conn_writable(struct http_conn *c)
{
	int rc;

	if (c->out.len == 0)
		return (0);
	if ((rc = write_some(c)) == -1)
		return (-1);
	if (rc == 0) {
		lws_callback_on_writable(c->wsi);
		return (0);
	}
	buf_free(&c->out);
	c->sent = 0;
	if (c->close)
		return (-1);
	return (lws_http_transaction_completed(c->wsi) ? -1 : 0);
}
