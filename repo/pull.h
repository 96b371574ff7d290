#ifndef PULL_H
#define PULL_H

#include "handle.h"

/* See repo_ensure, repo_pull and repo_reset, which hold the lock. */
int	 pull_ensure(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));
int	 pull_run(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));
int	 pull_anew(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * pull_settle(r, rev, e):
 * Whatever an operation did to the clone: branch and tree are ${rev} again,
 * and that is sealed.
 */
int	 pull_settle(struct repo *, const char *rev, struct err *)
	    __attribute__((warn_unused_result));

#endif
