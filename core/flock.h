#ifndef FLOCK_H
#define FLOCK_H

#include <stdint.h>

#include "err.h"

/**
 * flock_take(path, wait_ms, e):
 * Hold an exclusive flock on ${path} (made with 0600 if missing), waiting at
 * most ${wait_ms}.  The holder's pid is written into it for people.  Returns
 * a close-on-exec descriptor; closing it releases the lock.  -1 with ERR_BUSY
 * and the holder's pid in the text if it could not be had.
 */
int	 flock_take(const char *path, int64_t wait_ms, struct err *)
	    __attribute__((warn_unused_result));

/* Does some process hold the lock now?  1, 0, or -1 on error. */
int	 flock_held(const char *path);

#endif
