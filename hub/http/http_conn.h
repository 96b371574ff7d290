#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <libwebsockets.h>
#include <stddef.h>

#include "http.h"

/*
 * One HTTP connection of the lws server: reads a request, hands it to its
 * route, writes the answer in pieces, and waits for the next one.
 */
struct http_conn;

struct http_conn *http_conn_new(struct server *, struct lws *);
/* A request that is still being answered loses its connection. */
void	 http_conn_free(struct http_conn **);

/*
 * The lws callbacks.  Each returns what the callback returns: 0, or -1 to
 * close the connection.
 */
int	 http_conn_head(struct http_conn *, const char *path, size_t len);
int	 http_conn_body(struct http_conn *, const void *, size_t);
int	 http_conn_body_end(struct http_conn *);
int	 http_conn_writable(struct http_conn *);

/* Its request came with a session that is good. */
void	 http_conn_known(struct http_conn *);

/* Queue the answer of the request in progress (http_reply calls this). */
void	 http_conn_answer(struct http_conn *, const struct http_answer *);

/**
 * http_conn_request(srv, wsi):
 * A request made of the head that lws holds now, without its path and
 * connection; used for WebSocket upgrades too.
 */
struct http_req *http_conn_request(struct server *, struct lws *);

#endif
