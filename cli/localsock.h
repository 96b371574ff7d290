#ifndef LOCALSOCK_H
#define LOCALSOCK_H

#include <jansson.h>
#include <stdint.h>

#include "err.h"
#include "settings.h"

/* A connection to this machine's agent, docs/reference/control-socket.md */
struct localsock;

/**
 * localsock_open(settings, out, e):
 * Connect to NIXFLEET_CONTROL_SOCKET, or to the first of the usual places
 * where an agent listens.  ERR_NET if there is none.
 */
int	 localsock_open(const struct settings *, struct localsock **,
	    struct err *) __attribute__((warn_unused_result));

/* Send a request; takes ${request}. */
int	 localsock_send(struct localsock *, json_t *request, struct err *)
	    __attribute__((warn_unused_result));

/**
 * localsock_next(s, wait, msg, e):
 * The next message, a new reference: 1.  0 when the agent closed the
 * connection.  -1: ERR_TIMEOUT after ${wait} ms (-1: no limit), ERR_PROTO.
 */
int	 localsock_next(struct localsock *, int64_t wait, json_t **,
	    struct err *) __attribute__((warn_unused_result));

void	 localsock_free(struct localsock **);

#endif
