#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"
#include "record.h"

/*
 * What the hub remembers.  One thread of its own does all that touches the
 * database: the loop thread puts jobs into a queue, the store thread takes
 * what a turn of the loop asked for (some thousand rows at most), runs it in
 * ONE transaction, and the completions run on the loop, in the order of the
 * queue, never inside the call that made the job.  So a find that is queued
 * after a put sees it.
 * A database is a struct store_driver; nothing but the driver knows its
 * language.
 *
 * A table is a C struct and its record_field rows (store_tables): drivers
 * make their statements from those.
 */
enum store_table {
	STORE_HOST, STORE_SEEN, STORE_OPERATION, STORE_LINE, STORE_EVENT,
	STORE_SESSION, STORE_META, STORE_BLOCKED, STORE_NTABLES
};

/* STORE_HOST: all that outlives a restart, by id (= hostname). */
struct store_host {
	char *id;
	char *host_type, *kind, *agent_version, *os_version, *nixpkgs_version;
	char *generation, *lock_hash, *theme_color, *location, *device_type;
	char *repo_url, *repo_dir, *comment;
	/* what the host said: word, sentence, ms since 1970 */
	char *lock_status, *lock_message;
	int64_t lock_checked;
	char *system_status, *system_message;
	int64_t system_checked;
	char *tests_status, *tests_message;
	int64_t tests_checked;
	char *tests_generation;
	char *facts;			/* JSON text, or NULL */
	int64_t dialect, created_at;
	/* identity.h */
	char *agent_id, *token_hash, *old_token_hash;
	int64_t token_state;		/* enum identity_state */
};

/* STORE_SEEN: last heartbeat, apart from the host so that it is cheap. */
struct store_seen {
	char *id;
	int64_t at;			/* ms since 1970 */
	int64_t stopped;		/* 1: the agent said good-bye */
};

/* STORE_OPERATION, by id (ULID). */
struct store_operation {
	char *id, *host_id, *op, *by;
	char *args;			/* JSON text of an object */
	char *state, *outcome;		/* words of names.h; outcome or NULL */
	char *message;
	char *phases, *changes;		/* JSON text or NULL */
	int64_t accepted, reported, forced, overdue;
	int64_t exit_code;		/* or RECORD_NONE */
	/* ms since 1970; 0: none */
	int64_t created_at, started_at, finished_at, deadline_at;
	int64_t lines, bytes, last_seq;
	int64_t head_seq;		/* of the last line of the head, or 0 */
};

/* STORE_LINE, by (op_id, seq): one line of an operation's output. */
struct store_line {
	char *op_id;
	int64_t seq, ts;
	char *stream;			/* stdout, stderr, note */
	char *text;
};

/* What a line costs beyond its text: many empty ones fill a disk too. */
#define STORE_LINE_COST 32

/* STORE_EVENT, by id (grows). */
struct store_event {
	int64_t id, timestamp;
	char *category, *level, *actor, *host_id, *action, *message;
	char *details;			/* JSON text or NULL */
};

/* STORE_SESSION, by hash: SHA-256 of the token, hex. */
struct store_session {
	char *hash, *csrf_token;
	int64_t created_at, expires_at;
};

/* STORE_META, by key: a few words of the hub itself. */
struct store_meta {
	char *key, *value;
};

/* STORE_BLOCKED, by id: a host's name that nobody may enrol with. */
struct store_blocked {
	char *id;
	int64_t at;			/* ms since 1970 */
};

struct store_table_def {
	const char *name;
	const struct record_field *fields;
	size_t nfields;
	size_t size;			/* of the struct */
	size_t nkeys;			/* the first nkeys fields are the key */
};
extern const struct store_table_def store_tables[STORE_NTABLES];

/*
 * Which rows.  Unset members do not narrow.  Lines come in the order of seq;
 * everything else newest key first, but by ascending key with ${ascending}.
 */
struct store_query {
	enum store_table table;
	const char *id;			/* key (op_id for STORE_LINE) */
	const char *host;		/* host_id */
	const char *state;		/* operations */
	bool open_only;			/* operations that are not finished */
	bool printed;			/* operations with output */
	bool spent;			/* operations not at work */
	int64_t after;			/* lines: seq greater than that */
	const char *before;		/* operations: id less than that */
	int64_t before_id;		/* events: id less than that; 0: none */
	bool ascending, newest;		/* newest: lines backwards */
	size_t limit;			/* 0: all */
};

/* A host's newest open operations, that may be at work. */
#define STORE_AT_WORK 8

/* Lines of one operation that are to go: from its middle, or all of them. */
struct store_trim {
	const char *op_id;
	const char *words;		/* told after their number */
	int64_t after;			/* those with a seq greater than that */
	int64_t bytes;			/* so many; done: so many fewer */
	bool whole;			/* all, and phases and changes */
	int64_t last;			/* done: seq of the last one, or 0 */
};

