#ifndef MIRROR_H
#define MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct hub;
struct mirror;
struct repo_conf;
struct settings;

/*
 * The desired revision: from the hub's own clone of the configuration
 * repository (NIXFLEET_REPO_URL), else from version.json
 * (NIXFLEET_VERSION_URL).  Work is done in the uv thread pool, one job at a
 * time; what is here is the last result.  Loop thread only.
 */
struct mirror_commit {
	char *id, *author, *subject;
	int64_t date;			/* ms since 1970 */
};

/* Strings are NULL when not known. */
struct mirror_state {
	bool configured;		/* either of the two */
	char *url, *branch, *head, *subject, *author, *lock_hash, *error;
	int64_t committed_at, checked_at; /* ms since 1970, 0 */
	struct mirror_commit *commits;	/* newest first */
	size_t ncommits;
};

/* The repository as the settings have it; borrowed from the arguments. */
void	 mirror_conf(const struct settings *, const char *state,
	    const char *dir, struct repo_conf *);

int	 mirror_new(struct hub *, struct mirror **, struct err *)
	    __attribute__((warn_unused_result));

/* Stop a job that runs and wait for it (at most seconds); free. */
void	 mirror_free(struct mirror **);

const struct mirror_state *mirror_state(const struct mirror *);

/* Look now (coalesced with one that runs). */
void	 mirror_poke(struct mirror *);

/**
 * mirror_behind(m, revision):
 * Commits from ${revision} to the head; -1 if not known (yet): it is then
 * counted with the next job and the fleet is judged again.
 */
int64_t	 mirror_behind(struct mirror *, const char *revision);

#endif
