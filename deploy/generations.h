#ifndef GENERATIONS_H
#define GENERATIONS_H

#include <stdint.h>

#include "err.h"

/* Which generations of a profile stay. */
struct generations_keep {
	const char *profile;
	const char *dir;	/* ours, for the command's sake */
	int64_t keep;		/* the newest, > 0 */
	const char *path[2];	/* closures that stay besides; or NULL */
};

/**
 * generations_prune(keep, e):
 * Remove all generations but the newest, the current one, the one that a
 * rollback would take, and those of closures that run, were booted or are
 * named.  How many were removed, or -1.
 */
int	 generations_prune(const struct generations_keep *, struct err *);

#endif
