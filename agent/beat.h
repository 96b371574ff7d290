#ifndef BEAT_H
#define BEAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agentconf.h"
#include "agentstate.h"
#include "err.h"
#include "jobs.h"

/* What the agent says of itself: register, heartbeat, status. */
struct beat;

/* Both must outlive it. */
int	 beat_new(const struct agentconf *, const struct agentstate *,
	    struct beat **, struct err *) __attribute__((warn_unused_result));
void	 beat_free(struct beat **);

/* HEAD of the clone; false, and "", if there is no clone. */
bool	 beat_head(const struct beat *, char rev[REPO_REV]);

/* Is there a clone, of what the settings name? */
bool	 beat_cloned(const struct beat *);

/* How the branch is followed, as facts; NULL: it is not.  Takes a reference. */
void	 beat_follow(struct beat *, json_t *);

/* Something may have changed: look again before the next heartbeat. */
void	 beat_touch(struct beat *);

/* The register message; ${resume} may be NULL.  The caller frees. */
char	*beat_register(struct beat *, json_t *resume);

/**
 * beat_heartbeat(b, dialect, job, whole):
 * The heartbeat message; ${job} is what runs, NULL for nothing.  In dialect 4
 * facts come along if ${whole} or if something changed since they were last
 * sent.  The caller frees.
 */
char	*beat_heartbeat(struct beat *, int dialect, const struct jobs_info *,
	    bool whole);

/* state->repo, which is set, under the URL and branch that are configured,
   without what is null. */
json_t	*beat_repo(const struct beat *);

/**
 * beat_standing(b, job):
 * {"summary", "states"} of standing.h, as of the last look; a new reference.
 */
json_t	*beat_standing(struct beat *, const struct jobs_info *);

/* {lock, system, tests, git} as a heartbeat has it; a new reference. */
json_t	*beat_compartments(struct beat *, int dialect,
	    const struct jobs_info *);

#endif
