#ifndef WS_BROWSER_H
#define WS_BROWSER_H

#include "ws_peer.h"

struct browsers;

/*
 * The live channel of docs/reference/http-api.md: every browser sees the
 * same deltas, one version apart; one that cannot keep up is given the whole
 * state again when it can.
 */
int	 ws_browser_start(struct server *, struct browsers **, struct err *)
	    __attribute__((warn_unused_result));
void	 ws_browser_stop(struct browsers **);

/**
 * ws_browser_new(srv, token):
 * The browser's side of a WebSocket that is about to open; ${token} is that
 * of its session: the channel ends with it.
 */
struct ws_peer *ws_browser_new(struct server *, const char *token);

#endif
