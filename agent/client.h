#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <uv.h>

#include "control.h"

/* One peer of the control socket. */
struct client;

/* ${gone} runs once, when the peer is to be taken off the list. */
struct client *client_new(const struct control_conf *,
	    void (*gone)(void *, struct client *), void *cookie);
/* For accepting. */
uv_pipe_t *client_pipe(struct client *);
/* Begin to read; ${may_write}: everything, else only looking. */
void	 client_start(struct client *, const char *user, bool may_write);
void	 client_pump(struct client *);
void	 client_drop(struct client *);
/* The next on control's list. */
struct client **client_link(struct client *);

#endif
