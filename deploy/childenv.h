#ifndef CHILDENV_H
#define CHILDENV_H

#include <stdbool.h>

#include "proc.h"

/**
 * childenv_make(env, home):
 * Our environment without what is meant for us alone: our settings (they hold
 * secrets), git's, and the service manager's.  ${home} becomes HOME if there
 * is none, and the usual directories PATH.
 */
void	 childenv_make(struct proc_env *, const char *home);

/* Is the variable ${name} the service manager's word to us alone? */
bool	 childenv_service(const char *name);

#endif
