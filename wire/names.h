#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>

#include "err.h"
#include "wire_op.h"

/*
 * The closed sets of words that programs, files, messages and the HTTP API
 * share.  names_X() turns a value into its word, names_X_parse() a word into
 * its value, or -1 if it is none of them (NULL included).
 */

/* How an operation ended. */
enum outcome {
	OUTCOME_OK,
	OUTCOME_FAILED,
	OUTCOME_REFUSED,	/* never started: policy, trust, arguments */
	OUTCOME_STOPPED,	/* somebody asked to stop it */
	OUTCOME_TIMED_OUT,
	OUTCOME_ROLLED_BACK,	/* activated, judged bad, undone */
	OUTCOME_INTERRUPTED,	/* worker, agent or host went away */
	OUTCOME_COUNT
};
const char *names_outcome(enum outcome);
int	 names_outcome_parse(const char *);
/* All of them, NULL-terminated, for tables of allowed words. */
extern const char *const names_outcomes[];

/* Where the hub sees an operation. */
enum op_state {
	OP_QUEUED,		/* waits for the host to come online */
	OP_SENT,
	OP_RUNNING,		/* the host said that it has it on disk */
	OP_STOPPING,
	OP_LOST,		/* the host is silent; may still be at it */
	OP_AWAITING_RECONNECT,	/* the host said that it would go away */
	OP_FINISHED,
	OP_STATE_COUNT
};
const char *names_op_state(enum op_state);
int	 names_op_state_parse(const char *);

/* The five compartments of a host. */
enum compartment {
	COMPARTMENT_AGENT, COMPARTMENT_GIT, COMPARTMENT_LOCK,
	COMPARTMENT_SYSTEM, COMPARTMENT_TESTS, COMPARTMENT_COUNT
};
const char *names_compartment(enum compartment);

/* What is shown in each of them. */
enum check {
	CHECK_UNKNOWN, CHECK_OK, CHECK_OUTDATED, CHECK_ERROR, CHECK_WORKING,
	CHECK_COUNT
};
const char *names_check(enum check);
/* "" is CHECK_UNKNOWN, as dialect 3 agents say it. */
int	 names_check_parse(const char *);

/* What the hub knows about a host's presence. */
enum liveness {
	LIVENESS_CONNECTED, LIVENESS_LATE, LIVENESS_OFFLINE, LIVENESS_NEVER,
	LIVENESS_STOPPED, LIVENESS_CONFLICT, LIVENESS_COUNT
};
const char *names_liveness(enum liveness);

/* Which of the streams a log line came from; the letter is for the journal. */
enum log_stream { STREAM_STDOUT, STREAM_STDERR, STREAM_NOTE, STREAM_COUNT };
const char *names_stream(enum log_stream);
int	 names_stream_parse(const char *);
char	 names_stream_letter(enum log_stream);
int	 names_stream_of_letter(char);

/* Why a dialect 4 agent does not run a command. */
enum reject {
	REJECT_BUSY, REJECT_UNKNOWN, REJECT_BAD_ARGS, REJECT_PAUSED,
	REJECT_WINDOW, REJECT_POLICY, REJECT_COUNT
};
const char *names_reject(enum reject);

/* Why the hub does not take a dialect 4 agent. */
enum refusal {
	REFUSAL_HOSTNAME,	/* "bad_hostname": breaks the rule below */
	REFUSAL_CONFLICT,	/* "identity_conflict": the name is another's */
	REFUSAL_REVOKED,	/* "revoked": an operator took its token away */
	REFUSAL_TOKEN,		/* "bad_token" */
	REFUSAL_COUNT
};
const char *names_refusal(enum refusal);
int	 names_refusal_parse(const char *);

/**
 * names_hostname_check(name, e):
 * 0 if ${name} is one DNS label: letters, digits and inner hyphens, 1 to 63
 * of them.  Else -1 with ERR_INPUT saying which rule it breaks.  A name that
 * passes is safe as a file name.
 */
int	 names_hostname_check(const char *, struct err *)
	    __attribute__((warn_unused_result));

#endif
