#ifndef FEED_H
#define FEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct feed;
struct hub;
struct operation;
struct store_line;

/*
 * What changes, for the browsers' face.  Loop thread only.  There is one
 * sink; it fans out.  While it is off nothing is built.
 */
struct feed_sink {
	/* At most four a second, and only when something changed: the payload
	   of a `delta` (http-api.md).  Borrowed. */
	void (*on_delta)(void *cookie, json_t *payload);
	/* Lines of an operation, just stored; in order of seq. */
	void (*on_output)(void *cookie, const struct operation *,
	    const struct store_line *, size_t n);
	void *cookie;
};

int	 feed_new(struct hub *, struct feed **, struct err *)
	    __attribute__((warn_unused_result));
void	 feed_free(struct feed **);

/* NULL: none any more.  ${sink} is copied. */
void	 feed_sink(struct feed *, const struct feed_sink *);

/* Is anybody there?  Off: changes are forgotten, they come with `init`. */
void	 feed_on(struct feed *, bool on);
bool	 feed_is_on(const struct feed *);

/* Tell the sink now what waits to be told: before an `init` is made. */
void	 feed_flush(struct feed *);

/* From the other modules. */
void	 feed_host(struct feed *);	/* some host has changes */
void	 feed_host_removed(struct feed *, const char *id);
void	 feed_operation(struct feed *, struct operation *);
void	 feed_event(struct feed *);	/* of many, the newest 100 are told */
void	 feed_repository(struct feed *);
void	 feed_output(struct feed *, const struct operation *,
	    const struct store_line *, size_t n);

#endif
