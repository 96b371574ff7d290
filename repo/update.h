#ifndef UPDATE_H
#define UPDATE_H

#include "handle.h"

/* See repo_update, which holds the lock. */
int	 update_run(struct repo *, const char *const *inputs, bool dry,
	    struct repo_update *, struct err *)
	    __attribute__((warn_unused_result));
void	 update_free(struct repo_update *);

#endif
