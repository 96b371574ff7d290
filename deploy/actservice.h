#ifndef ACTSERVICE_H
#define ACTSERVICE_H

#include "actrecord.h"
#include "deploy.h"

/**
 * actservice_run(conf, req, rollback, rec, e):
 * Have req->path activated by the service, after what it may still be at, hand
 * on the log, confirm when conf->confirm says so, and read how it ended.  -1
 * if nothing was begun, or if how it ended cannot be learned.
 */
int	 actservice_run(const struct deploy_conf *,
	    const struct deploy_request *, bool rollback, struct actrecord *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * actservice_follow(conf, op_id, skip, rec, e):
 * As actservice_run for what somebody else asked for, who may have got no
 * farther than to have it prepared; ${skip} lines are known.  ERR_NOTFOUND if
 * the service knows nothing of it.
 */
int	 actservice_follow(const struct deploy_conf *, const char *op_id,
	    int64_t skip, struct actrecord *, struct err *)
	    __attribute__((warn_unused_result));

#endif
