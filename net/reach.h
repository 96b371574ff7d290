#ifndef REACH_H
#define REACH_H

#include "err.h"

struct url;

/**
 * reach_why(u, lws, len, e):
 * Why could no connection to ${u} be made?  libwebsockets' own words, ${len}
 * bytes at ${lws} (NULL: none), do not say; so look the name up and knock at
 * the port once, for at most a second and however long the resolver
 * takes.  For the path of an error only.  Returns -1 with the reason in ${e}.
 */
int	 reach_why(const struct url *, const char *lws, size_t len,
	    struct err *);

#endif
