#include <sys/types.h>
#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>

#include "rnd.h"
#include "str.h"

/* The most that one call of getentropy gives. */
#define CHUNK 256

void
rnd_bytes(void *p, size_t n)
{
	unsigned char *at = p;
	size_t part;

	while (n > 0) {
		part = n < CHUNK ? n : CHUNK;
		if (getentropy(at, part) == -1) {
			fputs("no random numbers from the kernel\n", stderr);
			abort();
		}
		at += part;
		n -= part;
	}
}

uint32_t
rnd_below(uint32_t n)
{
	uint32_t v, skip;

	if (n < 2)
		return (0);
	/* 2^32 mod n: what would make the low numbers likelier. */
	skip = (0 - n) % n;
	do
		rnd_bytes(&v, sizeof(v));
	while (v < skip);
	return (v % n);
}

int64_t
rnd_backoff(int64_t first, int64_t max, int64_t n, uint32_t r)
{
	int64_t span = first;

	while (n-- > 1 && span < max)
		span *= 2;
	if (span > max)
		span = max;
	return (span / 2 + (int64_t)((uint64_t)r * (uint64_t)(span / 2) >>
	    32));
}

char *
rnd_token(size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char *raw = str_alloc(n);
	size_t len = (n * 8 + 5) / 6;
	char *out = str_alloc(len + 1);

	rnd_bytes(raw, n);
	for (size_t i = 0; i < len; i++) {
		size_t bit = i * 6, at = bit / 8;
		unsigned v = (unsigned)raw[at] << 8;

		if (at + 1 < n)
			v |= raw[at + 1];
		out[i] = digits[(v >> (10 - bit % 8)) & 63];
	}
	str_wipe(raw, n);
	free(raw);
	return (out);
}
