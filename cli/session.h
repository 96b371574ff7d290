#ifndef SESSION_H
#define SESSION_H

#include "err.h"

/* Whom the operator is logged in to, kept in ~/.config/nixfleet/session. */
struct session {
	char *hub;		/* "https://host[:port][/path]" */
	char *token;
	char *expires_at;
};

/* Where it is kept ($XDG_CONFIG_HOME counts); the caller frees. */
char	*session_path(void);

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
