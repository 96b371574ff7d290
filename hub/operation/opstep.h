#ifndef OPSTEP_H
#define OPSTEP_H

#include <jansson.h>

#include "operation.h"
#include "opstate.h"

/* What a host says of how it ended; strings are borrowed. */
struct opstep_result {
	enum outcome outcome;
	int64_t exit_code;		/* or RECORD_NONE */
	const char *message;		/* or NULL */
	const json_t *phases, *changes;	/* or NULL */
	int64_t started_at, finished_at; /* 0: not said */
};

/**
 * opstep_event(op, ev, res):
 * Let the table decide and do what it says; ${res} for REJECT, RESULT and
 * LEAVES, else NULL.  The operation may be over, and gone unless it is held.
 */
void	 opstep_event(struct operation *, enum opstate_event,
	    const struct opstep_result *);

/* Take a state with its deadline; store and tell it. */
void	 opstep_enter(struct operation *, enum op_state);

/* Only the deadline of the state that it has. */
void	 opstep_arm(struct operation *);

/* Send what may be sent to the host now. */
void	 opstep_start_next(struct fleet_host *);

/* Tell that it was asked for, once. */
void	 opstep_tell_asked(struct operation *);

/* Something that people see changed. */
void	 opstep_changed(struct operation *);

#endif
