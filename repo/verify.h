#ifndef VERIFY_H
#define VERIFY_H

#include "handle.h"

/* See repo_verify and repo_verify_free. */
int	 verify_run(struct repo *, struct repo_verify *, struct err *)
	    __attribute__((warn_unused_result));
void	 verify_free(struct repo_verify *);

#endif
