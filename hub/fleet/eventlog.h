#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

struct eventlog;
struct hub;

/*
 * What happened, for people: the newest 100 in memory, all in the store.
 * Loop thread only.  A row is a struct store_event.
 * category: ops, host, identity, auth (the audit trail), repo, system
 * level: info, success, warning, error
 */
int	 eventlog_new(struct hub *, struct eventlog **, struct err *)
	    __attribute__((warn_unused_result));
void	 eventlog_free(struct eventlog **);

/* What one source may have told within an hour; all zeroes at first. */
struct eventlog_quota {
	int64_t since;			/* tick_mono() */
	uint16_t told;
};
#define EVENTLOG_QUOTA 200

struct eventlog_entry {
	const char *category, *level;
	const char *actor;		/* NULL: "system" */
	const char *host_id, *action;	/* or NULL */
	json_t *details;		/* taken over; or NULL */
	struct eventlog_quota *quota;	/* or NULL: a person's doing */
};

/* Record one: logged, stored, told to browsers.  Beyond its quota it is not,
   and the last one within it says so. */
void	 eventlog_add(struct eventlog *, const struct eventlog_entry *,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The newest, newest first; up to 100; for `init`. */
void	 eventlog_recent(const struct eventlog *,
	    void (*)(void *, const struct store_event *), void *);

struct eventlog_filter {
	const char *host_id;		/* or NULL */
	int64_t before;			/* id, 0: none */
	size_t limit;
};
/* From the store; rows are struct store_event, newest first. */
void	 eventlog_list(struct eventlog *, const struct eventlog_filter *,
	    store_found *, void *cookie);

#endif
