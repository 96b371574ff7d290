#ifndef MIGRATE_PLAN_H
#define MIGRATE_PLAN_H

#include "migrate_setup.h"

/* What becomes of a set-up. */
struct migrate_plan {
	const struct migrate_setup *setup;
	char *value[SET_COUNT]; /* the new configuration; NULL: not in it */
	json_t *changes;	/* [{"what", "text"}]; none: it is migrated */
	json_t *steps;		/* [{"text", "commands"}], in their order */
};

/* Think about it; looks at a checkout's git configuration, changes nothing. */
void migrate_plan_make(const struct migrate_setup *, struct migrate_plan *);
void migrate_plan_done(struct migrate_plan *);

#endif
