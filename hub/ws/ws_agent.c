#include <stdlib.h>
#include <string.h>

#include "agent_link.h"
#include "fleet.h"
#include "hub.h"
#include "log.h"
#include "server.h"
#include "store.h"
#include "str.h"
#include "wire.h"
#include "ws_agent.h"

/*
 * What may wait for one agent.  Commands and acknowledgements are small: one
 * that lets this much pile up does not read.
 */
#define OUT_MAX (256 * 1024)

struct ws_agent {
	struct ws_peer peer;		/* first: see ws_peer.h */
	struct fleet_conn *conn;	/* NULL: not registered */
	struct identity_claim claim;
	char *addr;
	bool warned;			/* of a bad message, once is enough */
};

static void
on_send(void *cookie, const struct wire_msg *msg, int dialect)
{
	struct ws_agent *a = cookie;
	struct ws_text *t;
	char *text;

	if (a->peer.out.bytes > OUT_MAX) {
		ws_peer_close(&a->peer, 1008, "you do not read");
		return;
	}
	text = wire_encode(msg, dialect);
	t = ws_text_new(text, strlen(text));
	ws_peer_send(&a->peer, t);
	ws_text_put(t);
	free(text);
}

static void
on_close(void *cookie, int code, const char *reason)
{
	struct ws_agent *a = cookie;

	ws_peer_close(&a->peer, code, reason);
}

static void
hello(struct ws_agent *a, const struct wire_register *reg)
{
	const struct agent_link_face face = {
		.send = on_send, .close = on_close, .cookie = a,
		.addr = a->addr,
	};
	struct err e;

	if (agent_link_hello(a->peer.srv->hub, &a->claim, reg, &face,
	    &a->conn, &e) == -1)
		ws_peer_close(&a->peer, 1008, e.text);
	else
		server_known(a->peer.wsi);
}

static void
on_message(struct ws_peer *p, const char *text, size_t len)
{
	struct ws_agent *a = (struct ws_agent *)p;
	struct wire_msg msg;
	struct err e;

	/* Thousands may answer at once: commands to others go first. */
	store_turn(p->srv->hub->store);
	if (wire_decode(text, len, WIRE_FROM_AGENT, &msg, &e) == -1) {
		/* The link lives on; an unknown type is a newer agent. */
		if (e.code != ERR_NOTFOUND && !a->warned)
			log_warn("message from an agent rejected", "agent",
			    a->addr, "error", e.text);
		a->warned |= e.code != ERR_NOTFOUND;
		return;
	}
	if (msg.type == WIRE_REGISTER)
		hello(a, &msg.u.reg);
	else if (a->conn != NULL)
		agent_link_message(a->conn, &msg);
	wire_free(&msg);
}

static void
on_gone(struct ws_peer *p, bool clean)
{
	struct ws_agent *a = (struct ws_agent *)p;

	if (a->conn != NULL)
		agent_link_gone(&a->conn, clean);
	ws_peer_done(p);
	free(a->addr);
	free(a);
}

struct ws_peer *
ws_agent_new(struct server *srv, const struct identity_claim *claim,
    const char *addr)
{
	static const struct ws_peer_class class = {
		.max_in = WIRE_MSG_MAX,
		.on_message = on_message,
		.on_gone = on_gone,
	};
	struct ws_agent *a = str_alloc(sizeof(*a));

	a->peer.class = &class;
	a->peer.srv = srv;
	a->claim = *claim;
	a->addr = str_dup(addr);
	return (&a->peer);
}
