#ifndef GIT_H
#define GIT_H

#include "handle.h"

enum git_where {
	GIT_NOWHERE,		/* no repository: clone, ls-remote */
	GIT_CLONE,		/* the clone, GIT_DIR and working tree named */
	GIT_LEGACY,		/* a person's directory, their settings */
};

/* One run of git. */
struct git_cmd {
	const char *const *args; /* after "git", NULL-terminated */
	enum git_where where;
	const char *dir;	/* GIT_CLONE: NULL is the clone itself */
	const char *work;	/* GIT_CLONE: its files; NULL: in dir */
	const char *index;	/* GIT_CLONE: NULL is the clone's own */
	bool net;		/* talks to the server */
	bool seed;		/* fetches from this machine */
	bool quiet;		/* its output is data, not for people */
	size_t keep;		/* bytes of stdout wanted; more is a failure */
};

/**
 * git_run(r, cmd, res, e):
 * The only place that starts git: empty environment, our configuration,
 * deadline, own process group.  0 if it exited with 0.  Otherwise -1, ${e}
 * says why in words for people and r->fail holds the closed word.  ${res} may
 * be NULL; if given, free it with proc_result_free in both cases.
 */
int	 git_run(struct repo *, const struct git_cmd *, struct proc_result *,
	    struct err *) __attribute__((warn_unused_result));

/**
 * git_setup(r, e):
 * Write our configuration files in STATE_DIR/git where they differ.
 */
int	 git_setup(const struct repo *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * git_env_nix(r, env, e):
 * The environment for nix: a person's, without our secrets, with our git
 * configuration and ssh key.
 */
int	 git_env_nix(const struct repo *, struct proc_env *, struct err *)
	    __attribute__((warn_unused_result));

/* Say something to whoever follows the operation. */
void	 git_note(const struct repo *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Fail with a word of the closed list; returns -1. */
int	 git_fail(struct repo *, enum repo_fail, struct err *,
	    const char *, ...) __attribute__((format(printf, 4, 5)));

#endif
