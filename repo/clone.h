#ifndef CLONE_H
#define CLONE_H

#include "handle.h"

/**
 * clone_swap(r, e):
 * Clone beside, check out, put it in the place of what is there, seal it.  On
 * failure what is there stays and nothing is left beside it.
 */
int	 clone_swap(struct repo *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * clone_tip(r, tip, e):
 * Ask the server for the branch's tip without a clone.
 */
int	 clone_tip(struct repo *, char tip[REPO_REV], struct err *)
	    __attribute__((warn_unused_result));

/**
 * clone_tell_empty(r, e):
 * After REPO_FAIL_BRANCH: replace it by REPO_FAIL_EMPTY if the server has no
 * branch at all.
 */
void	 clone_tell_empty(struct repo *, struct err *);

#endif
