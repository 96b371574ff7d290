#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* An http, https, ws or wss address, taken apart. */
struct url {
	char *host;		/* lower case; IPv6 without brackets */
	char *path;		/* with its query; begins with a slash */
	uint16_t port;
	bool tls;		/* https, wss */
	bool loopback;		/* this machine: localhost, 127.*, ::1 */
};

/**
 * url_parse(text, url, e):
 * Take ${text} apart.  A user name, a password, a fragment, blanks, control
 * characters and other schemes are ERR_INPUT.  On failure there is nothing to
 * free.
 */
int	 url_parse(const char *, struct url *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * url_agent(text, allow_insecure, url, e):
 * The hub's address as NIXFLEET_URL may give it, http or ws, with or without
 * "/ws" at the end: the result's path ends with "/ws".  An address without
 * TLS to another machine is ERR_REFUSED unless ${allow_insecure}.
 */
int	 url_agent(const char *, bool allow_insecure, struct url *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * url_base(text, allow_insecure, url, e):
 * As url_agent, but the path is the hub's base without a trailing slash ("" or
 * "/fleet"), "/ws" removed: HTTP paths are appended to it.
 */
int	 url_base(const char *, bool allow_insecure, struct url *,
	    struct err *) __attribute__((warn_unused_result));

/* "https://host[:port]", the url's own path, then ${path}; caller frees. */
char	*url_http(const struct url *, const char *path);

/* "host" or "host:port" or "[::1]:port" for a Host header; caller frees. */
char	*url_host_header(const struct url *);

void	 url_free(struct url *);

#endif
