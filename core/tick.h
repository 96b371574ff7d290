#ifndef TICK_H
#define TICK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds on the clock that never jumps (CLOCK_BOOTTIME on Linux). */
int64_t	 tick_mono(void);

/* Milliseconds since 1970, UTC. */
int64_t	 tick_wall(void);

#define TICK_TEXT 32
/* "2026-01-19T13:43:00.123Z" of ms since 1970; returns its argument. */
char	*tick_text(int64_t ms, char out[TICK_TEXT]);

/* As tick_text but whole seconds: "2026-01-19T13:43:00Z" (dialect 3). */
char	*tick_text_s(int64_t ms, char out[TICK_TEXT]);

/**
 * tick_parse(s, out):
 * ms since 1970 of an RFC 3339 time.  0, or -1 with *${out} untouched.
 */
int	 tick_parse(const char *s, int64_t *out);

#endif
