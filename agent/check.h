#ifndef CHECK_H
#define CHECK_H

/**
 * check_main(env):
 * --check: explain every setting, then try the repository and the hub with
 * what is configured.  0 if all is well, else 1 and what to do.
 */
int	 check_main(const char *const *env);

#endif
