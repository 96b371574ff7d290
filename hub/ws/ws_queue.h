#ifndef WS_QUEUE_H
#define WS_QUEUE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

/* Text that waits in any number of queues; goes with its last holder. */
struct ws_text;

/* Copy ${len} bytes; the caller holds it. */
struct ws_text *ws_text_new(const char *, size_t len);
void	 ws_text_put(struct ws_text *);

/* Messages that wait for one WebSocket; all zeroes is an empty queue. */
struct ws_queue {
	struct ws_item *head, *tail;
	size_t bytes;		/* of all that waits */
	size_t sent;		/* of the first one */
};

/* Append; the queue holds the text too. */
void	 ws_queue_add(struct ws_queue *, struct ws_text *);

void	 ws_queue_free(struct ws_queue *);

/**
 * ws_queue_write(q, wsi):
 * The socket is writable: send a piece.  1: something is left, 0: empty,
 * -1: the connection is broken.
 */
int	 ws_queue_write(struct ws_queue *, struct lws *);

#endif
