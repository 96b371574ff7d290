#ifndef OPAGENT_H
#define OPAGENT_H

#include <jansson.h>

struct fleet_host;
struct operations;
struct wire_msg;

/*
 * What an agent's link means for its operations.  Dialect 4 names operations
 * by op_id; dialect 3 by word, and is reconciled from its heartbeats.  Loop
 * thread only.
 */

/* The host registered; ${resume} is dialect 4's {op_id: next_seq} or NULL. */
void	 opagent_back(struct operations *, struct fleet_host *,
	    const json_t *resume);
void	 opagent_gone(struct operations *, struct fleet_host *);
/* A heartbeat; ${pending} is dialect 3's pending_command, NULL: none. */
void	 opagent_heartbeat(struct operations *, struct fleet_host *,
	    const char *pending);
/* command_accepted, command_rejected, output, progress, status … */
void	 opagent_message(struct operations *, struct fleet_host *,
	    const struct wire_msg *);
/* The host is removed: its open operations end. */
void	 opagent_removed(struct operations *, struct fleet_host *);

#endif
