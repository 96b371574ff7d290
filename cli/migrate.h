#ifndef MIGRATE_H
#define MIGRATE_H

#include "verb.h"

/* Print what an existing set-up becomes; an exit code. */
int migrate_run(const struct verb_call *);

#endif
