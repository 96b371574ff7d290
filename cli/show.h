#ifndef SHOW_H
#define SHOW_H

#include <jansson.h>
#include <stdint.h>

/* What hosts and the hub say, for people. */

/* Member ${key} as a string; NULL if it is none. */
const char *show_str(const json_t *, const char *key);

/* "2026-01-19 13:43:00" in local time of an RFC 3339 time; NULL stays NULL.
   Valid until the next call but three. */
const char *show_time(const char *);

/* How long ago that was, "5m"; NULL stays NULL.  As show_time. */
const char *show_age(const char *);

/* The first seven characters of a revision; NULL stays NULL.  As show_time. */
const char *show_rev(const char *);

/* The whole of "status" of the control socket, and its repository alone. */
void	 show_status(const json_t *);
void	 show_repo(const json_t *);
/* The profile's generations, newest last. */
void	 show_generations(const json_t *);
/* Status in one line, unless that is what it said last time. */
void	 show_brief(const json_t *);

/* A line of an operation's log: an object with stream and text. */
void	 show_output(const char *prefix, const json_t *);
void	 show_progress(const json_t *);
/* "#####....." for ${done} of ${expected} (> 0); returns its argument. */
#define SHOW_BAR 21
const char *show_bar(int64_t done, int64_t expected, char bar[SHOW_BAR]);

/* The sentence about a Result or Operation that is over. */
void	 show_result(const char *prefix, const json_t *);

/* The exit code of a Result or Operation: only "ok" is VERB_OK. */
int	 show_exit(const json_t *);

#endif
