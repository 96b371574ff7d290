#ifndef RATELIMIT_H
#define RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * At most so many things in a sliding window of time, for each key.  Memory
 * is bounded: the key that was quiet longest makes room.
 */
struct ratelimit;

/* ${max} ≥ 1 in ${window_ms}, for at most ${keys} keys at a time. */
struct ratelimit *ratelimit_new(size_t max, int64_t window_ms, size_t keys);
void	 ratelimit_free(struct ratelimit **);

/**
 * ratelimit_take(r, key, now):
 * Count one at ${now} (ms, never goes back).  False, and not counted, when
 * the window is full.
 */
bool	 ratelimit_take(struct ratelimit *, const char *key, int64_t now);

/* Forget what was counted for the key. */
void	 ratelimit_reset(struct ratelimit *, const char *key);

#endif
