#ifndef SSH_H
#define SSH_H

#include "handle.h"

/**
 * ssh_command(r, out, e):
 * The value of GIT_SSH_COMMAND for this repository's key and known hosts; the
 * caller frees *${out}.  Checks that the key can be used at all (ERR_AUTH).
 * Host keys are strict, except at the first contact with a host when nothing
 * is pinned: then the key is recorded.
 */
int	 ssh_command(const struct repo *, char **out, struct err *)
	    __attribute__((warn_unused_result));

/* Does the known hosts file have a line for the repository's host? */
bool	 ssh_host_known(const struct repo *);

/**
 * ssh_host_lines(known, len, host, port, out):
 * Append the lines of a known_hosts file that are for ${host}; hashed names
 * are not recognised.  Returns how many.
 */
size_t	 ssh_host_lines(const char *, size_t, const char *host, int port,
	    struct buf *out);

/* The file with the host keys: the configured one or our own. */
char	*ssh_known_hosts(const struct repo *);

#endif
