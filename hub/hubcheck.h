#ifndef HUBCHECK_H
#define HUBCHECK_H

#include <stdio.h>

#include "err.h"

struct settings;

/**
 * hubcheck_run(settings, out):
 * nixfleet-hub --check: every setting with its origin, then whether the hub
 * could work with them, a line each with what to do.  The exit status: 0, or
 * 1 if something is wrong.
 */
int	 hubcheck_run(const struct settings *, FILE *);

/* Do the certificate and the key fit together?  Both NULL: yes. */
int	 hubcheck_tls(const char *cert, const char *key, struct err *)
	    __attribute__((warn_unused_result));

#endif
