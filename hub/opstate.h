#ifndef OPSTATE_H
#define OPSTATE_H

#include "names.h"

/*
 * The life of an operation as one table: state (enum op_state) × event →
 * what to do and the next state.  Pure; opstep.c does what it says.
 */
enum opstate_event {
	OPSTATE_EV_SEND,	/* row stored, host connected and free */
	OPSTATE_EV_SIGN,	/* accepted, output, progress, heartbeat */
	OPSTATE_EV_REJECT,	/* the host refuses */
	OPSTATE_EV_RESULT,	/* the host's final word */
	OPSTATE_EV_LEAVES,	/* fine, and the host now restarts its agent */
	OPSTATE_EV_STOP,	/* an operator says stop */
	OPSTATE_EV_GONE,	/* the link broke */
	OPSTATE_EV_AWAY,	/* the link broke, as this operation does */
	OPSTATE_EV_KNOWN,	/* back, and has the operation */
	OPSTATE_EV_NEVER_HAD,	/* back, and it never said that it has it */
	OPSTATE_EV_UNKNOWN,	/* back, and does not have it any more */
	OPSTATE_EV_DEADLINE,	/* the deadline of this state passed */
	OPSTATE_EV_UNSTORED,	/* the row could not be written */
	OPSTATE_EV_REMOVED,	/* the host is removed from the fleet */
	OPSTATE_EV_COUNT
};

enum opstate_act {
	OPSTATE_ILLEGAL,	/* cannot happen: nothing is done */
	OPSTATE_IGNORE,		/* fine, nothing to do */
	OPSTATE_SEND,		/* send the command (again) */
	OPSTATE_ENTER,		/* only take the next state and its deadline */
	OPSTATE_ASK_STOP,	/* tell the host to stop */
	OPSTATE_OVERDUE,	/* the same, because of the deadline */
	OPSTATE_END_RESULT,	/* finish with what the host said */
	OPSTATE_END_REFUSED,
	OPSTATE_END_STOPPED,	/* never sent: nothing is in doubt */
	OPSTATE_END_TIMED_OUT,	/* the hub's word, not the host's */
	OPSTATE_END_INTERRUPTED, /* the same */
	OPSTATE_END_BACK,	/* it came back: that was the point */
	OPSTATE_END_UNSTORED,
	OPSTATE_CORRECT,	/* the host's word after the hub's */
};

struct opstate_step {
	enum opstate_act act;
	enum op_state next;
};

struct opstate_step opstate_step(enum op_state, enum opstate_event);

#endif
