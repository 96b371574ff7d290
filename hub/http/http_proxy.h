#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include <stdbool.h>

#include "err.h"

/* Longest address as text, with its NUL. */
#define HTTP_PROXY_ADDR 64

/*
 * Who is on the other side.  Forwarded headers count only when the machine
 * that connected is one of the trusted proxies.
 */
struct http_proxies;

/**
 * http_proxy_parse(text, out, e):
 * Addresses and networks ("10.0.0.0/8, ::1"), separated by commas; NULL or
 * "" is nobody.  ERR_INPUT names the entry that is neither.
 */
int	 http_proxy_parse(const char *, struct http_proxies **, struct err *)
	    __attribute__((warn_unused_result));
void	 http_proxy_free(struct http_proxies **);

/* Is this address (text) one of them? */
bool	 http_proxy_trusted(const struct http_proxies *, const char *addr);

/**
 * http_proxy_client(proxies, peer, forwarded_for, out):
 * The address of the client: ${peer}, or, if that is a trusted proxy, the
 * last address in the X-Forwarded-For header that is not itself one.  What
 * is not an address ends the search, so that a client cannot invent one.
 */
void	 http_proxy_client(const struct http_proxies *, const char *peer,
	    const char *forwarded_for, char out[HTTP_PROXY_ADDR]);

/**
 * http_proxy_secure(proxies, peer, forwarded_proto):
 * Does a trusted proxy say that its client came by https?
 */
bool	 http_proxy_secure(const struct http_proxies *, const char *peer,
	    const char *forwarded_proto);

#endif
