#ifndef FOLLOWER_H
#define FOLLOWER_H

#include <jansson.h>
#include <stdint.h>

#include "err.h"

/*
 * Follows the branch without being asked: looks at it at intervals, has an
 * ordinary operation of origin "follow" started when it moved, and asks for a
 * restart of the machine that this needs.  Part of the daemon; loop thread.
 */
struct daemon;
struct follower;

int	 follower_new(struct daemon *, const char *const *env,
	    struct follower **, struct err *)
	    __attribute__((warn_unused_result));
void	 follower_start(struct follower *);
void	 follower_free(struct follower **);

/* The result of ${op_id}, anybody's, is on disk. */
void	 follower_ended(struct follower *, const char *op_id);

/**
 * follower_pause(f, seconds, reason, by, e):
 * Start nothing for ${seconds} (0: until follower_resume), also over
 * restarts.
 */
int	 follower_pause(struct follower *, int64_t seconds, const char *reason,
	    const char *by, struct err *) __attribute__((warn_unused_result));
int	 follower_resume(struct follower *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * follower_status(f):
 * {mode, window, paused, last_poll, next_poll, failure, failure_text,
 * held_back}, a new reference.
 */
json_t	*follower_status(const struct follower *);

/* The part of ${max} ms that ${host} waits so that not all come at once. */
int64_t	 follower_share(const char *host, int64_t max);

/* Wait after ${failures} (from 1) failed looks in a row, ms; ${r} < 2^32. */
int64_t	 follower_backoff(int64_t interval, unsigned failures, uint32_t r);

#endif
