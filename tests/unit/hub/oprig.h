#ifndef OPRIG_H
#define OPRIG_H

#include "rig.h"

#include "operation.h"

/* A hub with an agent of each dialect: a3 is "old", a4 is "new". */
extern struct rig rig;
extern struct rig_agent a3, a4;

/* Set-up and tear-down of a test: both agents are connected. */
int	 oprig_up(void **);
int	 oprig_down(void **);

/* The operation ${id}; the test fails without it. */
const struct operation *oprig_op(const char *id);

/* ${id} is finished with ${outcome}, which was ${reported} or not. */
void	 oprig_ends(const char *id, enum outcome outcome, bool reported);

#endif
