#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include <stdbool.h>

/* Values of request headers taken apart; a NULL value holds nothing. */

/**
 * http_header_cookie(value, name):
 * The cookie ${name} of a Cookie header, the first one if there are several;
 * NULL if it is not there.  The caller frees.
 */
char	*http_header_cookie(const char *value, const char *name);

/* What follows "Bearer " (case-sensitive, as in NixFleet v3); borrowed. */
const char *http_header_bearer(const char *value);

/* Is a Content-Type that media type, whatever its parameters? */
bool	 http_header_is_type(const char *value, const char *type);

/* Does an Accept header name application/json? */
bool	 http_header_wants_json(const char *value);

/* Is ${etag} (with its quotes) among those of an If-None-Match header? */
bool	 http_header_etag_match(const char *value, const char *etag);

/* Does an Accept-Encoding header allow gzip? */
bool	 http_header_gzip(const char *value);

#endif
