#ifndef LAST_H
#define LAST_H

#include "handle.h"

/*
 * How the last attempts went, for later processes: a file for the failure,
 * and one whose change time is the last success, so that a pull that changes
 * nothing writes nothing either.
 */

/*
 * Record that an attempt ended with r->fail and, if it failed, ${e}.  What
 * trust refused is remembered until a later tip is taken; an attempt that
 * needed no server is no success of a pull.
 */
void	 last_record(const struct repo *, const struct err *);

/* Fill last_success, last_failure, fail and fail_text of ${out}. */
void	 last_load(const struct repo *, struct repo_status *);

#endif
