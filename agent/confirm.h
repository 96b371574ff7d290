#ifndef CONFIRM_H
#define CONFIRM_H

#include "opctx.h"

/*
 * Can this host still do its job?  What it reached before an activation (its
 * hub, else its git server) it must reach after it, on a new connection; and
 * what its probes found well before must be well after it.
 */

/* Before the activation: find out and note in the journal what is reached and
   which probes fail already. */
int	 confirm_before(struct opctx *, struct err *)
	    __attribute__((warn_unused_result));

/* After it, also by another worker: 0 if that is reached still, no other probe
   fails, and the host's own tests pass if they are to decide.  Nothing of it
   takes more than ${limit} ms. */
int	 confirm_after(struct opctx *, int64_t limit, struct err *)
	    __attribute__((warn_unused_result));

#endif
