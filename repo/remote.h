#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>

#include "err.h"

enum remote_proto { REMOTE_SSH, REMOTE_HTTPS, REMOTE_HTTP, REMOTE_GIT,
	REMOTE_FILE };

/* The parts of a git URL that matter to us. */
struct remote {
	enum remote_proto proto;
	char *host;		/* without brackets; NULL for REMOTE_FILE */
	int port;		/* 0: the protocol's own */
	char *path;		/* decoded for REMOTE_FILE, else as written */
};

/**
 * remote_parse(url, out, e):
 * Take a git URL apart: ssh://, https://, http://, git://, file://,
 * [user@]host:path or an absolute path.  ERR_INPUT for anything else, for
 * what git would take as an option or a helper ("ext::"), and for a password
 * in the URL.
 */
int	 remote_parse(const char *, struct remote *, struct err *)
	    __attribute__((warn_unused_result));
void	 remote_done(struct remote *);

/* Git's name of the protocol, for GIT_ALLOW_PROTOCOL. */
const char *remote_proto_name(const struct remote *);

/* Does the connection end on this machine (127/8, ::1, localhost)? */
bool	 remote_loopback(const struct remote *);

/**
 * remote_branch_check(name, e):
 * 0 if git accepts ${name} as a branch (git-check-ref-format), else -1.
 */
int	 remote_branch_check(const char *, struct err *)
	    __attribute__((warn_unused_result));

#endif
