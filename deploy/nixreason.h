#ifndef NIXREASON_H
#define NIXREASON_H

#include <stddef.h>

#define NIXREASON_LINES 10
#define NIXREASON_ERRORS 16

/* Why nix failed, gathered from its errors.  All zeroes is empty. */
struct nixreason {
	char *lines[NIXREASON_LINES];	/* a builder's last, as a ring */
	size_t nlines;			/* lines ever */
	char *errors[NIXREASON_ERRORS];	/* the first */
	size_t nerrors;
};

/* Both take the text, which is without colours. */
void	 nixreason_add_line(struct nixreason *, char *line);
void	 nixreason_add_error(struct nixreason *, char *error);

/**
 * nixreason_text(r):
 * The first error that is no mere consequence, without "error: " and trace,
 * with a builder's last lines if it was the builder that failed; NULL if
 * there was no error.  The caller frees.
 */
char	*nixreason_text(const struct nixreason *);
void	 nixreason_done(struct nixreason *);

#endif
