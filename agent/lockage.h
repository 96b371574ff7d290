#ifndef LOCKAGE_H
#define LOCKAGE_H

#include <stdint.h>

#include "repo.h"

/**
 * lockage_committed(r):
 * When the newest commit that changed flake.lock was made, ms since 1970; -1
 * if there is no lock file or no history.  Looks at the newest commits only:
 * a lock file that none of them changed is as old as the oldest of them.
 */
int64_t	 lockage_committed(struct repo *);

#endif
