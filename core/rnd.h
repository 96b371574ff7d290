#ifndef RND_H
#define RND_H

#include <stddef.h>
#include <stdint.h>

/* Fill ${p} from the kernel's generator. */
void	 rnd_bytes(void *p, size_t n);

/* Uniform in [0, n). */
uint32_t rnd_below(uint32_t n);

/* ${n} random bytes as URL-safe base64 without padding; the caller frees. */
char	*rnd_token(size_t n);

#endif
