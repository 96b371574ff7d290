#ifndef DAEMON_H
#define DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agentconf.h"
#include "agentstate.h"
#include "beat.h"
#include "control.h"
#include "follower.h"
#include "hosttoken.h"
#include "hublink.h"
#include "jobs.h"
#include "journal.h"
#include "reporter.h"
#include "tls_trust.h"

/* The daemon: one of each part, wired together.  Loop thread only. */
struct daemon {
	uv_loop_t loop;
	struct agentconf *conf;
	struct agentstate state;
	struct hosttoken token;
	struct journal *journal;
	struct jobs *jobs;
	struct beat *beat;
	struct follower *follower;
	struct control *control;	/* NULL: could not be had */
	struct tls_trust *trust;
	struct hublink *link;		/* NULL: no hub configured */
	struct reporter *reporter;	/* NULL: no hub configured */
	uv_timer_t heartbeat;
	uv_timer_t tidy;		/* next maintenance of the clone */
	uv_timer_t clone;		/* next attempt at a first clone */
	uv_timer_t end;			/* patience with the last messages */
	uv_signal_t term, intr;
	int lock_fd;
	int dialect;			/* 0: not registered */
	int64_t interval;		/* seconds between heartbeats */
	unsigned clone_tries;
	char tidy_op[ULID_LEN + 1];	/* last maintenance; "" none */
	char clone_op[ULID_LEN + 1];	/* last failed attempt; "" none */
	json_t *last;			/* newest results, for status */
	bool ending;
	char end_op[ULID_LEN + 1];	/* the hub is to have this one; "" */
	int exit_code;
};

/**
 * daemon_run(conf, env):
 * Run until told to end; takes ${conf}.  Returns the exit status.
 */
int	 daemon_run(struct agentconf *, const char *const *env);

/* Send a heartbeat now, if the hub knows us. */
void	 daemon_heartbeat(struct daemon *, bool whole);

/**
 * daemon_end(d, op_id, code):
 * Finish sending (also the result of ${op_id}, unless NULL), close the link
 * with 1000, and let daemon_run return ${code}.
 */
void	 daemon_end(struct daemon *, const char *op_id, int code);

/* What the main worker does, or NULL; ${info} holds it. */
const struct jobs_info *daemon_job(const struct daemon *,
	    struct jobs_info *info);

#endif
