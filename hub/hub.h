#ifndef HUB_H
#define HUB_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"
#include "settings.h"

struct auth;
struct blocked;
struct deadlines;
struct eventlog;
struct feed;
struct fleet;
struct intern;
struct mirror;
struct operations;
struct store;

/*
 * The hub without its faces: everything an HTTP or WebSocket handler needs
 * hangs here.  All on the loop's thread.
 */
struct hub {
	uv_loop_t *loop;
	const struct settings *settings;
	char *data_dir;
	struct intern *intern;
	struct deadlines *deadlines;
	struct store *store;
	struct feed *feed;
	struct eventlog *events;
	struct fleet *fleet;
	struct blocked *blocked;
	struct operations *operations;
	struct auth *auth;
	struct mirror *mirror;
	char *shared_token;		/* NULL: nobody can enrol */
	char *metrics_token;		/* or NULL */
	bool allow_shared;
	int64_t heartbeat_s;		/* what agents are told */
	uv_timer_t *minute;
	unsigned minutes;
	int64_t started_at;		/* ms since 1970 */
	bool stopping;
};

/**
 * hub_new(loop, settings, out, printed, e):
 * Make the data directory, open the store, load everything, start the store
 * thread, the mirror and the timers.  *${printed}: see auth_new.
 */
int	 hub_new(uv_loop_t *, const struct settings *, struct hub **,
	    char **printed, struct err *) __attribute__((warn_unused_result));

/**
 * hub_free(hub):
 * Call agent_link_gone for every link before.  Flushes and closes the
 * store (blocks), then frees all.  Handles are closed on the loop: run it
 * once more afterwards (uv_run until it returns 0).
 */
void	 hub_free(struct hub **);

/* 0, or -1 and why /health must say "failing". */
int	 hub_health(const struct hub *, struct err *);

#endif
