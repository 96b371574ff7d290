#ifndef SESSION_H
#define SESSION_H

#include "err.h"

/* Whom the operator is logged in to, kept in nixfleet/session
   of $XDG_CONFIG_HOME, else of ~/.config. */
struct session {
	char *hub;		/* "https://host[:port][/path]" */
	char *token;
	char *expires_at;
};

/**
 * session_load(s, e):
 * ERR_AUTH if there is none, or one that other people can read.
 */
int	 session_load(struct session *, struct err *)
	    __attribute__((warn_unused_result));

/* Keep it, readable by nobody else. */
int	 session_save(const struct session *, struct err *)
	    __attribute__((warn_unused_result));

/* Forget it; none is fine. */
int	 session_forget(struct err *) __attribute__((warn_unused_result));

void	 session_done(struct session *);

#endif
