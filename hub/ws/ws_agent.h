#ifndef WS_AGENT_H
#define WS_AGENT_H

#include "identity.h"
#include "ws_peer.h"

/**
 * ws_agent_new(srv, claim, addr):
 * The agent's side of a WebSocket that is about to open; ${addr} is the real
 * peer's address.
 */
struct ws_peer *ws_agent_new(struct server *, const struct identity_claim *,
	    const char *addr);

#endif
