#ifndef OPSTORE_H
#define OPSTORE_H

#include "err.h"
#include "operation.h"
#include "store.h"

/* Operations and the store. */

/*
 * Write the row at the end of this turn of the loop, with all others that
 * changed.  When it is there, what was asked for is sent, and an outcome
 * acknowledged.
 */
void	 opstore_save(struct operation *);

/* Run ${done} when all that was saved until now is written and acted upon. */
void	 opstore_after(struct operations *, store_done *, void *cookie);

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

/**
 * opstore_owner(ops, host, id, done, cookie):
 * The same, and whose it is: ${owner} is NULL if there is no such operation.
 */
typedef void opstore_owned(void *cookie, const char *owner);
void	 opstore_owner(struct operations *, struct fleet_host *,
	    const char *id, opstore_owned *, void *cookie);

#endif
