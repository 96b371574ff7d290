#ifndef HUBAPI_H
#define HUBAPI_H

#include <jansson.h>

#include "err.h"
#include "session.h"
#include "settings.h"

/* The hub's HTTP API, docs/reference/http-api.md. */
struct hubapi {
	struct session session;
	struct tls_trust *trust;	/* NULL: the system's */
	char code[64];	/* word of the hub's last error; "" if it gave none */
};

/**
 * hubapi_base(settings, url, out, e):
 * The base of ${url}, or of NIXFLEET_HUB if that is NULL: scheme, host, path.
 * Refuses what is not encrypted as the agent does.  *${out} is NULL if there
 * is neither; the caller frees.
 */
int	 hubapi_base(const struct settings *, const char *url, char **out,
	    struct err *) __attribute__((warn_unused_result));

/* Read the certificates that the settings name; no session yet. */
int	 hubapi_init(struct hubapi *, const struct settings *, struct err *)
	    __attribute__((warn_unused_result));

/* As hubapi_init, with the session that is kept; ERR_AUTH without one. */
int	 hubapi_open(struct hubapi *, const struct settings *, struct err *)
	    __attribute__((warn_unused_result));
void	 hubapi_done(struct hubapi *);

/**
 * hubapi_call(api, method, path, body, out, e):
 * One request with the session's token; takes ${body}, which may be NULL.
 * *${out} is a new reference to the answer (null if it was empty).  A status
 * of 400 and above is an error with the hub's own words: ERR_AUTH for 401,
 * ERR_NOTFOUND for 404, ERR_REFUSED for other 4xx, ERR_NET for 5xx.
 */
int	 hubapi_call(struct hubapi *, const char *method, const char *path,
	    json_t *body, json_t **out, struct err *)
	    __attribute__((warn_unused_result));

#endif
