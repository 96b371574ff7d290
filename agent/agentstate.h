#ifndef AGENTSTATE_H
#define AGENTSTATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "names.h"
#include "wire.h"

/* STATE_DIR/state.json: what the agent must not forget. */
struct agentstate {
	char *agent_id;		/* random, made once */
	char *hostname;
	json_t *verified;	/* {url, branch, revision, at}, or NULL */
	json_t *compartments;	/* {lock, system, tests: wire_check} */
	json_t *repo;		/* of the last look at it, see ops_repo() */
	char *last_op;		/* newest operation whose result is in here */
};

/**
 * agentstate_parse(text, len, st, e):
 * Read untrusted text.  On failure ${st} holds nothing to free.
 */
int	 agentstate_parse(const char *, size_t, struct agentstate *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * agentstate_load(dir, st, damaged, e):
 * Read ${dir}/state.json.  One that is missing or damaged is begun anew and
 * written; ${damaged} says why, or stays empty.
 */
int	 agentstate_load(const char *dir, struct agentstate *,
	    struct err *damaged, struct err *)
	    __attribute__((warn_unused_result));
int	 agentstate_save(const char *dir, const struct agentstate *,
	    struct err *) __attribute__((warn_unused_result));

/* Take over what a result says: {name: {status, message, checked_at}}. */
void	 agentstate_apply(struct agentstate *, const json_t *compartments);

/* A compartment; borrowed, "" where nothing is known. */
void	 agentstate_get(const struct agentstate *, enum compartment,
	    struct wire_check *);

void	 agentstate_free(struct agentstate *);

#endif
