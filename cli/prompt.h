#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>

#include "err.h"

/* Is there somebody to ask? */
bool	 prompt_possible(void);

/**
 * prompt_ask(question, secret, e):
 * Ask on the terminal, without echo if ${secret}.  The answer without its
 * newline, for str_wipefree; NULL if there is none.
 */
char	*prompt_ask(const char *, bool secret, struct err *);

/**
 * prompt_password(file, e):
 * The first line of ${file} ("-": standard input); without ${file}, of the
 * terminal, or of standard input where that is none.
 */
char	*prompt_password(const char *file, struct err *);

#endif
