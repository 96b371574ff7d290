#ifndef OPERATION_H
#define OPERATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"
#include "err.h"
#include "names.h"
#include "store.h"

struct fleet_host;
struct hub;
struct operations;
struct wire_op;

/*
 * Operations: what was asked of a host, from the request to the outcome.
 * Loop thread only.  The row is in the store before the command is sent.
 */
struct operation {
	char id[27];
	uint8_t state;			/* enum op_state */
	uint8_t outcome;		/* enum outcome, when finished */
	bool accepted;			/* the host said it has it */
	bool adopted;			/* the host's own doing */
	bool reported;			/* the outcome is the host's own word */
	bool forced;
	bool overdue;			/* stopped by its deadline */
	bool stored;			/* the row is in the store */
	bool unsaved;			/* it is not as it is there */
	bool untold;			/* that it was asked for */
	bool trimming;			/* its log's middle is being dropped */
	uint32_t log_round;		/* grows when stored lines failed */
	bool ack_status;		/* tell the host when the row is in */
	bool awaited;			/* ended in doubt while awaiting */
	bool in_feed;			/* feed.c is to tell of it */
	int32_t refs;			/* oplist_hold */
	const struct wire_op *def;	/* NULL: an op we do not know */
	const char *op, *by;		/* interned */
	struct fleet_host *host;	/* NULL: the host was removed */
	const char *host_id;		/* interned */
	char *args;			/* JSON text or NULL */
	char *message;			/* or NULL */
	char *phases, *changes;		/* JSON text or NULL */
	char *phase, *text;		/* progress, or NULL */
	int64_t done, expected;
	int64_t exit_code;		/* or RECORD_NONE */
	int64_t created_at, started_at, finished_at, deadline_at; /* ms, 0 */
	int64_t lines, bytes;		/* stored */
	int64_t last_seq;		/* highest taken in, stored or not */
	int64_t acked_seq;		/* highest stored */
	int64_t head_seq;		/* where the log's head ends, or 0 */
	int64_t saved_bytes;		/* as in the row */
	int64_t sent_at, kept_at;	/* tick_mono(), 0 */
	uint8_t nulls;			/* heartbeats that did not name it */
	struct deadline deadline;
	struct hub *hub;
	struct operation *next;		/* of the host's open ones */
	struct operation *newer;	/* of the finished ones kept */
};

/* Load the open operations and the newest 100 from the store (before
   store_start, after fleet_new). */
int	 operations_new(struct hub *, struct operations **, struct err *)
	    __attribute__((warn_unused_result));
void	 operations_free(struct operations **);

struct operation_ask {
	const char *op;			/* name */
	const json_t *args;		/* object or NULL; borrowed */
	const char *by;			/* who: "operator", … */
	bool force;
};

/* Why not; the codes of the HTTP API. */
struct operation_refusal {
	const char *code;	/* unknown_op, bad_args, offline, busy,
				   lock_outdated, no_pending,
				   conflict, queue_full, already_queued */
	char message[256];
};

/**
 * operation_ask(ops, host, ask, refusal):
 * Ask.  The operation (state queued; it is sent as soon as it is stored and
 * the host is free), or NULL and why not.  "stop" stops the running one and
 * gives that.  ${force} skips what may be skipped: lock_outdated, and busy (it
 * then waits in the queue).  TOTP is the caller's matter (WIRE_OP_TOTP).
 */
struct operation *operation_ask(struct operations *, struct fleet_host *,
	    const struct operation_ask *, struct operation_refusal *);

/* Stop it, whatever its state.  -1 ERR_REFUSED when it is over. */
int	 operation_stop(struct operation *, const char *by, struct err *);

/* May it run beside others on this host? */
bool	 operation_beside(const struct fleet_host *, const struct wire_op *);
/* The one the host works on (sent, and not one that runs beside), or NULL. */
struct operation *operation_running(const struct fleet_host *);
/* How many wait for the host. */
size_t	 operation_queued(const struct fleet_host *);

/* An operation in memory (open, or lately finished), or NULL. */
struct operation *operation_find(const struct operations *, const char *id);

/* Those in memory: every open one and the newest 100 finished; any order. */
void	 operation_each(const struct operations *,
	    void (*)(void *, const struct operation *), void *);

/*
 * From the store, on the loop, never inside the call.  ${list} is valid
 * during the call; members that only a live one has are empty.
 */
typedef void operation_listed(void *cookie, struct operation *const *list,
	    size_t n, const struct err *failed);
struct operation_filter {
	const char *id, *host, *state, *before;
	size_t limit;
};
void	 operation_list(struct operations *, const struct operation_filter *,
	    operation_listed *, void *);

/**
 * operation_output(ops, id, after, limit, found, cookie):
 * Stored lines (struct store_line) with seq > ${after}, ascending.  What the
 * feed tells as output is stored already, and both come in one order: a
 * subscriber that drops live lines until this answers, and asks again while
 * it got ${limit} lines, then takes live ones, misses none and gets none
 * twice.
 */
void	 operation_output(struct operations *, const char *id, int64_t after,
	    size_t limit, store_found *, void *);

struct operation_adopt {
	const char *id, *op, *by;
};
/* An operation that a host does without our asking: state running. */
struct operation *operation_adopt(struct operations *, struct fleet_host *,
	    const struct operation_adopt *);

#endif
