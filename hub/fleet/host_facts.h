#ifndef HOST_FACTS_H
#define HOST_FACTS_H

#include "fleet.h"

struct intern;
struct wire_heartbeat;
struct wire_op;
struct wire_register;

/* The longest facts that are kept, as JSON text; ours have a few KiB. */
#define HOST_FACTS_MAX (64 * 1024)

/*
 * What a host says of itself, taken into struct fleet_host.  All return what
 * changed, as FLEET_* bits; nothing is stored, told or judged in here.
 */
unsigned host_facts_register(struct intern *, struct fleet_host *,
	    const struct wire_register *);
unsigned host_facts_heartbeat(struct intern *, struct fleet_host *,
	    const struct wire_heartbeat *);

/**
 * host_facts_result(in, h, def, ok):
 * A dialect 3 agent forgets its compartments when it restarts, which every
 * switch makes it do: what an operation's end means for them.
 */
unsigned host_facts_result(struct intern *, struct fleet_host *,
	    const struct wire_op *, bool ok);

#endif
