#ifndef MIRROR_JOB_H
#define MIRROR_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mirror.h"

struct repo;

/* One look at the repository, in the thread pool; no loop, no hub. */

struct mirror_count {
	char *revision;			/* as the host says it */
	char *full;			/* the commit that it means */
	int64_t behind;			/* -1: not known there */
};

struct mirror_job {
	/* what to do */
	struct repo *repo;		/* or NULL: version.json */
	const char *version_url;
	char *old_head;			/* what is known already, or NULL */
	bool look;			/* fetch; else only count */
	struct mirror_count *counts;
	size_t ncounts;
	/* what came out; state.head NULL: as before, or not known */
	struct mirror_state state;
};

void	 mirror_job_run(struct mirror_job *);
void	 mirror_job_free(struct mirror_job **);

/* Let go of the strings and commits; zeroes. */
void	 mirror_job_clear(struct mirror_state *);

#endif
