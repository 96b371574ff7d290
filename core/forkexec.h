#ifndef FORKEXEC_H
#define FORKEXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* How a program is started; proc.h is the way to use it. */
struct forkexec {
	const char *const *argv;	/* argv[0] by PATH of env */
	const char *const *env;
	const char *cwd;		/* NULL: unchanged */
	int in, out, err;		/* its three descriptors, all above 2 */
	bool detach;	/* in its own session, not our child, may outlive us */
};

/**
 * forkexec_start(how, e):
 * Start a program in its own process group (or session).  It gets default
 * signal handling, an empty signal mask and no descriptor but the three.
 * Returns its pid once it was executed; -1 with the reason if it could not be
 * (no child is left then).  A file without "#!" is given to /bin/sh.  Only
 * async-signal-safe calls are made between fork and exec.
 */
pid_t	 forkexec_start(const struct forkexec *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * forkexec_pipe(fds):
 * A pipe whose ends are close-on-exec and above 2.  0 or -1 with errno.
 */
int	 forkexec_pipe(int fds[2]) __attribute__((warn_unused_result));

/* ${fd} itself or, if it is below 3, a copy above; -1 with errno.  Takes it. */
int	 forkexec_high(int fd) __attribute__((warn_unused_result));

#endif
