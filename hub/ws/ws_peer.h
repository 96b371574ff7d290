#ifndef WS_PEER_H
#define WS_PEER_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "ws_queue.h"

struct server;
struct ws_peer;

/* What agents and browsers do differently. */
struct ws_peer_class {
	size_t max_in;		/* longest message; more is close 1009 */
	void	 (*on_message)(struct ws_peer *, const char *, size_t);
	void	 (*on_drained)(struct ws_peer *); /* all is sent; or NULL */
	/* The socket is closed, ${clean}: by the peer with 1000.  Free it. */
	void	 (*on_gone)(struct ws_peer *, bool clean);
};

/*
 * A WebSocket of ours, agent or browser: the first member of their structs.
 * Pings go out when the peer is silent for WS_PEER_PING; one that is silent
 * for WS_PEER_DEAD is dropped.
 */
struct ws_peer {
	const struct ws_peer_class *class;
	struct server *srv;
	struct lws *wsi;		/* NULL: not open yet */
	struct buf in;			/* a message that comes in pieces */
	struct ws_queue out;
	struct ws_peer *prev, *next;	/* in order of ${heard} */
	uint64_t heard;			/* uv_now() */
	char *reason;			/* of the close to be sent */
	uint16_t code;			/* of it; 0: stays open */
	bool said_bye;			/* our close has begun */
	bool ping;			/* to be sent */
	bool pinged;			/* since it was heard */
	bool closing;			/* the peer's close came */
	bool clean;			/* with 1000 */
};

#define WS_PEER_PING 25000
#define WS_PEER_DEAD 60000

struct ws_peers;

/* Every WebSocket of a server, and the timer that looks after them. */
int	 ws_peers_new(struct server *, struct ws_peers **, struct err *)
	    __attribute__((warn_unused_result));
void	 ws_peers_free(struct ws_peers **);
size_t	 ws_peers_count(const struct ws_peers *);
void	 ws_peers_close_all(struct ws_peers *, int code, const char *reason);

/**
 * ws_peer_open(p, wsi):
 * The upgrade is through; class and srv are set.
 */
void	 ws_peer_open(struct ws_peer *, struct lws *);

/* The lws callbacks: 0, or -1 to close. */
int	 ws_peer_receive(struct ws_peer *, const char *, size_t);
int	 ws_peer_writable(struct ws_peer *);
void	 ws_peer_pong(struct ws_peer *);
void	 ws_peer_closing(struct ws_peer *, const void *, size_t);
/* Frees it by way of its class; also when it never opened. */
void	 ws_peer_closed(struct ws_peer *);

/* Send a text: at once if nothing waits and the socket takes it. */
void	 ws_peer_send(struct ws_peer *, struct ws_text *);

/**
 * ws_peer_close(p, code, reason):
 * Send what waits, then the close frame; on_gone comes later.
 */
void	 ws_peer_close(struct ws_peer *, int code, const char *reason);

/* Release what is common; for on_gone. */
void	 ws_peer_done(struct ws_peer *);

#endif
