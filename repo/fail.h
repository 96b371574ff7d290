#ifndef FAIL_H
#define FAIL_H

#include <stddef.h>

#include "repo.h"

/**
 * fail_classify(text, len):
 * What git's stderr (any bytes) says went wrong; REPO_FAIL_OTHER if it is
 * none of what we know.  REPO_FAIL_DAMAGED is a suspicion here: the words may
 * come from the other side.
 */
enum repo_fail fail_classify(const char *, size_t);

/**
 * fail_reason(text, len, out):
 * Append the line of git's stderr that says best what went wrong, as clean
 * UTF-8 of bounded length; nothing if there is none.
 */
void	 fail_reason(const char *, size_t, struct buf *);

/* What a person can do about it; "" if the text says it all. */
const char *fail_hint(enum repo_fail);

/* The error code that goes with it. */
enum err_code fail_code(enum repo_fail);

/**
 * fail_from_err(e):
 * The word for a failure that did not come from git.
 */
enum repo_fail fail_from_err(const struct err *);

/* The word, and back (REPO_NFAIL: unknown). */
const char *fail_name(enum repo_fail);
enum repo_fail fail_parse(const char *);

/* The answers of "git push --porcelain". */
enum fail_push { FAIL_PUSH_OK, FAIL_PUSH_SAME, FAIL_PUSH_RACE,
	FAIL_PUSH_DENIED, FAIL_PUSH_UNKNOWN };

/**
 * fail_push(out, len):
 * What the porcelain output of a push of one ref says: SAME when the server
 * had this very commit, RACE when somebody else was first, DENIED when the
 * server will not have it from us.
 */
enum fail_push fail_push(const char *, size_t);

#endif
