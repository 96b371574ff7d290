#ifndef FLAKEREF_H
#define FLAKEREF_H

#include "deploy.h"

/**
 * flakeref_url(conf, rev):
 * "git+file:///repo?rev=…", or "path:/build?rev=…" if there is a directory with
 * submodules, with the flake's directory and shallow=1 if they apply,
 * percent-encoded.  With submodules and a flake's directory a name in our
 * registry.  The caller frees.
 */
char	*flakeref_url(const struct deploy_conf *, const char *rev);

/**
 * flakeref_registry(conf):
 * The registry that nix needs to be given (--option flake-registry) for such a
 * name; NULL: none.  The caller frees.
 */
char	*flakeref_registry(const struct deploy_conf *);

/**
 * flakeref_register(conf, rev, e):
 * Write it, if one is needed, for ${rev}.
 */
int	 flakeref_register(const struct deploy_conf *, const char *rev,
	    struct err *) __attribute__((warn_unused_result));

/* conf->user, or else our own name; the caller frees. */
char	*flakeref_user(const struct deploy_conf *);

#define FLAKEREF_TRIES 2

/**
 * flakeref_attrs(conf, attrs):
 * The attributes that may hold the host's closure, in the order in which they
 * are tried.  Returns how many; the caller frees each.
 */
size_t	 flakeref_attrs(const struct deploy_conf *,
	    char *attrs[FLAKEREF_TRIES]);

/**
 * flakeref_check(conf, rev, e):
 * Can these be used in a flake reference: host and user names, the attribute
 * pattern, the directory, and ${rev} (NULL: not looked at)?
 */
int	 flakeref_check(const struct deploy_conf *, const char *rev,
	    struct err *) __attribute__((warn_unused_result));

#endif
