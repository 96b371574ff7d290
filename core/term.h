#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stdio.h>

/* Words for people: every program's --help, --version and errors go here. */

/* Print "PROGRAM: TEXT" (several lines are indented) on stderr. */
void	 term_error(const char *program, const char *text);

/* Is ${f} a terminal that wants colour (NO_COLOR unset, TERM not dumb)? */
bool	 term_colour(FILE *f);

#endif
