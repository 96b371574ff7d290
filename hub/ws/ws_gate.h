#ifndef WS_GATE_H
#define WS_GATE_H

struct http_req;
struct ws_peer;

/**
 * ws_gate(r, peer, text):
 * Who wants this WebSocket, and may he?  ${r}: the upgrade request.  0:
 * *${peer} is to be opened when the upgrade is through.  Otherwise the HTTP
 * status to refuse with, and *${text} as its body.
 */
int	 ws_gate(struct http_req *, struct ws_peer **, const char **text);

#endif
