#ifndef TREE_H
#define TREE_H

#include "handle.h"

/**
 * tree_checkout(r, dir, rev, trusted, e):
 * Make branch, index and files of the clone in ${dir} exactly ${rev}, with its
 * submodules if they are wanted.
 * ${trusted}: the tree and the index are as we left them, so git may write
 * only what differs.  Otherwise everything is put aside first and written
 * anew, and comes back if that fails.
 */
int	 tree_checkout(struct repo *, const char *dir, const char *rev,
	    bool trusted, struct err *) __attribute__((warn_unused_result));

/**
 * tree_write(r, dir, rev, work, e):
 * Write the files of ${rev}, a commit of the clone in ${dir}, into the empty
 * directory ${work}, whatever the clone's own files and index are.
 */
int	 tree_write(struct repo *, const char *dir, const char *rev,
	    const char *work, struct err *)
	    __attribute__((warn_unused_result));

/**
 * tree_export(r, rev, to, e):
 * Write the files of ${rev} and its submodules into ${to}, made anew.  All
 * have the time of the commit.
 */
int	 tree_export(struct repo *, const char *rev, const char *to,
	    struct err *) __attribute__((warn_unused_result));

/**
 * tree_unfold(dir, old, e):
 * Put what an interrupted tree_checkout had put aside back where nothing took
 * its place, and remove the rest of ${old}.
 */
int	 tree_unfold(const char *dir, const char *old, struct err *)
	    __attribute__((warn_unused_result));

/**
 * tree_swap(fresh, dir, old, e):
 * Put the directory ${fresh} in the place of ${dir} (which may be missing, or
 * no directory) and remove what was there.
 */
int	 tree_swap(const char *fresh, const char *dir, const char *old,
	    struct err *) __attribute__((warn_unused_result));

/* Does the top .gitattributes of ${dir} give files to Git LFS? */
bool	 tree_lfs(const char *dir);

/* Bytes on disk below ${dir}; 0 if it cannot be read. */
int64_t	 tree_bytes(const char *dir);

#endif
