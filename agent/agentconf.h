#ifndef AGENTCONF_H
#define AGENTCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy.h"
#include "err.h"
#include "probe.h"
#include "proc.h"
#include "repo.h"
#include "settings.h"
#include "url.h"

/* The agent's settings with every default filled in. */
struct agentconf {
	struct settings *set;
	struct url url;			/* of the hub; path ends in /ws */
	char *url_text;			/* as configured; NULL: no hub */
	char *state_dir;
	char *repo_dir;			/* the clone, or the legacy checkout */
	char *build_dir;		/* what nix builds if it is not the
					   clone: with submodules; or NULL */
	char *flake_dir;		/* in it: where the flake is */
	char *legacy_dir;		/* NULL: a clone of our own */
	char *hostname;
	char *user;			/* whom we run as */
	char *control_socket;
	char *token_cache;
	const char *version;		/* what we report to the hub */
	struct probe_list probes;	/* that a switch must pass to stay */
	enum deploy_kind kind;
	int64_t interval;		/* seconds between heartbeats */
};

/* Who loads it: a worker needs neither hub nor token. */
enum agentconf_use { AGENTCONF_DAEMON, AGENTCONF_WORKER };

/**
 * agentconf_load(use, env, out, e):
 * Read and complete the settings.  On failure ${e} lists what is wrong, a
 * line each.  *${set} of a configuration that cannot be used is kept if
 * ${partial} is given, so that --check can explain it; the caller frees it.
 */
int	 agentconf_load(enum agentconf_use, const char *const *env,
	    struct agentconf **, struct settings **partial, struct err *)
	    __attribute__((warn_unused_result));
void	 agentconf_free(struct agentconf **);

/* Fill what repo/ and deploy/ need; borrowed from ${conf}. */
void	 agentconf_repo(const struct agentconf *, struct repo_conf *);
void	 agentconf_deploy(const struct agentconf *, struct deploy_conf *);

/**
 * agentconf_child_env(env, out):
 * The environment that a worker gets: our own without secrets and without
 * what the service manager meant for us alone.
 */
void	 agentconf_child_env(const char *const *env, struct proc_env *);

#endif
