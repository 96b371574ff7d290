#ifndef SUPERVISE_H
#define SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct supervise {
	const char *const *argv;	/* argv[0] by PATH of env */
	const char *const *env;
	int64_t deadline;		/* on tick_mono's clock */
	void (*on_start)(void *, pid_t);	/* once, before it may exec */
	void (*on_tick)(void *);	/* now and then while it runs */
	void *cookie;
};

struct supervise_end {
	bool timed_out;		/* and its whole session was killed */
	int signal;		/* that ended it; 0: none */
	int code;		/* exit status if signal is 0 */
};

/**
 * supervise_run(s, end, e):
 * Run a program in a session of its own with our outputs, which must be files:
 * it survives our death.  At the deadline SIGTERM to the whole session,
 * PROC_GRACE, SIGKILL.  What it leaves running after a good end is left alone.
 * -1 if there could be no child; a program that cannot be executed says so on
 * its stderr and ends with 127.
 */
int	 supervise_run(const struct supervise *, struct supervise_end *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * supervise_shield():
 * From now on SIGHUP, SIGINT and SIGTERM do not end us: an activation must not
 * lose the one who records how it ended.
 */
void	 supervise_shield(void);

#endif
