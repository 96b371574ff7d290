#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct profile_generation {
	int64_t number;
	char *path;		/* store path */
	int64_t made;		/* ms since 1970 */
	bool current;
};

/**
 * profile_generations(profile, out, n, e):
 * The generations ${profile}-N-link, by number.  No profile is no generations.
 */
int	 profile_generations(const char *, struct profile_generation **,
	    size_t *n, struct err *) __attribute__((warn_unused_result));
void	 profile_generations_free(struct profile_generation **, size_t);

/* How many generations there are, also those whose closure is gone. */
int64_t	 profile_count(const char *);

/* The number of the current generation, 0 if there is none. */
int64_t	 profile_number(const char *);

/**
 * profile_before(gens, n):
 * Of generations sorted by number, the last one before the current one that
 * has another path; NULL if there is none.
 */
const struct profile_generation *profile_before(
	    const struct profile_generation *, size_t);

#endif
