#ifndef LOCKFILE_H
#define LOCKFILE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* One input of a flake.lock. */
struct lockfile_input {
	char *name;		/* path from the root: "a", "a/b" */
	char *rev;		/* revision, else content hash; never NULL */
	int64_t time;		/* lastModified, s since 1970; 0: unknown */
};

/* Sorted by name.  All zeroes is empty. */
struct lockfile {
	struct lockfile_input *inputs;
	size_t n;
};

/**
 * lockfile_parse(text, len, out, e):
 * The inputs of a flake.lock (versions 5 to 7), without those that follow
 * another.  An empty text has none.  ERR_INPUT if it is not a lock file.
 */
int	 lockfile_parse(const char *, size_t, struct lockfile *, struct err *)
	    __attribute__((warn_unused_result));
void	 lockfile_free(struct lockfile *);

#endif
