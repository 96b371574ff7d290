#ifndef OPLIST_H
#define OPLIST_H

#include "opbound.h"
#include "operation.h"
#include "strmap.h"

struct opunknown;

/*
 * The operations in memory.  Who holds one is counted: the list of its
 * host's open ones, the list of those that ended lately, the host's doubtful
 * one, the feed, and jobs of the store.
 */
struct operations {
	struct hub *hub;
	struct strmap by_id;
	struct operation *oldest, **newest;	/* finished, linked by newer */
	size_t nrecent;
	int64_t ended[OUTCOME_COUNT];	/* since the hub was started */
	struct operation **unsaved;		/* held */
	size_t nunsaved, capunsaved;
	struct ratelimit *adoptions;	/* operations of hosts' own */
	struct opunknown *unknown;	/* being looked for */
	struct opbound_room room;	/* for all hosts' output */
	const char *vacant;	/* looked for, and not in the store */
	bool settling;		/* a host is back: nothing new is sent yet */
};

void	 oplist_hold(struct operation *);
/* NULL is fine. */
void	 oplist_release(struct operation *);

/* A new one is known by its id; held until it is released. */
void	 oplist_add(struct operations *, struct operation *);

/* It is finished: keep it among the newest. */
void	 oplist_keep(struct operations *, struct operation *);

/* At the end of its host's open ones; out of them. */
void	 oplist_open(struct operation *);
void	 oplist_close(struct operation *);

/* The host's last one ended without its word; NULL: none did. */
void	 oplist_doubt(struct fleet_host *, struct operation *);

/* The host is removed: nothing points to it any more. */
void	 oplist_orphan(struct operations *, struct fleet_host *);

#endif
