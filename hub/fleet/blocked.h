#ifndef BLOCKED_H
#define BLOCKED_H

#include <jansson.h>
#include <stdbool.h>

#include "err.h"

struct blocked;
struct hub;

/*
 * Names of hosts that were removed after their token was revoked: nobody
 * enrols with one, until an operator accepts it.  Loop thread only.
 */

/* Load them from the store (before store_start). */
int blocked_new(struct hub *, struct blocked **, struct err *)
    __attribute__((warn_unused_result));
void blocked_free(struct blocked **);

bool blocked_has(const struct blocked *, const char *host);
void blocked_add(struct blocked *, const char *host);

/* An operator accepts it.  False: it is not blocked. */
bool blocked_accept(struct blocked *, const char *host);

/* Somebody at ${addr} was refused it: an event, at most one an hour. */
void blocked_refused(struct blocked *, const char *host, const char *addr);

/* The names, in order; a new reference. */
json_t *blocked_json(const struct blocked *);

#endif
