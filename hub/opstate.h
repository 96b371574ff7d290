#ifndef OPSTATE_H
#define OPSTATE_H

#include <stdbool.h>

/*
 * The life of an operation as one table: state × event → what to do and the
 * next state.  Pure; operation.c does what it says.
 */
enum opstate {
	OPSTATE_QUEUED,		/* in the store, waiting for its host */
	OPSTATE_SENT,		/* sent, no sign yet */
	OPSTATE_RUNNING,	/* the host works on it */
	OPSTATE_STOPPING,	/* told to stop */
	OPSTATE_LOST,		/* the host went away meanwhile */
	OPSTATE_AWAITING,	/* done or disruptive: the host is to come back */
	OPSTATE_FINISHED,
	OPSTATE_N
};

enum opstate_event {
	OPSTATE_EV_SEND,	/* host free and connected, row stored */
	OPSTATE_EV_SIGN,	/* accepted, output, progress, heartbeat */
	OPSTATE_EV_REJECT,	/* the host refuses */
	OPSTATE_EV_RESULT,	/* the host's final word */
	OPSTATE_EV_RESULT_LEAVES, /* fine, and the host now restarts */
	OPSTATE_EV_STOP,	/* an operator says stop */
	OPSTATE_EV_GONE,	/* the link broke */
	OPSTATE_EV_KNOWN,	/* back, and still has the operation */
	OPSTATE_EV_UNKNOWN,	/* back, and does not have it (any more) */
	OPSTATE_EV_DEADLINE,	/* the deadline of this state passed */
	OPSTATE_EV_UNSTORED,	/* the row could not be written */
	OPSTATE_EV_REMOVED,	/* the host is removed from the fleet */
	OPSTATE_NEVENTS
};

enum opstate_act {
	OPSTATE_ILLEGAL,	/* cannot happen: nothing is done */
	OPSTATE_IGNORE,		/* fine, nothing to do */
	OPSTATE_SEND,		/* (again) */
	OPSTATE_MARK_RUNNING,
	OPSTATE_ASK_STOP,	/* tell the host to stop */
	OPSTATE_ASK_OVERDUE,	/* the same, because of the deadline */
	OPSTATE_WAIT,		/* keep, with the new state's deadline */
	OPSTATE_END_RESULT,	/* finish with what the host said */
	OPSTATE_END_REFUSED,
	OPSTATE_END_STOPPED,	/* never sent: nothing is in doubt */
	OPSTATE_END_TIMED_OUT,	/* reported = false */
	OPSTATE_END_INTERRUPTED, /* reported = false */
	OPSTATE_END_BACK,	/* it came back: that was the point */
	OPSTATE_END_UNSTORED,
	OPSTATE_CORRECT,	/* a late word on one that ended in doubt */
};

struct opstate_step {
	enum opstate_act act;
	enum opstate next;
};

struct opstate_step opstate_step(enum opstate, enum opstate_event);

/* The word of the HTTP API and the store ("awaiting_reconnect"). */
const char *opstate_name(enum opstate);
/* -1 if none. */
int	 opstate_find(const char *);

#endif