/* A row found; owned by the caller of the driver, valid during the call. */
typedef int store_row(void *cookie, const void *row);

/*
 * A database.  All of these run on one thread at a time, outside of begin …
 * commit only open, close and ping.  0, or -1 with an error; a failed put or
 * drop leaves the others of the transaction as they are.
 */
struct store_driver {
	const char *name;
	int	 (*open)(const char *where, void **db, struct err *);
	void	 (*close)(void **db);
	int	 (*begin)(void *db, struct err *);
	int	 (*commit)(void *db, struct err *);
	void	 (*rollback)(void *db);
	/* Insert, or replace what has the same key. */
	int	 (*put)(void *db, enum store_table, const void *row,
		    struct err *);
	/* Remove the row, for STORE_OPERATION and STORE_HOST with what hangs
	   on it. */
	int	 (*drop)(void *db, enum store_table, const char *key,
		    struct err *);
	int	 (*find)(void *db, const struct store_query *, store_row *,
		    void *cookie, struct err *);
	/* Remove finished operations with their lines, events and sessions
	   that ended before ${before} (ms since 1970): some of them, and
	   *${more} tells whether to call again. */
	int	 (*retain)(void *db, int64_t before, int64_t now, bool *more,
		    struct err *);
	/* The output of operations, by their rows; host NULL: of all. */
	int	 (*sum)(void *db, const char *host, int64_t *bytes,
		    struct err *);
	/* Remove lines, oldest first, until ${bytes} of text and
	   STORE_LINE_COST are gone, or all; fill in bytes and last. */
	int	 (*trim)(void *db, struct store_trim *, struct err *);
	int	 (*ping)(void *db, struct err *);
};
extern const struct store_driver store_sqlite;

struct store;

/**
 * store_open(loop, driver, where, out, e):
 * Open the database, bring its schema up to date.  Until store_start the
 * thread does not run and only store_load may be used.
 */
int	 store_open(uv_loop_t *, const struct store_driver *, const char *where,
	    struct store **, struct err *) __attribute__((warn_unused_result));

/* Rows before the thread runs: ${fn} is called in here for each. */
int	 store_load(struct store *, const struct store_query *, store_row *fn,
	    void *cookie, struct err *) __attribute__((warn_unused_result));

int	 store_start(struct store *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * store_close(s):
 * Do all that is queued, end the thread, close the database.  Blocks.  The
 * completions still owed run in here, with what happened.
 */
void	 store_close(struct store **);

/* ${failed} is NULL when it was done: written and on the disk. */
typedef void store_done(void *cookie, const struct err *failed);
/* ${rows} point to structs of the table, valid during the call. */
typedef void store_found(void *cookie, void *const *rows, size_t n,
	    const struct err *failed);

/*
 * Loop thread.  Rows are copied, and all of a put are written or none.
 * ${done} may be NULL: a failure then only shows in store_health.  There is no
 * way to cancel: a cookie must live until its completion ran.
 */
void	 store_put(struct store *, enum store_table, const void *rows, size_t n,
	    store_done *done, void *cookie);
void	 store_drop(struct store *, enum store_table, const char *key,
	    store_done *done, void *cookie);
void	 store_find(struct store *, const struct store_query *,
	    store_found *found, void *cookie);
/* A part at a time: what is asked for meanwhile does not wait for all. */
void	 store_retain(struct store *, int64_t before, store_done *done,
	    void *cookie);

/* ${bytes}: so much is stored, or is not any more. */
typedef void store_bytes(void *cookie, int64_t bytes,
	    const struct err *failed);
/* How much output operations have, of ${host} or, NULL, of all hosts. */
void	 store_sum(struct store *, const char *host, store_bytes *,
	    void *cookie);
/* The last of the removed lines makes room for one that says how many. */
void	 store_trim(struct store *, const struct store_trim *,
	    store_bytes *, void *cookie);

/**
 * store_turn(s):
 * Run the completions that are due, now rather than at the loop's next turn.
 * For where much may come in at once, before it is looked at: what is stored
 * is acted on first.
 */
void	 store_turn(struct store *);

/**
 * store_on_turn_end(s, fn, cookie):
 * Run ${fn} before a turn's jobs go to the thread, and before a find or a
 * drop is queued: for who gathers rows, to put them then.
 */
void	 store_on_turn_end(struct store *, void (*fn)(void *), void *cookie);

/**
 * store_health(s, max_ms, e):
 * 0 when the store thread did a probe within the last ${max_ms} and the last
 * write was fine; else -1 and why.  The probe is a job of its own, queued
 * each second behind whatever else there is.
 */
int	 store_health(const struct store *, int64_t max_ms, struct err *);

/* How it does, for metrics. */
struct store_figures {
	int64_t latency_ms;		/* of the last probe that is done */
	size_t backlog;			/* jobs queued and not completed */
	uint64_t done, failed;		/* jobs */
};
void	 store_figures(const struct store *, struct store_figures *);

#endif
