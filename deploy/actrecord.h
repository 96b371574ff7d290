#ifndef ACTRECORD_H
#define ACTRECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * The record of one activation, DIR/record.json, written by nixfleet-activate
 * before anything changes and at every step, read by whoever follows.  Beside
 * it: log (output of the activation), lock (held while nixfleet-activate
 * lives).
 */

/* How far it is; order matters. */
enum actrecord_phase {
	ACTRECORD_PREPARED,	/* nothing has changed */
	ACTRECORD_PROFILE,	/* the profile is being set */
	ACTRECORD_ACTIVATING,	/* the activation runs */
	ACTRECORD_CONFIRMING,	/* it ended well; somebody has to say so */
	ACTRECORD_COMMITTING,	/* somebody did: test-then-commit becomes the
				   switch that it was a test for */
	ACTRECORD_REVERTING,	/* what was there before is activated */
	ACTRECORD_DONE,		/* outcome says how it ended */
};

struct actrecord {
	char *op_id;
	char *kind, *mode;	/* words of deploy.h */
	char *profile;
	char *previous;		/* store path before; NULL: none */
	char *running;		/* what ran before; NULL: not known */
	char *specialisation;	/* of it, by name; NULL: none ran */
	char *path;		/* store path meant */
	char *program;		/* custom: that activates, inside the closure;
				   NULL: bin/activate */
	char *phase, *outcome;	/* outcome NULL until done */
	char *text;		/* one sentence for people */
	char *failed;		/* units that had failed before, a line each;
				   NULL: not known */
	char *reason;		/* why it is or was reverted; NULL: it is not */
	char *boot_id;		/* of the boot that deadline belongs to */
	int64_t generation;	/* of the profile before */
	int64_t wanted;		/* generation to switch to; 0: none */
	int64_t keep;		/* generations to keep; 0: all */
	bool rollback;		/* asked for as a rollback */
	int64_t pid;		/* nixfleet-activate */
	int64_t child;		/* session of the activation; 0: none yet */
	int64_t exit_code;	/* -1: none */
	bool needs_reboot;
	int64_t started_at, finished_at;	/* ms since 1970 */
	int64_t timeout;	/* ms that the activation may take */
	int64_t deadline;	/* of it, on tick_mono's clock */
	int64_t confirm;	/* ms that a confirmation may take; 0: none is
				   asked for */
	int64_t confirm_by;	/* its deadline, on tick_mono's clock; 0: not
				   waited for yet */
};

/* Read DIR/record.json. */
int	 actrecord_read(const char *dir, struct actrecord *, struct err *)
	    __attribute__((warn_unused_result));
/* Write it, atomically and to the disk. */
int	 actrecord_write(const char *dir, const struct actrecord *,
	    struct err *) __attribute__((warn_unused_result));
void	 actrecord_free(struct actrecord *);

const char *actrecord_phase_name(enum actrecord_phase);
/* The phase of a record that was read. */
enum actrecord_phase actrecord_phase(const struct actrecord *);
/* Is its phase ACTRECORD_DONE? */
bool	 actrecord_done(const struct actrecord *);

/**
 * actrecord_newest(base, profile, rec):
 * The newest activation with a record in a directory of ${base} that got as
 * far as changing ${profile}.  False if there is none.
 */
bool	 actrecord_newest(const char *base, const char *profile,
	    struct actrecord *);

/**
 * actrecord_prune(base, keep):
 * Remove the oldest finished activations beyond ${keep}.
 */
void	 actrecord_prune(const char *state_dir, size_t keep);

#endif
