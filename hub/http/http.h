#ifndef HTTP_H
#define HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth.h"
#include "buf.h"
#include "err.h"
#include "http_pairs.h"
#include "http_proxy.h"

struct http_conn;
struct server;

enum http_method {
	HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE,
	HTTP_OPTIONS, HTTP_METHODS
};
const char *http_method_name(enum http_method);

/* Most segments of a path that a route may capture. */
#define HTTP_PARAMS 2

/*
 * A request, from its head to its answer.  The handler that gets it owns it
 * and answers exactly once, at once or later from the loop; answering frees
 * it, and is fine too when the client has gone meanwhile.  Header strings
 * are NULL when the header is not there.
 */
struct http_req {
	struct server *srv;
	struct http_conn *conn;		/* NULL: the client is gone */
	enum http_method method;
	char *path;			/* decoded, begins with a slash */
	char *params[HTTP_PARAMS];	/* captured by the route */
	struct http_pairs query;
	char *host, *origin, *authorization, *cookie, *csrf, *content_type;
	char *accept, *accept_encoding, *if_none_match;
	char client[HTTP_PROXY_ADDR];	/* who asks, proxies looked through */
	bool secure;			/* TLS here or at a trusted proxy */
	int64_t content_length;		/* -1: not said */
	struct buf body;
	char *token;			/* of the session; a secret */
	const struct auth_session *session; /* NULL on public routes */
	struct buf headers;		/* of the answer, more of them */
};

/* Release a request that has no answer (the connection closes). */
void	 http_free(struct http_req **);

/**
 * http_gone(req):
 * Has the client gone while the handler waited?  Then the request is freed,
 * and there is nothing more to do.
 */
bool	 http_gone(struct http_req *);

/**
 * http_header(req, name, fmt, ...):
 * Add a header to the answer to come.
 */
void	 http_header(struct http_req *, const char *name, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/**
 * http_reply(req, status, type, body, len):
 * Answer and free the request.  ${type} NULL: no body.
 */
void	 http_reply(struct http_req *, int status, const char *type,
	    const void *body, size_t len);

/* The same with a JSON value, whose reference is taken. */
void	 http_reply_json(struct http_req *, int status, json_t *);

/* {"error": text, "code": code} */
void	 http_reply_error(struct http_req *, int status, const char *code,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The status that fits the error's code, and its text. */
void	 http_reply_err(struct http_req *, const struct err *);

/* 302 */
void	 http_reply_redirect(struct http_req *, const char *location);

/**
 * http_json(req, obj):
 * The body as a JSON object (an empty body is an empty one), a new
 * reference.  -1: answered already with 400.
 */
int	 http_json(struct http_req *, json_t **)
	    __attribute__((warn_unused_result));

/**
 * http_query_int(req, name, fallback, min, max, out):
 * A number of the query; ${fallback} if it is not there.  -1: answered
 * already with 400.
 */
int	 http_query_int(struct http_req *, const char *name, int64_t fallback,
	    int64_t min, int64_t max, int64_t *out)
	    __attribute__((warn_unused_result));

/**
 * http_compose(out, answer):
 * Append a whole HTTP/1.1 answer with the headers that every answer has
 * (http_security).
 */
struct http_answer {
	int status;
	bool secure, head_only, close;
	const char *headers;	/* complete lines, or NULL */
	const char *type;	/* NULL: no body */
	const void *body;
	size_t len;
};
void	 http_compose(struct buf *out, const struct http_answer *);

/* Name, value, …, NULL: on every answer. */
extern const char *const http_security[];

#endif
