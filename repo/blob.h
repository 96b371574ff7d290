#ifndef BLOB_H
#define BLOB_H

#include <stddef.h>

#include "repo.h"

/**
 * blob_name(data, len, digits, out):
 * git's name of a blob: the hash of "blob SIZE\0" and its bytes, SHA-1 for
 * 40 ${digits} and SHA-256 for 64.  0, or -1 if it cannot be computed.
 */
int	 blob_name(const char *, size_t, size_t digits, char out[REPO_REV]);

#endif
