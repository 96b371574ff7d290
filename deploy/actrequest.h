#ifndef ACTREQUEST_H
#define ACTREQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What may be asked of the activation service: one JSON object a line, one
 * line a connection, answered by {"ok":true,"record":…} or
 * {"ok":false,"code","text"}.
 */

#define ACTREQUEST_MAX 8192	/* bytes of a line, newline included */

enum actverb { ACTVERB_PREPARE, ACTVERB_ACTIVATE, ACTVERB_CONFIRM,
	ACTVERB_REVERT, ACTVERB_STATUS, ACTVERB_REBOOT };

struct actrequest {
	char *verb;		/* words of enum actverb, in lower case */
	char *op;		/* ULID; reboot has none, status need not */
	char *kind, *mode;	/* prepare, status: words of deploy.h */
	char *profile;		/* prepare, status: what the peer takes for the
				   service's own; NULL: whatever it is */
	char *program;		/* the same of custom's program */
	char *path;		/* prepare: store path */
	char *reason;		/* revert: for people; or NULL */
	int64_t generation;	/* prepare: switch to this one if it still
				   holds path; 0: none */
	int64_t timeout;	/* prepare: ms for the activation */
	int64_t confirm;	/* prepare: ms for the confirmation; 0: none */
	int64_t keep;		/* prepare: generations to keep; 0: all */
	bool rollback;		/* prepare: record it as a rollback */
};

/**
 * actrequest_parse(line, len, req, e):
 * One request without its newline, from an untrusted peer: a known verb with
 * what it needs, words that are known, numbers in their range.  Whether the
 * path may be activated is not looked at.
 */
int	 actrequest_parse(const char *, size_t, struct actrequest *,
	    struct err *) __attribute__((warn_unused_result));
void	 actrequest_free(struct actrequest *);

/* Its line with a newline; the caller frees. */
char	*actrequest_text(const struct actrequest *);

/* The verb of a request that was parsed. */
enum actverb actrequest_verb(const struct actrequest *);
const char *actrequest_verb_name(enum actverb);

#endif
