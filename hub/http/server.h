#ifndef SERVER_H
#define SERVER_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hub.h"

struct browsers;
struct http_proxies;
struct lag;
struct strangers;
struct listener;
struct ws_peers;

/*
 * The hub's faces: HTTP for people and programs, WebSocket for agents and
 * browsers, on one port.  All on the loop's thread.
 */
struct server {
	struct hub *hub;
	struct lws_context *ctx;
	struct lws_vhost *vhost;
	struct listener *listener;
	struct http_proxies *proxies;	/* trusted ones */
	struct ws_peers *peers;
	struct browsers *browsers;
	struct lag *lag;
	struct strangers *strangers;
	char address[1200];		/* "http://127.0.0.1:8000" */
	bool tls;
	bool stopping;
};

/**
 * server_new(hub, out, e):
 * Open the port (NIXFLEET_LISTEN) and serve.  ${hub} must outlive it.
 */
int	 server_new(struct hub *, struct server **, struct err *)
	    __attribute__((warn_unused_result));

/* "http://127.0.0.1:8000": where it listens; valid as long as it does. */
const char *server_address(const struct server *);

/**
 * server_stop(srv):
 * Take no new connections; say good-bye to agents and browsers (1001).
 */
void	 server_stop(struct server *);

/* The one on this connection has shown a token or a session that is good. */
void	 server_known(struct lws *);
/* Not yet, but it has asked for something; ${client}: its real address. */
void	 server_heard(struct lws *, const char *client);

/* Connections that are WebSockets still; 0 when server_stop is through. */
size_t	 server_sockets(const struct server *);

/* Close everything; every agent's link is reported gone. */
void	 server_free(struct server **);

#endif
