#ifndef OPTION_H
#define OPTION_H

#include "err.h"
#include "verb.h"

struct option_def {
	const char *name;	/* without the dashes */
	char letter;		/* or 0 */
	unsigned bit;		/* OPTION_*, 0 for the next two */
	const char *value;	/* what its value is called, NULL: takes none */
	const char *help;	/* one line, no full stop */
};
extern const struct option_def option_table[];
extern const size_t option_count;

/* What main does before it looks for a verb. */
enum option_wish { OPTION_RUN, OPTION_HELP, OPTION_VERSION };

/**
 * option_parse(argc, argv, call, words, wish, e):
 * Sort ${argv} into ${call} and the other words, which are stored in ${words}
 * (room for ${argc}) and counted in call->nargs.  Options may stand anywhere
 * before "--".  -1 names what is wrong and the nearest option.
 */
int	 option_parse(int argc, char **argv, struct verb_call *,
	    const char **words, enum option_wish *, struct err *)
	    __attribute__((warn_unused_result));

/* The name of the first option of ${given} that ${allowed} lacks, or NULL. */
const char *option_refused(unsigned given, unsigned allowed);

#endif
