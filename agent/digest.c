/* The functions below are what EVP calls; 3.0 deprecates calling them. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "digest.h"

int
digest_file(const char *path, char out[65], struct err *e)
{
	unsigned char part[8192], sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;
	ssize_t n;
	size_t i;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return (err_sys(e, "open %s", path));
	(void)SHA256_Init(&ctx);
	while ((n = read(fd, part, sizeof(part))) > 0)
		(void)SHA256_Update(&ctx, part, (size_t)n);
	if (n == -1) {
		err_sys(e, "read %s", path);
		close(fd);
		return (-1);
	}
	close(fd);
	(void)SHA256_Final(sum, &ctx);
	for (i = 0; i < sizeof(sum); i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
	return (0);
}
