#ifndef INTAKE_H
#define INTAKE_H

#include <jansson.h>

#include "daemon.h"
#include "err.h"
#include "names.h"
#include "ulid.h"

/* A request for an operation, from the hub or from this machine. */
struct intake {
	const char *op;
	const char *op_id;	/* NULL: make one */
	json_t *args;		/* or NULL */
	const char *by;
	const char *origin;	/* "hub", "local", "follow" */
	int dialect;		/* of the hub that asks; 0: local */
	int64_t deadline_s;	/* 0: the operation's own */
	/* The request is on disk; the worker has not started.  Or NULL. */
	void (*on_accepted)(struct daemon *, const char *op_id);
};

/**
 * intake_take(d, in, op_id, why, e):
 * Check the request, put it on disk, start it.  The same op_id again is
 * accepted again, reported again and not run again.  -1: rejected, *${why}
 * and ${e} say why; nothing is left behind.
 */
int	 intake_take(struct daemon *, const struct intake *,
	    char op_id[ULID_LEN + 1], enum reject *why, struct err *)
	    __attribute__((warn_unused_result));

/* Are ${args} (or NULL) what operation ${op} takes? */
struct wire_op;
int	 intake_args(const struct wire_op *, const json_t *args, struct err *)
	    __attribute__((warn_unused_result));

#endif
