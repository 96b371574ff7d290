#ifndef JOURNAL_H
#define JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "names.h"

/*
 * What was asked of this host and what became of it: one directory for each
 * operation below STATE_DIR/ops, see docs/reference/files.md.  The daemon
 * adds requests and acknowledgements, the worker (or the daemon for a dead
 * worker) the log and the result.
 */
struct journal;

struct journal_request {
	char *op_id;
	char *op;
	json_t *args;		/* object, or NULL */
	char *by;
	char *origin;		/* "hub", "local", "follow" */
	int64_t dialect;	/* of the hub that asked; 0: local */
	int64_t deadline_s;
	int64_t accepted_at;	/* ms since 1970 */
};

struct journal_result {
	char *op_id;
	char *op;
	char *by;
	char *origin;
	char *outcome;		/* names_outcome(); NULL: not over */
	int64_t exit_code;	/* RECORD_NONE: none */
	char *message;
	char *generation;	/* the repository's revision afterwards */
	char *accepted_at, *started_at, *finished_at;	/* RFC 3339 */
	json_t *phases;		/* [{name, ms}] */
	json_t *changes;	/* object, or NULL */
	bool warning;		/* ok, but say "warning" in dialect 3 */
	bool transient;		/* what failed may work the next time */
	int64_t last_seq;	/* number of the log's last record */
	json_t *compartments;	/* {name: {status, message, checked_at}} */
	json_t *repo;		/* state of the repository afterwards */
	char *verified;		/* revision that a pull brought and checked */
};

/* Newest {phase, done, expected, text} of a running operation. */
struct journal_progress {
	char *phase;
	int64_t done, expected;
	char *text;
};

/* Open (and make) ${state_dir}/ops. */
int	 journal_open(const char *state_dir, struct journal **, struct err *)
	    __attribute__((warn_unused_result));
void	 journal_free(struct journal **);

/* The directory of an operation; the caller frees. */
char	*journal_dir(const struct journal *, const char *op_id);

/**
 * journal_add(j, req, e):
 * Put a new request on disk, flushed when this returns, with room set aside
 * for its result: a disk too full for that is found out now.  ERR_BUSY: an
 * operation of that id is there already.
 */
int	 journal_add(struct journal *, const struct journal_request *,
	    struct err *) __attribute__((warn_unused_result));

/* Read a request; ERR_NOTFOUND if there is none. */
int	 journal_request(const struct journal *, const char *op_id,
	    struct journal_request *, struct err *)
	    __attribute__((warn_unused_result));
void	 journal_request_free(struct journal_request *);

/**
 * journal_result_init(req, res):
 * A result without an outcome, with copies of what ${req} says.
 */
void	 journal_result_init(const struct journal_request *,
	    struct journal_result *);

/* Put a result on disk, flushed when this returns. */
int	 journal_finish(struct journal *, const struct journal_result *,
	    struct err *) __attribute__((warn_unused_result));

/* Read a result; ERR_NOTFOUND if the operation is not over. */
int	 journal_result(const struct journal *, const char *op_id,
	    struct journal_result *, struct err *)
	    __attribute__((warn_unused_result));
void	 journal_result_free(struct journal_result *);

/* The result as people and programs see it (control-socket.md). */
json_t	*journal_result_json(const struct journal_result *);

/**
 * journal_summary(j, op_id, res, e):
 * As journal_result, but for an operation that is not over a result whose
 * outcome is NULL.
 */
int	 journal_summary(const struct journal *, const char *op_id,
	    struct journal_result *, struct err *)
	    __attribute__((warn_unused_result));

/* When the operation began: made once by the worker. */
int	 journal_start(struct journal *, const char *op_id, int64_t now,
	    struct err *) __attribute__((warn_unused_result));

/* Newest progress; false if there is none (or it is just being written). */
bool	 journal_progress(const struct journal *, const char *op_id,
	    struct journal_progress *);
void	 journal_progress_free(struct journal_progress *);
/* Replace the newest progress; not flushed. */
void	 journal_progress_set(struct journal *, const char *op_id,
	    const struct journal_progress *);

/* The hub has the log and the result. */
int	 journal_ack(struct journal *, const char *op_id, struct err *)
	    __attribute__((warn_unused_result));
bool	 journal_acked(const struct journal *, const char *op_id);
/* It lacks them again. */
void	 journal_unack(struct journal *, const char *op_id);

/* Number of the newest record that the hub has; 0: none. */
int64_t	 journal_sent(const struct journal *, const char *op_id);
void	 journal_sent_set(struct journal *, const char *op_id, int64_t seq);

/**
 * journal_list(j, ids, n, e):
 * All operations, oldest first; the caller frees ids[0..n) and ids.
 */
int	 journal_list(const struct journal *, char ***, size_t *,
	    struct err *) __attribute__((warn_unused_result));
void	 journal_list_free(char **, size_t);

/**
 * journal_prune(j, keep, e):
 * Remove the oldest finished operations beyond ${keep}: those of the hub
 * only when it has them; and those that have no readable request.
 */
int	 journal_prune(struct journal *, size_t keep, struct err *);

#endif
