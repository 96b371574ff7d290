#ifndef EVENT_H
#define EVENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

struct events;
struct hub;

/*
 * What happened, for people: the newest 100 in memory, all in the store.
 * Loop thread only.  A row is a struct store_event.
 * category: ops, host, identity, auth (the audit trail), repo, system
 * level: info, success, warning, error
 */
int	 events_new(struct hub *, struct events **, struct err *)
	    __attribute__((warn_unused_result));
void	 events_free(struct events **);

struct event_new {
	const char *category, *level;
	const char *actor;		/* NULL: "system" */
	const char *host_id, *action;	/* or NULL */
	json_t *details;		/* taken over; or NULL */
};

/* Record one: logged, stored, told to browsers. */
void	 event_add(struct events *, const struct event_new *,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The newest, newest first; up to 100; for `init`. */
void	 event_recent(const struct events *,
	    void (*)(void *, const struct store_event *), void *);

struct event_filter {
	const char *host_id;		/* or NULL */
	int64_t before;			/* id, 0: none */
	size_t limit;
};
/* From the store; rows are struct store_event, newest first. */
void	 event_list(struct events *, const struct event_filter *, store_found *,
	    void *cookie);

#endif
