#ifndef WS_WATCH_H
#define WS_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct operation;
struct store_line;

/*
 * The operations whose output one browser wants, a list.  A watch first
 * reads what is stored after the line the browser has, a page at a time as
 * the browser takes it, then passes on what comes; one whose browser is too
 * slow goes back to reading.  Thus no line is missed and none comes twice.
 */
struct ws_watch;

/* At most so many at once; the oldest is forgotten beyond. */
#define WS_WATCH_MAX 16

/* The payload of an `output` message, taken over; called from the loop. */
typedef void ws_watch_send(void *cookie, json_t *payload);

/* Watch ${id} from after line ${after}; again: start over there. */
void	 ws_watch_add(struct ws_watch **, struct hub *, const char *id,
	    int64_t after, ws_watch_send *, void *cookie);
void	 ws_watch_remove(struct ws_watch **, const char *id);
void	 ws_watch_free(struct ws_watch **);

/* The browser can take more: read on where something is stored. */
void	 ws_watch_pump(struct ws_watch *);

/* Is the operation watched and up to date, so that live lines fit? */
bool	 ws_watch_takes(const struct ws_watch *, const char *id);
/* Live lines up to that were sent. */
void	 ws_watch_sent(struct ws_watch *, const char *id, int64_t seq);
/* Live lines were not sent: read them from the store later. */
void	 ws_watch_pause(struct ws_watch *, const char *id);
/* The payload of an `output` message with live lines. */
json_t	*ws_watch_payload(const struct operation *, const struct store_line *,
	    size_t n);

#endif
