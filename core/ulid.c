#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "rnd.h"
#include "tick.h"
#include "ulid.h"

#define RANDOM_BYTES 10

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int64_t last_ms = -1;
static unsigned char last_random[RANDOM_BYTES];

/* Count the random part up by one; false if it was all ones. */
static bool
increment(unsigned char *p)
{
	for (size_t i = RANDOM_BYTES; i-- > 0;)
		if (++p[i] != 0)
			return (true);
	return (false);
}

/* Time and random part of the next one, larger than every one before. */
static void
next(unsigned char raw[16])
{
	int64_t ms = tick_wall();

	if (ms > last_ms) {
		last_ms = ms;
		rnd_bytes(last_random, RANDOM_BYTES);
	} else if (!increment(last_random))
		last_ms++;
	for (int i = 0; i < 6; i++)
		raw[i] = (unsigned char)(last_ms >> (40 - 8 * i));
	memcpy(raw + 6, last_random, RANDOM_BYTES);
}

void
ulid_make(char out[ULID_LEN + 1])
{
	unsigned char raw[16];

	pthread_mutex_lock(&mutex);
	next(raw);
	pthread_mutex_unlock(&mutex);
	/* 26 digits hold 130 bits: the first one carries only three. */
	for (int i = 0; i < ULID_LEN; i++) {
		int bit = i * 5 - 2, at = bit < 0 ? 0 : bit / 8;
		unsigned v = (unsigned)raw[at] << 8;

		if (at + 1 < 16)
			v |= raw[at + 1];
		out[i] = digits[bit < 0 ? v >> 13 :
		    (v >> (11 - bit % 8)) & 31];
	}
	out[ULID_LEN] = '\0';
}

bool
ulid_valid(const char *s)
{
	if (s == NULL || strlen(s) != ULID_LEN || s[0] > '7')
		return (false);
	return (strspn(s, digits) == ULID_LEN);
}
