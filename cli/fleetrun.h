#ifndef FLEETRUN_H
#define FLEETRUN_H

#include "verb.h"

/* Run an operation on hosts and follow it; show a host's log. */
int	 fleetrun_run(const struct verb_call *);
int	 fleetrun_logs(const struct verb_call *);

#endif
