#ifndef FLEET_H
#define FLEET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "compartment.h"
#include "err.h"
#include "eventlog.h"
#include "identity.h"
#include "names.h"
#include "opbound.h"
#include "store.h"

struct hub;
struct operation;

/* All in here: loop thread only. */

/* What changed of a host since browsers were told; see present_patch. */
enum {
	FLEET_SEEN = 1,		/* last_seen */
	FLEET_LINK = 2,		/* status, liveness, since, dialect */
	FLEET_INFO = 4,		/* versions, type, place, repository */
	FLEET_METRICS = 8,
	FLEET_COMPARTMENTS = 16, /* and generation, agent_outdated */
	FLEET_OPERATION = 32,	/* pending_command, operation, queued */
	FLEET_IDENTITY = 64,
	FLEET_FACTS = 128,
	FLEET_ALL = 255
};

struct fleet_conn;

/*
 * A host.  Read by others, written by the fleet's and operations' own files.
 * Strings are interned (intern.h) and never NULL; "" is not known.
 */
struct fleet_host {
	const char *id;			/* = hostname */
	const char *host_type, *kind, *agent_version, *os_version;
	const char *nixpkgs_version, *generation, *lock_hash, *theme_color;
	const char *location, *device_type, *repo_url, *repo_dir, *comment;
	const char *tests_generation;	/* the tests' result is of this one */
	const char *agent_id;
	struct compartment_report said[COMPARTMENT_COUNT];
	char *facts;			/* JSON text or NULL */
	char *token_hash, *old_token_hash; /* hex or NULL, see identity.h */
	struct fleet_conn *conn;	/* NULL: not connected */
	struct operation *ops;		/* open ones, oldest first, ->next */
	struct operation *doubtful;	/* ended without the host's word */
	int64_t created_at, last_seen, since;	/* ms since 1970, 0: never */
	int64_t flight;			/* bytes of output not stored yet */
	struct opbound_room room;	/* for output */
	int64_t replaced_at;		/* start of the minute of ${replaced} */
	int64_t facts_at;		/* tick_mono() of their last save */
	struct eventlog_quota quota;	/* of what it does by itself */
	int32_t behind;			/* as told to browsers; -1: not known */
	float metrics[4];		/* cpu, ram, swap, load */
	uint16_t changed;		/* FLEET_*; not told to browsers yet */
	uint8_t status[COMPARTMENT_COUNT]; /* enum check, as told */
	uint8_t dialect;		/* 0: never connected */
	uint8_t liveness;		/* enum liveness */
	uint8_t token_state;		/* enum identity_state */
	uint8_t replaced;		/* links replaced within a minute */
	bool has_metrics;
	bool conflict;			/* another machine claimed the name */
	bool unsaved;			/* its row must be written */
	bool unsaved_facts;		/* and that has time */
	bool unseen;			/* last_seen must be written */
};

struct fleet;

/* Load every host from the store (before store_start). */
int	 fleet_new(struct hub *, struct fleet **, struct err *)
	    __attribute__((warn_unused_result));
void	 fleet_free(struct fleet **);

struct fleet_host *fleet_find(const struct fleet *, const char *id);
size_t	 fleet_count(const struct fleet *);
/* The ${i}th host, no particular order; stable only until one is removed. */
struct fleet_host *fleet_at(const struct fleet *, size_t i);
bool	 fleet_online(const struct fleet_host *);

struct fleet_new_host {
	const char *hostname, *host_type, *location, *device_type, *theme_color;
};

/**
 * fleet_add(f, new, out, e):
 * POST /api/hosts: a host that never connected yet, or new words for a known
 * one (unset ones stay).  ERR_INPUT for a bad hostname, ERR_REFUSED for one
 * that is blocked.
 */
int	 fleet_add(struct fleet *, const struct fleet_new_host *,
	    struct fleet_host **, struct err *);

/* DELETE: ERR_BUSY while connected.  The host is freed; if its token was
   revoked, its name is blocked. */
int	 fleet_remove(struct fleet *, struct fleet_host *, struct err *);

/**
 * fleet_token_rotate(f, host, done, cookie):
 * A new token of the host's own.  ${done} runs on the loop when its hash is
 * stored, with the token (valid during the call), or NULL and the error.
 * A connected host stays; the old token ends when the new one is used.
 */
typedef void fleet_token_done(void *cookie, const char *token,
	    const struct err *);
void	 fleet_token_rotate(struct fleet *, struct fleet_host *,
	    fleet_token_done *, void *);
/* The host is cut off now. */
void	 fleet_token_revoke(struct fleet *, struct fleet_host *);
void	 fleet_accept(struct fleet *, struct fleet_host *);

/*
 * For the other modules of the hub.
 */

/* Say that FLEET_* of the host changed: browsers are told, within 250 ms. */
void	 fleet_changed(struct fleet *, struct fleet_host *, unsigned);
/* The same, but for facts alone only now and then: they may be large. */
void	 fleet_save_facts(struct fleet *, struct fleet_host *);
/* The host's row must be written again; done within a second. */
void	 fleet_save(struct fleet *, struct fleet_host *);
/* Compute the compartments again; tells what changed. */
void	 fleet_judge(struct fleet *, struct fleet_host *);
/* The desired revision or the behind counts changed: judge all. */
void	 fleet_judge_all(struct fleet *);
/* The five compartments with words, for people. */
void	 fleet_compartments(const struct fleet *, const struct fleet_host *,
	    struct compartment_view out[COMPARTMENT_COUNT]);
/* A heartbeat came: last_seen, written within half a minute. */
void	 fleet_seen(struct fleet *, struct fleet_host *);
/* Whether it is here and since when; tells what changed. */
void	 fleet_set_liveness(struct fleet *, struct fleet_host *, enum liveness);
/* A host that just registered for the first time, from ${addr}.  NULL: too
   many did from there within an hour. */
struct fleet_host *fleet_enrol(struct fleet *, const char *hostname,
	    const char *addr);
/* NULL: nobody can enrol. */
const char *fleet_shared_token(const struct fleet *);
/* The host that this token hash is, or was, good for. */
struct fleet_host *fleet_by_token(const struct fleet *, const char *hash);
/**
 * fleet_token_set(f, host, token, state):
 * Take the hash of ${token} (NULL: none) for the host's own.  What was the
 * own one is kept as the old one when ${keep_old}.
 */
void	 fleet_token_set(struct fleet *, struct fleet_host *, const char *token,
	    enum identity_state, bool keep_old);
/* Its own token was used: an older one is of no use any more. */
void	 fleet_token_confirm(struct fleet *, struct fleet_host *);
/* Write the host's row now and say when that is done. */
void	 fleet_store(struct fleet *, struct fleet_host *, store_done *, void *);
/* Write all that waits to be written. */
void	 fleet_flush(struct fleet *);

/**
 * fleet_take_changed(f, fn, cookie):
 * Call ${fn} for each host with changes and forget those.
 */
void	 fleet_take_changed(struct fleet *,
	    void (*)(void *, const struct fleet_host *, unsigned), void *);

#endif
