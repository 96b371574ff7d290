#ifndef SHOW_FOLLOW_H
#define SHOW_FOLLOW_H

#include <jansson.h>

#include "table.h"

/* Rows of a table of two columns about "follow" of the agent's status. */
void	 show_follow_add(struct table *, const json_t *follow);

/* A table of these alone. */
void	 show_follow_print(const json_t *follow);

#endif
