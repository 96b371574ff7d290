#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdint.h>
#include <uv.h>

#include "err.h"

/*
 * Many deadlines on one timer: a heap ordered by time on the clock that does
 * not jump.  Loop thread only.
 */
struct deadline {
	int64_t at;		/* tick_mono() ms */
	uint32_t place;		/* in the heap, from 1; 0: not armed */
	void (*on_due)(struct deadline *);
};

struct deadlines;

int	 deadlines_new(uv_loop_t *, struct deadlines **, struct err *)
	    __attribute__((warn_unused_result));
/* Every deadline is disarmed.  The timer is closed on the loop. */
void	 deadlines_free(struct deadlines **);

/**
 * deadline_arm(ds, d, ms):
 * Run d->on_due from the loop in ${ms}; moves it when it is armed already.
 * It is disarmed when it runs.
 */
void	 deadline_arm(struct deadlines *, struct deadline *, int64_t ms);
void	 deadline_disarm(struct deadlines *, struct deadline *);

#endif
