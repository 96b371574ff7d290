#ifndef OPCTX_H
#define OPCTX_H

#include <signal.h>
#include <stdbool.h>

#include "agentconf.h"
#include "err.h"
#include "journal.h"
#include "names.h"
#include "joblog.h"

/* One operation at work: what its function in ops.c has to do with. */
struct opctx {
	const struct agentconf *conf;
	struct journal *journal;
	struct journal_request req;
	struct journal_result res;	/* being filled */
	struct joblog *log;
	struct repo *repo;
	struct deploy_conf deploy;
	int stop_fd;			/* readable: stop */
	const volatile sig_atomic_t *timed_out;	/* the deadline passed */
	char *phase;			/* NULL: none yet */
	int64_t phase_since;		/* monotonic */
	int64_t progress_at;		/* monotonic */
	bool resumed;			/* an earlier worker began */
};

/**
 * opctx_open(conf, op_id, x, e):
 * Read the request, begin the result, open log, repository and build
 * configuration.  ${x} is to be given to opctx_close either way.
 */
int	 opctx_open(const struct agentconf *, const char *op_id,
	    struct opctx *, struct err *) __attribute__((warn_unused_result));
void	 opctx_close(struct opctx *);

/* The next phase begins ("fetch", "build", "activate" …); NULL: none. */
void	 opctx_phase(struct opctx *, const char *name);

/* The result's message, for people. */
void	 opctx_say(struct opctx *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* It failed with ${e}: message, note in the log, and which outcome that is. */
enum outcome opctx_fail(struct opctx *, const struct err *);

/* What the operation found out about a compartment. */
void	 opctx_check(struct opctx *, enum compartment, enum check,
	    const char *message);

/* A member of changes; takes ${v}. */
void	 opctx_change(struct opctx *, const char *name, json_t *v);

#endif
