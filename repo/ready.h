#ifndef READY_H
#define READY_H

#include "seal.h"

/* What was found before an operation starts. */
struct ready {
	char head[REPO_REV];	/* "" if none */
	bool cloned;		/* made anew just now, nothing more to do */
	bool tree_ok;		/* the tree is as we left it: ready_tree */
	bool store_ok;		/* so is .git */
	bool branch_ok;		/* it is on the configured branch */
	struct seal seal;	/* of last time */
	struct seal_look *look;	/* at the tree, under way; or NULL */
};

/**
 * ready_make(r, out, e):
 * Bring the clone into a state that git can be let loose on: leftovers of an
 * interrupted swap, ownership and mode, .git scrubbed, another URL, damage.
 * Clones if it must.  *${out} says what is left to do; give it to ready_done
 * either way.
 */
int	 ready_make(struct repo *, struct ready *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * ready_tree(rd):
 * Know rd->tree_ok: the tree is looked at while git talks to the server, and
 * nothing may change it before this.
 */
void	 ready_tree(struct ready *);
void	 ready_done(struct ready *);

/**
 * ready_fsck(r, full, e):
 * Does git fsck say that the clone is damaged?  Connectivity only, or every
 * byte.  1 if so, 0 if not, -1 if it could not be finished.
 */
int	 ready_fsck(struct repo *, bool full, struct err *)
	    __attribute__((warn_unused_result));

/* The same; a check that could not be finished is no evidence. */
bool	 ready_damaged(struct repo *, bool full);

#endif
