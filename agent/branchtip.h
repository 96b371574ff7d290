#ifndef BRANCHTIP_H
#define BRANCHTIP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"
#include "repo.h"

/*
 * Where is the tracked branch?  Asked by a child process, so that the
 * daemon's loop never waits for git: one round trip, nothing written.
 */
struct branchtip;

/* What the child found out. */
struct branchtip_answer {
	char *rev;		/* NULL: it could not be asked */
	char *fail;		/* repo_fail_name() then */
	char *text;		/* and why, for people */
};

struct branchtip_conf {
	uv_loop_t *loop;
	const char *const *env;	/* of the child */
	/* The answer, borrowed.  Never inside branchtip_ask. */
	void (*on_answer)(void *, const struct branchtip_answer *);
	void *cookie;
};

int	 branchtip_new(const struct branchtip_conf *, struct branchtip **,
	    struct err *) __attribute__((warn_unused_result));

/* Ask, unless an answer is due already.  It is given in any case. */
void	 branchtip_ask(struct branchtip *);

/* Is an answer due? */
bool	 branchtip_asking(const struct branchtip *);

/* Kills the child; no answer is given any more. */
void	 branchtip_free(struct branchtip **);

/**
 * branchtip_parse(text, len, a, e):
 * Read what a child printed.
 */
int	 branchtip_parse(const char *, size_t, struct branchtip_answer *,
	    struct err *) __attribute__((warn_unused_result));
void	 branchtip_answer_free(struct branchtip_answer *);

/* The child: print the answer.  Returns the exit status. */
int	 branchtip_main(void);

#endif
