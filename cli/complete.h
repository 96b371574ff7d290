#ifndef COMPLETE_H
#define COMPLETE_H

#include "verb.h"

/* The verb "completion": a script for bash, zsh or fish, from the tables. */
int	 complete_print(const struct verb_call *);

#endif
