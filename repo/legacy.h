#ifndef LEGACY_H
#define LEGACY_H

#include "handle.h"

/*
 * A person's own directory (NIXFLEET_NIXCFG): only ever "git pull" with that
 * person's settings.
 */
int	 legacy_ensure(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));
int	 legacy_pull(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/* Fails: such a directory is never reset. */
int	 legacy_refuse(struct repo *, struct repo_change *, struct err *)
	    __attribute__((warn_unused_result));

/* The upstream branch's tip, asked of the server. */
int	 legacy_check(struct repo *, char tip[REPO_REV], struct err *)
	    __attribute__((warn_unused_result));

#endif
