#ifndef GUARD_H
#define GUARD_H

#include <stdbool.h>

#include "err.h"

/*
 * The dead-man's switch: an activation that has to be confirmed, or what was
 * there before is activated again.  It is carried on by whoever finds its
 * record, so that neither a killed process nor a power cut leaves it half
 * done.
 */

/* Files in a record's directory that tell the one who waits. */
#define GUARD_CONFIRM "confirm"
#define GUARD_REVERT "revert"	/* holds the reason */

/**
 * guard_run(dir, begin, e):
 * Carry the activation that is on record in ${dir} on to its end, which is on
 * record too.  One that is only prepared is begun if ${begin}, else ended as
 * interrupted.  One that somebody left in the middle is reverted if it can
 * be, else ended as interrupted.  0 also if we were asked to end (SIGTERM)
 * while waiting for the confirmation; the record then stays open.
 */
int	 guard_run(const char *dir, bool begin, struct err *)
	    __attribute__((warn_unused_result));

#endif
