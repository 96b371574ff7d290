#ifndef ROUTES_H
#define ROUTES_H

#include <jansson.h>
#include <stddef.h>

#include "http.h"

enum {
	ROUTE_PUBLIC = 1,	/* no session needed */
	ROUTE_PAGE = 2,		/* for people: not in the OpenAPI document */
};

/* One row per route: the only place that says what there is. */
struct route {
	enum http_method method;	/* HTTP_GET answers HEAD too */
	const char *path;		/* "{name}" is one segment */
	unsigned flags;			/* ROUTE_* */
	size_t body_max;		/* bytes; 0: the usual limit */
	void (*handler)(struct http_req *);
	const char *summary;
};
extern const struct route routes_table[];
extern const size_t routes_count;

/**
 * routes_match(pattern, path, params):
 * Does ${path} fit?  If so the captured segments are put into ${params}
 * (which the caller frees); they are never empty.
 */
bool	 routes_match(const char *pattern, const char *path,
	    char *params[HTTP_PARAMS]);

/* The longest body that the route of a request takes. */
size_t	 routes_body_max(enum http_method, const char *path);

/**
 * routes_dispatch(req):
 * Find the route, see that the caller may, and hand the request over.
 * Everything else is answered here: 404, 405, 401 or a redirect, 403.
 */
void	 routes_dispatch(struct http_req *);

/**
 * routes_session(req):
 * Fill in req->session from the Authorization header or else the cookie.
 * -1: there is none.
 */
int	 routes_session(struct http_req *);

/* The table as an OpenAPI 3 document. */
json_t	*routes_openapi(void);

#endif
