#ifndef GITMODULES_H
#define GITMODULES_H

#include <stddef.h>

#include "err.h"

/*
 * What .gitmodules says, and nothing of it but path and URL.  Pure functions
 * over bytes that somebody else wrote.
 */

/**
 * gitmodules_url(text, len, path):
 * The URL of the submodule at ${path} in the output of "git config -z --list"
 * for that file; the caller frees.  NULL if there is none or more than one.
 */
char	*gitmodules_url(const char *, size_t, const char *path);

/**
 * gitmodules_resolve(base, url, e):
 * A "./" or "../" URL relative to the one of the repository that names it, as
 * git does it, but never out of its server; any other as it is.  The caller
 * frees.  NULL: ERR_INPUT.
 */
char	*gitmodules_resolve(const char *base, const char *url, struct err *);

#endif
