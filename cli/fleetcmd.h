#ifndef FLEETCMD_H
#define FLEETCMD_H

#include "verb.h"

/* The verbs that speak to the hub; the rest of them is in fleetrun.h. */
int	 fleetcmd_login(const struct verb_call *);
int	 fleetcmd_logout(const struct verb_call *);
int	 fleetcmd_hosts(const struct verb_call *);
int	 fleetcmd_remove(const struct verb_call *);
int	 fleetcmd_accept(const struct verb_call *);
int	 fleetcmd_events(const struct verb_call *);

#endif
