#ifndef RND_H
#define RND_H

#include <stddef.h>
#include <stdint.h>

/* Fill ${p} from the kernel's generator. */
void	 rnd_bytes(void *p, size_t n);

/* Uniform in [0, n). */
uint32_t rnd_below(uint32_t n);

/**
 * rnd_backoff(first, max, n, r):
 * How long to wait after ${n} failures in a row (from 1): between the half and
 * the whole of ${first}, which doubles with each up to ${max}.  ${r} is random.
 */
int64_t	 rnd_backoff(int64_t first, int64_t max, int64_t n, uint32_t r);

/* ${n} random bytes as URL-safe base64 without padding; the caller frees. */
char	*rnd_token(size_t n);

#endif
