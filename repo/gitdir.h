#ifndef GITDIR_H
#define GITDIR_H

#include <stdbool.h>

#include "handle.h"

/*
 * The inside of a clone's .git, without git.  What is found there is never
 * trusted: everything that is not on the short list of what our clone needs
 * is removed, and configuration, HEAD and attributes come from templates.
 */

/* Is ${dir} a directory (no link) with the parts that make a repository? */
bool	 gitdir_present(const char *dir);

/**
 * gitdir_scrub(r, dir, touched, e):
 * Remove stale locks, left-over temporary files and all that does not belong
 * there; write config, HEAD and info/attributes where they differ from the
 * template; keep exactly two references, the branch and what was fetched of
 * it.  HEAD keeps its revision, also if it was on another branch.  Writes
 * nothing where nothing is wrong.  ${touched} says whether it had to.
 */
int	 gitdir_scrub(const struct repo *, const char *dir, bool *touched,
	    struct err *) __attribute__((warn_unused_result));

/* Make the branch ${rev}, on disk when this returns. */
int	 gitdir_move_branch(const struct repo *, const char *dir,
	    const char *rev, struct err *) __attribute__((warn_unused_result));

/**
 * gitdir_ref(dir, ref, rev):
 * The revision of a reference, loose or packed, "HEAD" followed through one
 * symbolic reference.  0, or -1 if it has none that is well formed.
 */
int	 gitdir_ref(const char *dir, const char *ref, char rev[REPO_REV]);

/* Is nothing in .git of a kind that git would wait for, or follow? */
bool	 gitdir_plain(const char *dir);

/* How many packs of objects ${dir} has. */
int	 gitdir_packs(const char *dir);

/* Is ${s} a full revision in lower-case hex? */
bool	 gitdir_is_rev(const char *s);

#endif
