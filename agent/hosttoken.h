#ifndef HOSTTOKEN_H
#define HOSTTOKEN_H

#include <stdbool.h>

#include "agentconf.h"
#include "err.h"

/*
 * The token that proves to the hub who we are: the host's own, given by the
 * hub at enrolment and kept in the token cache, or the shared one of the
 * settings.
 */
struct hosttoken {
	char *own;		/* NULL: not enrolled */
	char *shared;		/* NULL: not configured */
	bool use_shared;	/* the hub refused our own */
};

/**
 * hosttoken_load(conf, t, e):
 * Read both afresh; use_shared stays.  ERR_AUTH if there is neither, or what
 * kept a file from being read.
 */
int	 hosttoken_load(const struct agentconf *, struct hosttoken *,
	    struct err *) __attribute__((warn_unused_result));

/* The token to try now, or NULL. */
const char *hosttoken_current(const struct hosttoken *);

/**
 * hosttoken_refused(t):
 * The hub does not take the current token.  True if another one is to be
 * tried now.
 */
bool	 hosttoken_refused(struct hosttoken *);

/* Keep ${token} as the host's own from now on, on disk before returning. */
int	 hosttoken_store(const struct agentconf *, struct hosttoken *,
	    const char *token, struct err *)
	    __attribute__((warn_unused_result));

void	 hosttoken_free(struct hosttoken *);

#endif
