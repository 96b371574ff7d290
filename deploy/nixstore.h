#ifndef NIXSTORE_H
#define NIXSTORE_H

#include <stdbool.h>

#include "err.h"

/* The store's directory: NIX_STORE_DIR, else /nix/store. */
const char *nixstore_dir(void);

/* Nix's state directory: NIX_STATE_DIR, else /nix/var/nix. */
const char *nixstore_state_dir(void);

/**
 * nixstore_valid(path):
 * Is ${path} exactly STORE/HASH-NAME as nix makes them (32 characters of its
 * base 32; a name of its alphabet)?  Does not look at the disk.
 */
bool	 nixstore_valid(const char *);

/**
 * nixstore_check(path, e):
 * nixstore_valid and it is there, as a directory or file of its own and not
 * a symbolic link.  0, or -1 with ERR_INPUT or ERR_NOTFOUND.
 */
int	 nixstore_check(const char *, struct err *)
	    __attribute__((warn_unused_result));

/* The NAME part of STORE/HASH-NAME; the last component of anything else. */
const char *nixstore_name(const char *);

/**
 * nixstore_resolve(link):
 * Where the symbolic links of ${link} lead, if that is a store path; else
 * NULL.  The caller frees.
 */
char	*nixstore_resolve(const char *);

#endif
