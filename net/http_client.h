#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "tls_trust.h"

struct http_client_request {
	const char *method;		/* "GET" */
	const char *url;		/* http or https, see url_parse() */
	const char *const *headers;	/* name, value, …, NULL; or NULL */
	const void *body;		/* or NULL */
	size_t bodylen;
	size_t max_body;		/* of the answer; more is ERR_PROTO */
	int64_t deadline;		/* ms from now, for all of it */
	struct tls_trust *trust;	/* NULL: the system's store */
};

struct http_client_response {
	int status;
	struct buf body;
	char *content_type;		/* or NULL */
	char *location;			/* of a redirect, or NULL */
	char *set_cookie;		/* the last one, or NULL */
};

/**
 * http_client_run(req, res, e):
 * One request on a connection of its own, in a loop of its own, until the
 * answer is there.  Redirects are reported and never followed, so credentials
 * go nowhere else.  0 if there was an answer, whatever its status; else -1
 * with ERR_INPUT, ERR_NET (name, refused, broken off), ERR_REFUSED (the
 * server's certificate), ERR_PROTO or ERR_TIMEOUT.  ${res} is to be given to
 * http_client_free either way.
 */
int	 http_client_run(const struct http_client_request *,
	    struct http_client_response *, struct err *)
	    __attribute__((warn_unused_result));
void	 http_client_free(struct http_client_response *);

#endif
