#ifndef ACTSTEP_H
#define ACTSTEP_H

#include "activation.h"
#include "actrecord.h"
#include "verdict.h"

/* An activation at work: what is to be done, and the record of it. */
struct actstep {
	const struct activation *a;
	struct actrecord rec;
	off_t trimmed;		/* of the log */
};

/* Begin the record: what is asked for and what is there before. */
void	 actstep_make(struct actstep *);
void	 actstep_free(struct actstep *);

/* Put the record on the disk with another phase. */
int	 actstep_enter(struct actstep *, enum actrecord_phase, struct err *)
	    __attribute__((warn_unused_result));

/* Put its end on the disk; ${e} says why if ${outcome} is not ok. */
int	 actstep_finish(struct actstep *, enum deploy_outcome, struct err *e)
	    __attribute__((warn_unused_result));

/* Does this activation set the profile itself? */
bool	 actstep_sets_profile(const struct activation *);

/* Let a->profile lead to a->path. */
int	 actstep_profile(const struct activation *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * actstep_program(s, a, v, e):
 * Run the program that activates a->path (which may be another activation
 * than s->a), for a->timeout at most, and decode its end.
 */
int	 actstep_program(struct actstep *, const struct activation *,
	    struct verdict *, struct err *) __attribute__((warn_unused_result));

/* Units that failed since the activation began, "a, b"; NULL: not known, and
   so for kinds without units.  The caller frees. */
char	*actstep_new_failures(const struct actstep *);

/* Both with the phases recorded; ${e} says why if it is not ok. */
enum deploy_outcome actstep_activate(struct actstep *, struct err *);

#endif
