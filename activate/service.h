#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>
#include <sys/types.h>

#include "deploy.h"

/* The activation service: does for one user what needs root. */
struct service {
	const char *dir;	/* of the records' directories */
	int listen_fd;
	uid_t user;		/* who may ask, besides root */
	enum deploy_kind kind;	/* of the systems that it activates */
	const char *profile;	/* the one that it sets */
	const char *activates;	/* custom: program inside the closure; NULL:
				   bin/activate */
	const char *program;	/* our own, to be started again */
	int64_t idle;		/* ms without work after which it ends */
};

/**
 * service_run(s, e):
 * Carry on what an earlier one left open, then answer requests, one at a
 * time, until nothing is open and nobody has asked for s->idle.  The work is
 * done by processes of their own, which outlive us.
 */
int	 service_run(const struct service *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * service_listen(path, e):
 * The socket that systemd gave us, or, if ${path} is not NULL, one of our
 * own there.  -1 if there is none.
 */
int	 service_listen(const char *path, struct err *);

#endif
