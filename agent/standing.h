#ifndef STANDING_H
#define STANDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "deploy.h"

/*
 * How this host stands: the tip of the branch (desired), what is fetched,
 * built, in the profile, running and booted, and one sentence about it.
 */
struct standing {
	const char *working;		/* operation at work, or NULL */
	const char *desired, *fetched;	/* revisions, NULL: not known, none */
	const char *fetch_error;	/* NULL: the last fetch went well */
	const char *system_error;	/* NULL: the last change went well */
	const struct deploy_facts *facts;
};

/* A sentence that may be said, in a table whose first match is taken. */
struct standing_rule {
	const char *name;
	const char *level;	/* "ok", "warn", "bad", "busy" */
	bool (*applies)(const struct standing *);
	const char *text;	/* with {names} of values */
	const char *action;	/* what to do, "" nothing */
};
extern const struct standing_rule standing_rules[];
extern const size_t standing_count;

/**
 * standing_summary(s):
 * {"rule","level","text","action"}: what is wrong, and the command or the
 * deed that mends it.
 */
json_t	*standing_summary(const struct standing *);

/**
 * standing_states(s):
 * [{"state","revision","path"}] of all that are known, from "desired" to
 * "booted".
 */
json_t	*standing_states(const struct standing *);

#endif
