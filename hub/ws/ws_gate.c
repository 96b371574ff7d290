#include <string.h>

#include "http.h"
#include "http_header.h"
#include "http_origin.h"
#include "hub.h"
#include "identity.h"
#include "routes.h"
#include "server.h"
#include "settings.h"
#include "ws_agent.h"
#include "ws_browser.h"
#include "ws_gate.h"

/*
 * The Authorization header makes it an agent, whatever cookie comes with it;
 * a browser cannot send one (dialect3.md, A.1).
 */
static int
agent(struct http_req *r, struct ws_peer **peer, const char **text)
{
	const char *bearer = http_header_bearer(r->authorization);
	struct identity_claim claim = { .kind = IDENTITY_NOBODY };

	if (bearer != NULL)
		identity_check(r->srv->hub->fleet, bearer, &claim);
	if (claim.kind == IDENTITY_NOBODY) {
		*text = "Unauthorized\n";
		return (401);
	}
	if (claim.kind == IDENTITY_REVOKED_TOKEN) {
		*text = "Forbidden: the token of this host was revoked\n";
		return (403);
	}
	*peer = ws_agent_new(r->srv, &claim, r->client);
	return (0);
}

int
ws_gate(struct http_req *r, struct ws_peer **peer, const char **text)
{
	const char *allowed = settings_str(r->srv->hub->settings,
	    SET_ALLOWED_ORIGINS);

	if (strcmp(r->path, "/ws") != 0) {
		*text = "Not Found\n";
		return (404);
	}
	if (r->srv->stopping) {
		*text = "The hub is stopping\n";
		return (503);
	}
	if (!http_origin_ok(r->origin, r->host, r->secure, allowed)) {
		*text = "Forbidden\n";
		return (403);
	}
	if (r->authorization != NULL)
		return (agent(r, peer, text));
	if (routes_session(r) == -1) {
		*text = "Unauthorized\n";
		return (401);
	}
	*peer = ws_browser_new(r->srv, r->token);
	return (0);
}
