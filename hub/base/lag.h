#ifndef LAG_H
#define LAG_H

#include <stdint.h>
#include <uv.h>

#include "err.h"

/*
 * How late the event loop is: a timer that should run every 500 ms looks at
 * the clock.
 */
struct lag;

int	 lag_new(uv_loop_t *, struct lag **, struct err *)
	    __attribute__((warn_unused_result));
/* The timer is closed on the loop. */
void	 lag_free(struct lag **);

/* The worst delay of the last minute, ms. */
int64_t	 lag_worst(const struct lag *);

/* -1: the loop was stuck for more than five seconds within a minute. */
int	 lag_check(const struct lag *, struct err *);

#endif
