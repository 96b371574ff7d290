#ifndef HISTORY_H
#define HISTORY_H

#include "handle.h"

/* See repo_log, repo_count and repo_show. */
int	 history_log(struct repo *, const char *from, const char *to, int max,
	    void (*cb)(void *, const struct repo_commit *), void *cookie,
	    struct err *) __attribute__((warn_unused_result));
int64_t	 history_count(struct repo *, const char *from, const char *to,
	    struct err *);
int	 history_show(struct repo *, const char *rev, const char *path,
	    size_t max, struct buf *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * history_parse(text, len, cb, cookie):
 * Go through the output of git log in our format: six NUL-terminated fields
 * a commit.  Stops at the first that is not well formed; returns how many
 * commits there were.
 */
size_t	 history_parse(const char *, size_t,
	    void (*cb)(void *, const struct repo_commit *), void *cookie);

#endif
