#ifndef OPS_H
#define OPS_H

#include <stdbool.h>

#include "names.h"
#include "opctx.h"

/* What this agent can do; the words and limits are in wire_op.h. */
typedef enum outcome ops_function(struct opctx *);

/* The function of an operation; NULL: unknown, or done by the daemon. */
ops_function *ops_find(const char *name);

/* Is the compartment at work while that operation runs? */
bool	 ops_touches(const char *name, enum compartment);

/* Repository (ops_repo.c). */
ops_function ops_pull, ops_update, ops_refresh_git, ops_refresh_lock,
    ops_repo_verify, ops_repo_reset, ops_repo_accept,
    ops_repo_maintain;
/* System (ops_system.c). */
ops_function ops_switch, ops_pull_switch, ops_force_update, ops_rollback,
    ops_test, ops_refresh_system, ops_refresh_all;
/* The agent and the machine (ops_agent.c). */
ops_function ops_check_version, ops_reboot;

/**
 * ops_resume(x):
 * Go on with the activation that an earlier worker of this operation began.
 */
ops_function ops_resume;

/**
 * ops_repo_head(x, head, e):
 * What this host may build or run: the HEAD of a clone that is as the last
 * pull left it, trusted by the keys as they are now.  With submodules nix finds
 * its files in conf->build_dir.
 */
int	 ops_repo_head(struct opctx *, char head[REPO_REV], struct err *)
	    __attribute__((warn_unused_result));

/* Put what is known of the repository into the result. */
void	 ops_repo_facts(struct opctx *);

#endif
