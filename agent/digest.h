#ifndef DIGEST_H
#define DIGEST_H

#include "err.h"

/**
 * digest_file(path, out, e):
 * Lower-case hex SHA-256 of a file's contents, without starting
 * OpenSSL's providers: they would keep 2 MB of the daemon resident for good.
 */
int	 digest_file(const char *path, char out[65], struct err *)
	    __attribute__((warn_unused_result));

#endif
