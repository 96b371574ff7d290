#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "agentconf.h"
#include "err.h"
#include "journal.h"

/*
 * The daemon's side of workers: starts them in sessions of their own, watches
 * them, finds those of an earlier daemon again, and sees to it that every
 * operation gets a result.  One main worker at a time; beside it small ones
 * that touch neither the repository nor the system.
 */
struct jobs;

struct jobs_conf {
	uv_loop_t *loop;
	const struct agentconf *conf;
	struct journal *journal;
	const char *const *env;	/* of the workers */
	/* Ten times a second while something runs: logs may have grown. */
	void (*on_tick)(void *);
	/* Its result is on disk. */
	void (*on_end)(void *, const char *op_id);
	void *cookie;
};

int	 jobs_new(const struct jobs_conf *, struct jobs **, struct err *)
	    __attribute__((warn_unused_result));

/**
 * jobs_start(jobs, op_id, op, deadline_s, e):
 * Start a worker for a request that is on disk.  ERR_BUSY if ${op} has to
 * wait for the main worker.
 */
int	 jobs_start(struct jobs *, const char *op_id, const char *op,
	    int64_t deadline_s, struct err *)
	    __attribute__((warn_unused_result));

/**
 * jobs_recover(jobs, e):
 * Once, at the start: watch the workers that live, go on with what can be
 * gone on with, and give everything else a result.
 */
int	 jobs_recover(struct jobs *, struct err *)
	    __attribute__((warn_unused_result));

/* End the jobs whose result is there already, before the next tick does. */
void	 jobs_reap(struct jobs *);

/* What the main worker does; false if there is none.  Borrowed. */
struct jobs_info {
	const char *op_id;
	const char *op;
	pid_t pid;
	int64_t started;	/* ms since 1970 */
};
bool	 jobs_main(const struct jobs *, struct jobs_info *);

/* Does this operation's worker live? */
bool	 jobs_running(const struct jobs *, const char *op_id);

/**
 * jobs_stop(jobs, op_id, hard, e):
 * Ask the worker (NULL: the main one) to stop its operation with all its
 * children; it is killed with its session if it does not, soon if ${hard}.
 * An activation in progress is not torn in half.  ERR_NOTFOUND if there is
 * none.
 */
int	 jobs_stop(struct jobs *, const char *op_id, bool hard, struct err *)
	    __attribute__((warn_unused_result));

/* Forget the workers; they live on. */
void	 jobs_free(struct jobs **);

#endif
