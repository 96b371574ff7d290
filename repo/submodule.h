#ifndef SUBMODULE_H
#define SUBMODULE_H

#include "handle.h"

/*
 * Submodules, if they are wanted: each exactly the commit that the tree above
 * it names, its files written into the tree without a .git.  Their objects
 * lie in a repository of our own beside the clone, STATE_DIR/git/submodules,
 * which is a cache: it can be thrown away at any time.
 *
 * .gitmodules has a say in path and URL only.  What is fetched is on the
 * server of the repository itself, with its credentials, or public https
 * without any.
 */

/**
 * submodule_fetch(r, dir, rev, e):
 * Have the objects of all submodules of ${rev}, a commit of the clone in
 * ${dir}, also of those inside submodules.  Without need no network.  Nothing
 * if submodules are not wanted.
 */
int	 submodule_fetch(struct repo *, const char *dir, const char *rev,
	    struct err *) __attribute__((warn_unused_result));

/**
 * submodule_write(r, dir, rev, work, e):
 * Write their files into the empty directories that git left for them when it
 * wrote ${rev} into ${work}.
 */
int	 submodule_write(struct repo *, const char *dir, const char *rev,
	    const char *work, struct err *)
	    __attribute__((warn_unused_result));

/**
 * submodule_each(r, dir, rev, cb, cookie, e):
 * Call ${cb} for each of them, those above before those inside: its path in
 * the tree, its commit, and the repository with its objects.
 */
typedef int	 submodule_fn(void *, const char *path, const char *rev,
	    const char *store, struct err *);
int	 submodule_each(struct repo *, const char *dir, const char *rev,
	    submodule_fn *, void *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * submodule_fsck(r, e):
 * Check every byte of the cache.  0, also if there is none; 1 if it is damaged,
 * as ${e} says; -1 if that could not be found out.
 */
int	 submodule_fsck(struct repo *, struct err *)
	    __attribute__((warn_unused_result));

/* Throw the cache away: what it held is fetched again. */
int	 submodule_drop(const struct repo *, struct err *)
	    __attribute__((warn_unused_result));

#endif
