#ifndef LISTENER_H
#define LISTENER_H

#include <uv.h>

#include "err.h"

/*
 * A listening TCP socket on the loop.  Its own code and not the library's:
 * addresses as NIXFLEET_LISTEN gives them, a long queue for a fleet that
 * comes back at once, and no spinning when descriptors run out.
 */
struct listener;

/**
 * listener_open(loop, where, on_accept, cookie, out, e):
 * Listen at "HOST:PORT", "[::1]:PORT", ":PORT" or "PORT" (every address);
 * port 0 takes a free one.  ${on_accept} gets each connection's descriptor,
 * non-blocking and close-on-exec, and owns it.
 */
int	 listener_open(uv_loop_t *, const char *where,
	    void (*on_accept)(void *, int fd), void *cookie,
	    struct listener **, struct err *)
	    __attribute__((warn_unused_result));

/* "127.0.0.1:8000", with the port that was taken. */
const char *listener_address(const struct listener *);

/* Stop listening; closed on the loop. */
void	 listener_close(struct listener **);

/* Could we listen there now?  Nothing stays open. */
int	 listener_try(const char *where, struct err *)
	    __attribute__((warn_unused_result));

/**
 * listener_parse(where, host, hostlen, port, e):
 * Take "HOST:PORT" apart; *${host} is "" for every address.
 */
int	 listener_parse(const char *where, char *host, size_t, int *port,
	    struct err *) __attribute__((warn_unused_result));

#endif
