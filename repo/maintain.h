#ifndef MAINTAIN_H
#define MAINTAIN_H

#include "handle.h"

/* See repo_maintain, which holds the lock. */
int	 maintain_run(struct repo *, struct repo_maintain *, struct err *)
	    __attribute__((warn_unused_result));

#endif
