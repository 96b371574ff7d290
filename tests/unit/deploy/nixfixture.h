#ifndef NIXFIXTURE_H
#define NIXFIXTURE_H

#include "deploy.h"

/*
 * A private nix store (no daemon, no network), a git repository with a flake,
 * a state directory, and what the callbacks were told.
 */
struct nixfixture {
	char dir[64];
	struct deploy_conf conf;	/* custom, attribute hosts."{host}" */
	struct buf lines;		/* "o TEXT\n", "e TEXT\n", "n TEXT\n" */
	size_t nlines, longest;
	size_t nprogress;
	char phase[32];			/* of the last progress */
	char *repo, *state, *profile;
	int ops;			/* made by nixfixture_op */
	char op[32];
};

/* 0, or -1 if there is no nix or git here. */
int	 nixfixture_open(struct nixfixture *);
void	 nixfixture_close(struct nixfixture *);

/* A test whose state is one. */
int	 nixfixture_setup(void **state);
int	 nixfixture_teardown(void **state);
#define NIXFIXTURE_TEST(t) \
	cmocka_unit_test_setup_teardown(t, nixfixture_setup, \
	    nixfixture_teardown)

/**
 * nixfixture_commit(x, activate):
 * Commit a flake whose hosts h1 and h2 are activated by the shell script
 * ${activate} (h2's closure differs from h1's).  In it $here is x->dir.
 * Returns the revision.
 */
const char *nixfixture_commit(struct nixfixture *, const char *activate);

/* As it is, as flake.nix. */
const char *nixfixture_commit_flake(struct nixfixture *, const char *flake);

/* A new operation's id, valid until the next call. */
const char *nixfixture_op(struct nixfixture *);

/* Build ${rev} and activate it; aborts when that cannot be started. */
void	 nixfixture_switch(struct nixfixture *, const char *rev,
	    struct deploy_result *);

/* Run a shell command in x->dir; its output, to be freed; aborts on failure. */
char	*nixfixture_sh(struct nixfixture *, const char *command);

/* Wait until the process whose number is in ${file} has ended. */
void	 nixfixture_gone(struct nixfixture *, const char *file);

/* Does x->dir/${name} exist? */
bool	 nixfixture_has(const struct nixfixture *, const char *name);

#endif
