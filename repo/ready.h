#ifndef READY_H
#define READY_H

#include "handle.h"

/* What was found before an operation starts. */
struct ready {
	char head[REPO_REV];	/* "" if none */
	bool cloned;		/* made anew just now, nothing more to do */
	bool tree_ok;		/* the tree is as we left it */
	bool store_ok;		/* so is .git */
	bool branch_ok;		/* it is on the configured branch */
};

/**
 * ready_make(r, out, e):
 * Bring the clone into a state that git can be let loose on: leftovers of an
 * interrupted swap, ownership and mode, .git scrubbed, another URL, damage.
 * Clones if it must.  *${out} says what is left to do.
 */
int	 ready_make(struct repo *, struct ready *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * ready_damaged(r, full):
 * Does git fsck say that the clone is damaged?  Connectivity only, or every
 * byte.  A check that could not be finished is no evidence.
 */
bool	 ready_damaged(struct repo *, bool full);

#endif
