#ifndef ACTCLIENT_H
#define ACTCLIENT_H

#include <stdbool.h>

#include "actrequest.h"
#include "deploy.h"

/**
 * actclient_wanted(conf):
 * Does ${conf} activate through the activation service?  It does if it says
 * so, and systems do where there is one, unless they have a rebuild command.
 */
bool	 actclient_wanted(const struct deploy_conf *);

/* Is the service's socket there? */
bool	 actclient_there(const struct deploy_conf *);

/* Fill in what the service has to be for: the kind of ${conf}, its profile
   and, if it names one, its program. */
void	 actclient_host(const struct deploy_conf *, struct actrequest *);

/**
 * actclient_ask(conf, req, e):
 * Ask the service and wait for its answer.  0, or -1 with what it says
 * against it; ERR_NET if it cannot be reached.
 */
int	 actclient_ask(const struct deploy_conf *, const struct actrequest *,
	    struct err *) __attribute__((warn_unused_result));

/* The directory with the records of ${conf}; the caller frees. */
char	*actclient_base(const struct deploy_conf *);

#endif
