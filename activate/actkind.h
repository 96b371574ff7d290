#ifndef ACTKIND_H
#define ACTKIND_H

#include <stdbool.h>

#include "deploy.h"

/* How each kind of host is activated; by enum deploy_kind. */
extern const struct actkind {
	const char *program;		/* inside the closure */
	const char *args[2];
	const char *system;		/* a system's name begins with it; NULL:
					   this kind has no system closures */
	bool mode_arg;			/* the mode's word is its argument */
	bool modes[DEPLOY_MODES];	/* that it knows */
	bool needs_root;
} actkinds[];

#endif
