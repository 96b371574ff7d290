#ifndef ACTFOLLOW_H
#define ACTFOLLOW_H

#include "actrecord.h"
#include "deploy.h"

/* Follows an activation that is another process. */
struct actfollow {
	const struct deploy_conf *conf;
	const char *dir;	/* of the record */
	pid_t pid;		/* nixfleet-activate; 0: not known */
	int64_t skip;		/* lines not to hand out again */
};

/**
 * actfollow_run(f, rec, e):
 * Hand on the log until nixfleet-activate has ended, then read its record,
 * which is done afterwards: if nixfleet-activate died, what it started is
 * waited for until the deadline, and the record is ended as interrupted.  -1
 * if it ended before there was a record; ${e} then holds what it said.
 */
int	 actfollow_run(const struct actfollow *, struct actrecord *,
	    struct err *) __attribute__((warn_unused_result));

#endif
