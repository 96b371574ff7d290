#ifndef RUNNING_H
#define RUNNING_H

#include "deploy.h"

/**
 * running_path(conf):
 * The closure that runs: /run/current-system, or for home and custom the
 * profile's, unless its activation did not end well.  NULL: not known.  The
 * caller frees.
 */
char	*running_path(const struct deploy_conf *);

/* The closure that the profile leads to; NULL: none.  The caller frees. */
char	*running_profile(const struct deploy_conf *);

/* /run/booted-system, nixos only; NULL: none.  The caller frees. */
char	*running_booted(const struct deploy_conf *);

#endif
