#ifndef DEPLOYED_H
#define DEPLOYED_H

#include <jansson.h>
#include <stdbool.h>

#include "err.h"

/*
 * STATE_DIR/deployed.json: the closures that were built or activated here,
 * and of which commit they are.  What else runs is drift.
 */

struct deployed {
	const char *path;	/* store path */
	const char *revision;	/* NULL: not known */
	const char *subject;	/* of its commit; NULL: not known */
};

/**
 * deployed_note(state_dir, what, e):
 * Remember a closure, or what is new about one that is known.  The oldest
 * beyond 200 are forgotten.
 */
int	 deployed_note(const char *state_dir, const struct deployed *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * deployed_load(state_dir):
 * All that are known, oldest first; empty if nothing is, or if the file is
 * damaged.  A new reference.
 */
json_t	*deployed_load(const char *state_dir);

/* The entry of ${path}, borrowed {path, revision, subject, at}; or NULL. */
const json_t *deployed_find(const json_t *all, const char *path);

/* The revision of ${path}, borrowed; NULL: not known. */
const char *deployed_revision(const json_t *all, const char *path);

/**
 * deployed_here(all, path):
 * Is ${path} one of them, or a specialisation of one?
 */
bool	 deployed_here(const json_t *all, const char *path);

#endif
