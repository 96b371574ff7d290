#ifndef TICKER_H
#define TICKER_H

#include <uv.h>

#include "err.h"

/* Something done again and again on the loop. */
struct ticker;

/**
 * ticker_new(loop, ms, fn, cookie, out, e):
 * Run ${fn} every ${ms}, first after ${ms}.
 */
int	 ticker_new(uv_loop_t *, uint64_t ms, void (*fn)(void *), void *cookie,
	    struct ticker **, struct err *) __attribute__((warn_unused_result));

/* Never again; its handle is closed on the loop.  NULL is fine. */
void	 ticker_free(struct ticker **);

#endif
