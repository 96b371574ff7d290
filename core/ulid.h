#ifndef ULID_H
#define ULID_H

#include <stdbool.h>

#define ULID_LEN 26

/**
 * ulid_make(out):
 * A new ULID (26 characters of Crockford base32, then NUL): sorts by time,
 * strictly increasing within one process.
 */
void	 ulid_make(char out[ULID_LEN + 1]);

/* Is ${s} exactly one ULID in upper case?  Safe as a file name if so. */
bool	 ulid_valid(const char *s);

#endif
