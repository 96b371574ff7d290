#ifndef DOTS_H
#define DOTS_H

#include <stdbool.h>

#include "hublink.h"

/*
 * Dialect 3's operation_progress: rows of dots that its dashboard draws, of
 * fixed lengths (pull 4, lock 2, system 3, tests 8), sent at the beginning
 * and the end of an operation as its agent did.
 */
void	 dots_begin(struct hublink *, const char *op);
void	 dots_end(struct hublink *, const char *op, bool ok);

#endif
