#ifndef SHELL_H
#define SHELL_H

#include "proc.h"

/* A shell script as the child of a test of proc_run. */

/* What the child sees. */
extern const char *const shell_env[];

/* What a child printed, a line each: "o:" or "e:", the text, "|". */
struct shell_lines {
	struct buf text;
	size_t lines, longest, bytes;
};

struct shell {
	struct proc_spec spec;
	struct proc_result res;
	struct shell_lines seen;
	struct err e;
	const char *argv[4];
};

/* All but what the test is about; change s->spec as needed. */
void	 shell_init(struct shell *, const char *script);
/* Fails the test if the script could not be started. */
void	 shell_run(struct shell *);
/* The lines so far; ${s} keeps them. */
const char *shell_seen(struct shell *);
void	 shell_free(struct shell *);

#endif
