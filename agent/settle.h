#ifndef SETTLE_H
#define SETTLE_H

#include "daemon.h"

/* Take over the result of an operation: state.json, newest results. */
void	 settle_result(struct daemon *, const char *op_id);

/**
 * settle_recover(d):
 * At the start: results that an earlier daemon did not take over any more,
 * and the newest results for status.
 */
void	 settle_recover(struct daemon *);

/* The object of the control socket's status; a new reference. */
json_t	*settle_status(struct daemon *);

#endif
