#ifndef FLAKE_H
#define FLAKE_H

#include "handle.h"

/**
 * flake_update(r, dir, inputs, e):
 * Run nix flake update in ${dir}, in the syntax of the nix that is there
 * (2.19 changed it).  Writes flake.lock and nothing else.
 */
int	 flake_update(struct repo *, const char *dir,
	    const char *const *inputs, struct err *)
	    __attribute__((warn_unused_result));

/**
 * flake_diff(before, blen, after, alen, out, e):
 * Fill out->moved and out->nmoved with what differs between two flake.lock.
 */
int	 flake_diff(const char *, size_t, const char *, size_t,
	    struct repo_update *, struct err *)
	    __attribute__((warn_unused_result));

/* The commit's message; the caller frees. */
char	*flake_message(const struct repo_update *);

/**
 * flake_version(text, len, major, minor):
 * From "nix (Nix) 2.8.0" and the like.  0, or -1.
 */
int	 flake_version(const char *, size_t, int *, int *);

#endif
