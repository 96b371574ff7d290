#ifndef FOLLOWSTATE_H
#define FOLLOWSTATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "journal.h"

/* As many revisions are remembered as held back. */
#define FOLLOWSTATE_HELD 16

/*
 * A revision that is held back: following does not try it (again), until the
 * branch moves, a person says so, or retry_at.
 */
struct followstate_held {
	char *revision;
	char *kind;	/* "activation", "rolled_back", "rollback",
			   "interrupted", "build", "refused", "temporary" */
	char *text;	/* why, for people */
	char *op_id;	/* of the operation that failed */
	int64_t since;	/* ms since 1970 */
	int64_t tries;
	int64_t retry_at;	/* ms since 1970; 0: not by itself */
};

/* STATE_DIR/follow.json: what following must not forget. */
struct followstate {
	char *done;		/* revision activated last, by whomever */
	char *done_mode;	/* "switch", "boot" */
	char *rebooted;		/* closure that a restart was asked for */
	struct followstate_held held[FOLLOWSTATE_HELD];	/* oldest first */
	size_t nheld;
};

/* On failure ${fs} holds nothing to free. */
int	 followstate_parse(const char *, size_t, struct followstate *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * followstate_load(dir, fs, damaged, e):
 * Read ${dir}/follow.json.  Without one, or with one that is damaged, which
 * ${damaged} tells, nothing is known.
 */
int	 followstate_load(const char *dir, struct followstate *,
	    struct err *damaged, struct err *)
	    __attribute__((warn_unused_result));
int	 followstate_save(const char *dir, const struct followstate *,
	    struct err *) __attribute__((warn_unused_result));
void	 followstate_free(struct followstate *);

/* What else is known when an operation is over. */
struct followstate_at {
	const char *tip;	/* what following wanted; NULL: nothing */
	const char *head;	/* of the clone; "" none */
	int64_t now;		/* ms since 1970 */
	uint32_t random;
};

/**
 * followstate_note(fs, res, at):
 * Take over what the result of an operation, anybody's, says about a
 * revision.  True if ${fs} changed.
 */
bool	 followstate_note(struct followstate *, const struct journal_result *,
	    const struct followstate_at *);

/* A person vouches for ${rev}.  True if it was held back. */
bool	 followstate_release(struct followstate *, const char *rev);

/* Why ${rev} is not to be tried at ${now}; NULL: it may be. */
const struct followstate_held *followstate_find(const struct followstate *,
	    const char *rev, int64_t now);

/* Is ${rev} what this host was brought to, in mode ${mode}? */
bool	 followstate_done(const struct followstate *, const char *rev,
	    const char *mode);

/* What is held back, for people and programs; newest first. */
json_t	*followstate_json(const struct followstate *);

#endif
