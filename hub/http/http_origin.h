#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>

/**
 * http_origin_ok(origin, host, secure, allowed):
 * May a page of ${origin} open the WebSocket?  No Origin header: yes (agents
 * send none).  Otherwise it must be in ${allowed} (commas, NULL: none), or
 * be the place that Host names: the same host and port by https, or by http
 * unless this connection is ${secure}; on this machine (localhost, 127.0.0.1,
 * ::1) any origin of this machine, as in NixFleet v3.
 */
bool	 http_origin_ok(const char *origin, const char *host, bool secure,
	    const char *allowed);

#endif
