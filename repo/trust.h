#ifndef TRUST_H
#define TRUST_H

#include "handle.h"

/*
 * Who may say what this host runs, if the configuration names them: the tip
 * must be signed, and with the fast-forward policy it must descend from the
 * last trusted one.  An operator's word for one revision stands above both.
 */

/**
 * trust_check(r, dir, from, tip, e):
 * May ${tip}, which the clone in ${dir} holds, become the current revision
 * after ${from} ("" if there is none on this branch)?  A revision that passed
 * is not checked again until the keys change.  -1 with REPO_FAIL_UNTRUSTED or
 * REPO_FAIL_REWRITTEN if not; then r->refused holds it.
 */
int	 trust_check(struct repo *, const char *dir, const char *from,
	    const char *tip, struct err *) __attribute__((warn_unused_result));

/**
 * trust_signed(r, dir, rev, e):
 * Only the signature, nothing recorded: would the fleet take this commit?
 */
int	 trust_signed(struct repo *, const char *dir, const char *rev,
	    struct err *) __attribute__((warn_unused_result));

/**
 * trust_accept(r, rev, e):
 * An operator vouches for this one revision.
 */
int	 trust_accept(struct repo *, const char *rev, struct err *)
	    __attribute__((warn_unused_result));

/**
 * trust_is_ancestor(r, dir, old, new):
 * Does ${new} descend from ${old}, or is it the same?  No if either is not in
 * the clone.
 */
bool	 trust_is_ancestor(struct repo *, const char *dir, const char *old,
	    const char *new);

#endif
