#ifndef REACH_H
#define REACH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct url;

/* Longest numeric address or host name, with its NUL. */
#define REACH_ADDRESS 1025

/**
 * reach_address(u, turn, out):
 * Where to connect for ${u} at attempt number ${turn}: its host's addresses
 * one after the other, round and round, since libwebsockets on libuv tries
 * only the first.  Returns how many there are; 0 with the host's name in
 * ${out} if they cannot be looked up.  Blocks as long as the resolver does.
 */
size_t	 reach_address(const struct url *, unsigned turn,
	    char out[REACH_ADDRESS]);

/**
 * reach_why(u, lws, len, e):
 * Why could no connection to ${u} be made?  libwebsockets' own words, ${len}
 * bytes at ${lws} (NULL: none), do not say; so look the name up and knock at
 * the port of its addresses, for at most a second and however long the
 * resolver takes.  For the path of an error only.  Returns -1 with the reason
 * in ${e}.
 */
int	 reach_why(const struct url *, const char *lws, size_t len,
	    struct err *);

/**
 * reach_knock(u, limit, e):
 * Does anybody take connections at host and port of ${u}, at one of the
 * addresses at least, within ${limit} ms (and however long the resolver takes)?
 */
int	 reach_knock(const struct url *, int64_t limit, struct err *)
	    __attribute__((warn_unused_result));

#endif
