#ifndef OPCHECK_H
#define OPCHECK_H

#include "operation.h"

/**
 * opcheck_refuse(host, def, ask, refusal):
 * Is there a reason not to do it?  False, or true and the reason.
 */
bool	 opcheck_refuse(const struct fleet_host *, const struct wire_op *,
	    const struct operation_ask *, struct operation_refusal *);

/* Fill a refusal; returns true. */
bool	 opcheck_no(struct operation_refusal *, const char *code,
	    const char *, ...) __attribute__((format(printf, 3, 4)));

#endif
