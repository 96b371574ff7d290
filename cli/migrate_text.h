#ifndef MIGRATE_TEXT_H
#define MIGRATE_TEXT_H

#include "migrate_plan.h"

/* The new configuration: Nix for a module, else lines of the agent's settings
   file.  The caller frees. */
char *migrate_text(const struct migrate_plan *);

#endif
