#ifndef VERB_H
#define VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

/* How the command ends; documented in nixfleet(1). */
enum { VERB_OK, VERB_FAILED, VERB_USAGE, VERB_UNREACHABLE };

/* Options; each verb says which it takes. */
enum {
	OPTION_JSON = 1 << 0,
	OPTION_ALL = 1 << 1,
	OPTION_FOLLOW = 1 << 2,
	OPTION_NO_FOLLOW = 1 << 3,
	OPTION_FORCE = 1 << 4,
	OPTION_DRY = 1 << 5,
	OPTION_INPUTS = 1 << 6,
	OPTION_TOTP = 1 << 7,
	OPTION_PASSWORD_FILE = 1 << 8,
	OPTION_LIMIT = 1 << 9,
	OPTION_GENERATION = 1 << 10,
	OPTION_REASON = 1 << 11,
};

/* One call of the command. */
struct verb_call {
	const struct verb *verb;
	unsigned options;	/* OPTION_*, those that were given */
	const char *inputs, *totp, *password_file, *reason;
	int64_t limit;		/* 0: not given */
	int64_t generation;	/* 0: not given */
	const char *const *args;
	size_t nargs;
	const struct settings *settings;
};

enum verb_group { VERB_LOCAL, VERB_FLEET, VERB_OTHER };

/*
 * Everything the command can do: dispatch, --help, completion and the checks
 * of the manual page read this table.
 */
struct verb {
	const char *name;	/* one or two words */
	enum verb_group group;
	const char *args;	/* as --help shows them */
	size_t min, max;	/* how many of them */
	unsigned options;
	const char *op;		/* the operation it asks for, or NULL */
	const char *help;	/* one line, no full stop; NULL if op is not */
	int (*run)(const struct verb_call *);	/* an exit code */
};
extern const struct verb verb_table[];
extern const size_t verb_count;

/* What it does, in one line. */
const char *verb_help(const struct verb *);

/* The verb that ${args} begins with, and how many words it took; or NULL. */
const struct verb *verb_find(const char *const *args, size_t n, size_t *words);

/* What ${args} may have meant, or NULL. */
const char *verb_nearest(const char *const *args, size_t n);

#endif
