#ifndef OPUNKNOWN_H
#define OPUNKNOWN_H

#include <stdbool.h>

#include "operation.h"

struct wire_msg;

/*
 * Messages on operations that are not in memory wait until the store was
 * asked: the operation may have ended long ago, or be another host's.
 */

/**
 * opunknown_hold(ops, host, id, msg):
 * False: ${id} is in memory, or was asked for and is not in the store: go on.
 * True: the message is kept and comes again by opagent_message, or it is
 * dropped, since the operation is another host's or the host says too much.
 */
bool	 opunknown_hold(struct operations *, struct fleet_host *,
	    const char *id, const struct wire_msg *);

void	 opunknown_free(struct operations *);

#endif
