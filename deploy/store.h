#ifndef STORE_H
#define STORE_H

#include <stdbool.h>

#include "err.h"

/* The store's directory: NIX_STORE_DIR, else /nix/store. */
const char *store_dir(void);

/* Nix's state directory: NIX_STATE_DIR, else /nix/var/nix. */
const char *store_state_dir(void);

/**
 * store_path_valid(path):
 * Is ${path} exactly STORE/HASH-NAME as nix makes them (32 characters of its
 * base 32; a name of its alphabet)?  Does not look at the disk.
 */
bool	 store_path_valid(const char *);

/**
 * store_path_check(path, e):
 * store_path_valid and it is there, as a directory or file of its own and not
 * a symbolic link.  0, or -1 with ERR_INPUT or ERR_NOTFOUND.
 */
int	 store_path_check(const char *, struct err *)
	    __attribute__((warn_unused_result));

/* The NAME part of STORE/HASH-NAME; the last component of anything else. */
const char *store_path_name(const char *);

/**
 * store_resolve(link):
 * Where the symbolic links of ${link} lead, if that is a store path; else
 * NULL.  The caller frees.
 */
char	*store_resolve(const char *);

#endif
