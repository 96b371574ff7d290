#ifndef OPROW_H
#define OPROW_H

#include "operation.h"
#include "store.h"

struct hub;

/* An operation and its row in the store. */

/* Strings are borrowed. */
void	 oprow_fill(const struct operation *, struct store_operation *);

/* A new operation, in no list, without timers. */
struct operation *oprow_make(struct hub *, const struct store_operation *);

/* Free an operation that is in no list. */
void	 oprow_free(struct operation *);

#endif
