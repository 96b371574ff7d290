#ifndef NIXRUN_H
#define NIXRUN_H

#include "buf.h"
#include "deploy.h"

/* A run of one of nix's programs for ${conf}. */
struct nixrun {
	const struct deploy_conf *conf;
	const char *const *argv;	/* NULL-terminated; "nix" gets the
					   features that it needs */
	int64_t deadline;		/* ms, > 0 */
	bool log;			/* internal-json: to conf's callbacks */
	size_t max;			/* more output than this is an error */
};

/**
 * nixrun(run, out, e):
 * Run it and append its standard output to ${out}.  0 if it ended with 0;
 * else -1 with nix's own reason (ERR_CHILD, or ERR_NOTFOUND, ERR_NOSPACE,
 * ERR_NET where the reason says so, ERR_TIMEOUT, ERR_STOPPED).
 */
int	 nixrun(const struct nixrun *, struct buf *, struct err *)
	    __attribute__((warn_unused_result));

#endif
