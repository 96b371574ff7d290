#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include "err.h"
#include "fleet.h"

struct wire_msg;
struct wire_register;

/*
 * The agents' side of the fleet: what the WebSocket face calls.  Loop thread
 * only.  The face gives a way to send and to close; the fleet gives a
 * struct fleet_conn.
 *
 *	upgrade		identity_check(fleet, bearer, &claim): 401, 403 or go on
 *	register	agent_link_hello; again when it registers again
 *	other message	agent_link_message
 *	socket closed	agent_link_gone
 */
struct agent_link_face {
	/* Encode for that dialect (wire_encode) and queue, at once; the
	   message is borrowed. */
	void (*send)(void *cookie, const struct wire_msg *, int dialect);
	/* Close with that code (1000, 1008, 1012) and reason (≤ 120 bytes).
	   agent_link_gone is to be called later, never inside. */
	void (*close)(void *cookie, int code, const char *reason);
	void *cookie;
	const char *addr;	/* the real peer's address, copied */
};

/**
 * agent_link_hello(hub, claim, reg, face, out, e):
 * The agent registered.  0: *${out} is its link; `registered` is sent by
 * itself, at once or after its new token was stored, before anything else.
 * -1: refused, and a dialect 4 agent was told so with `refused`; the face
 * closes with 1008 and the error's text once that is written.  When *${out}
 * is already the link of this socket (a second `register`), it is kept if
 * the hostname is the same, else refused.
 */
int	 agent_link_hello(struct hub *, const struct identity_claim *,
	    const struct wire_register *, const struct agent_link_face *,
	    struct fleet_conn **, struct err *);

/* Any other message; those before `register` are to be ignored by the face. */
void	 agent_link_message(struct fleet_conn *, const struct wire_msg *);

/**
 * agent_link_gone(conn, clean):
 * The socket is closed; ${clean}: the agent said good-bye with 1000.  The
 * face's cookie is not used after this.  Sets *${conn} to NULL.
 */
void	 agent_link_gone(struct fleet_conn **, bool clean);

/* Send to the host of this link, in its dialect. */
void	 agent_link_send(struct fleet_conn *, const struct wire_msg *);

/* Has it been told `registered`?  Nothing else is sent before. */
bool	 agent_link_ready(const struct fleet_conn *);

/* Ask the face to close. */
void	 agent_link_close(struct fleet_conn *, int code, const char *reason);

/* Cut the host off, saying why in its dialect. */
void	 agent_link_refuse(struct fleet_conn *, enum refusal,
	    const char *reason);

#endif
