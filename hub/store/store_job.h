#ifndef STORE_JOB_H
#define STORE_JOB_H

#include "store.h"

/* What the loop thread has the store thread do; of the store alone. */

enum store_job_kind {
	STORE_JOB_PUT,
	STORE_JOB_DROP,
	STORE_JOB_FIND,
	STORE_JOB_RETAIN,
	STORE_JOB_SUM,
	STORE_JOB_TRIM,
	STORE_JOB_PROBE
};

struct store_job {
	struct store_job *next;
	enum store_job_kind kind;
	enum store_table table;
	/* PUT: they and their strings stand behind the job;
	   FIND: what was found */
	char *rows;
	size_t n, cap;
	bool more; /* RETAIN: there is more of it */
	struct store_query query;
	char *key;		/* DROP, SUM, TRIM */
	char *words;		/* TRIM */
	struct store_trim trim; /* and what came of it; SUM: bytes */
	int64_t when, now;
	store_done *done;
	store_found *found;
	store_bytes *counted;
	void *cookie;
	struct err *failed;
};

struct store_queue {
	struct store_job *first, **last;
};
void store_job_queue(struct store_queue *);

struct store_job *store_job_new(enum store_job_kind, enum store_table);
/* With copies of ${n} rows. */
struct store_job *store_job_put(enum store_table, const void *rows, size_t n);
void store_job_free(struct store_job *);

bool store_job_writes(const struct store_job *);

/* A transaction's worth of the first jobs, as a list; *${last}: its end. */
struct store_job *store_job_take(struct store_queue *, struct store_job **last);

/* Store thread: do a list of jobs in one transaction. */
void store_job_run(const struct store_driver *, void *db, struct store_job *);

#endif
