#ifndef OPSTORE_H
#define OPSTORE_H

#include "err.h"
#include "operation.h"

/* Operations and the store. */

/* Write the row; ${then} (may be NULL) when that is done. */
void	 opstore_save(struct operation *, void (*then)(struct operation *));

/* Before store_start: the open ones and the newest finished ones. */
int	 opstore_load(struct operations *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * opstore_recall(ops, host, id, done, cookie):
 * Have the host's stored operation ${id} in memory, if there is one: ${done}
 * runs then, perhaps inside the call.
 */
void	 opstore_recall(struct operations *, struct fleet_host *,
	    const char *id, void (*done)(void *), void *cookie);

#endif
