#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy.h"

/* What is asked of us, as it came: nothing in it is trusted. */
struct activation {
	const char *dir;	/* of the record; must exist */
	const char *op;
	enum deploy_kind kind;
	enum deploy_mode mode;
	const char *profile;
	const char *path;	/* store path */
	const char *program;	/* custom: inside the closure; or NULL */
	const char *backup_extension;	/* home; or NULL */
	int64_t generation;	/* rollback: switch to this one if it still
				   holds ${path}; 0: none */
	int64_t keep;		/* generations, when it ended well; 0: all */
	bool rollback;
	int64_t timeout;	/* ms */
	int64_t confirm;	/* ms in which it has to be confirmed, or is
				   reverted; 0: need not be */
	const char *const *command;	/* rebuild: instead of the closure's
					   program; NULL: none */
};

/**
 * activation_check_place(a, e):
 * Have profile and program the right shape?
 */
int	 activation_check_place(const struct activation *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * activation_check(a, e):
 * May this be done: names and paths have the right shape, the closure exists
 * and holds the program that its kind activates with, the kind knows the mode,
 * and we may do it?  0, or -1 and nothing was changed.
 */
int	 activation_check(const struct activation *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * activation_check_system(a, e):
 * activation_check, and the closure is registered in the store and, if its
 * kind has systems, one of them: for those whom we do not trust.
 */
int	 activation_check_system(const struct activation *, struct err *)
	    __attribute__((warn_unused_result));

/* The program that activates, inside the closure. */
const char *activation_program(const struct activation *);

/**
 * activation_turn(dir, wait, e):
 * One activation at a time runs among the directories beside ${dir}: a
 * descriptor to be closed when it is over, or -1 after ${wait} ms.
 */
int	 activation_turn(const char *dir, int64_t wait, struct err *)
	    __attribute__((warn_unused_result));

/**
 * activation_run(a, outcome, e):
 * Do it, recording every step in a->dir.  0 when how it ended is in the
 * record (what activation_check refuses is there as refused); -1 when it is
 * not, ${e} then says why.
 */
int	 activation_run(const struct activation *, enum deploy_outcome *,
	    struct err *) __attribute__((warn_unused_result));

#endif
