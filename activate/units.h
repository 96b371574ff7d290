#ifndef UNITS_H
#define UNITS_H

#include "buf.h"
#include "err.h"

/**
 * units_failed(out, e):
 * The names of systemd's units that have failed, each followed by a newline.
 * -1 where there is no systemd.
 */
int	 units_failed(struct buf *, struct err *)
	    __attribute__((warn_unused_result));

/* The names in ${after} that are not in ${before}, "a, b"; caller frees. */
char	*units_new(const char *before, const char *after);

#endif
