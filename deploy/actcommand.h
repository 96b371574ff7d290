#ifndef ACTCOMMAND_H
#define ACTCOMMAND_H

#include "deploy.h"

/* The command line of nixfleet-activate for one activation. */
struct actcommand {
	char **argv;		/* NULL-terminated, each owned */
	size_t n;
};

/**
 * actcommand_make(conf, req, dir, rollback, cmd, e):
 * For activating req->path with the record in ${dir}; as a rebuild command if
 * ${conf} has one and its kind uses it.
 */
int	 actcommand_make(const struct deploy_conf *,
	    const struct deploy_request *, const char *dir, bool rollback,
	    struct actcommand *, struct err *)
	    __attribute__((warn_unused_result));
void	 actcommand_free(struct actcommand *);

/* Does ${conf} activate with its rebuild command? */
bool	 actcommand_rebuilds(const struct deploy_conf *);

#endif
