#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>

#include "deploy.h"
#include "supervise.h"

/* What the end of an activation means. */
struct verdict {
	enum deploy_outcome outcome;
	int exit_code;		/* -1: none */
	bool needs_reboot;
	bool units_failed;	/* that is all that went wrong */
	char text[DEPLOY_SENTENCE];
};

/**
 * verdict_of(kind, end, v):
 * Decode how the activation of a ${kind} of host ended: for nixos the exit
 * codes of switch-to-configuration (nixpkgs, switch-to-configuration-ng).
 */
void	 verdict_of(enum deploy_kind, const struct supervise_end *,
	    struct verdict *);

#endif
