#ifndef DIGEST_H
#define DIGEST_H

#include "err.h"

/**
 * digest_file(path, out, e):
 * Lower-case hex SHA-256 of a file's contents, as file_sha256, but for a
 * daemon that stays: it does not start OpenSSL's providers, which would keep
 * 2 MB resident for good.
 */
int	 digest_file(const char *path, char out[65], struct err *)
	    __attribute__((warn_unused_result));

#endif
