#ifndef MIGRATE_SETUP_H
#define MIGRATE_SETUP_H

#include <jansson.h>
#include <stdbool.h>

#include "err.h"
#include "settings.h"

/* What a new configuration is written as. */
enum migrate_form {
	MIGRATE_NIXOS,
	MIGRATE_DARWIN,
	MIGRATE_HOME,
	MIGRATE_LAUNCHD, /* a job that no module made */
	MIGRATE_ENV,	 /* a file of NAME=value lines */
};

/* An agent's set-up as it is. */
struct migrate_setup {
	char *source; /* what was read */
	char *host;   /* name in a flake, or NULL */
	enum migrate_form form;
	bool v3; /* NixFleet v3's, not ours */
	struct settings *set;
	char *user;	  /* that the service runs as, or NULL */
	char *token_file; /* holds the token and nothing else, or NULL */
	json_t *more;	  /* options that are no settings, or NULL */
	struct migrate_setup *next;
};

/**
 * migrate_setup_file(path, out, e):
 * Read a systemd unit (with what it names and its drop-ins), a launchd job, or
 * a file of NAME=value lines; the name's ending tells which.  -1 names file
 * and line of everything that cannot be used.
 */
int migrate_setup_file(const char *path, struct migrate_setup **, struct err *)
    __attribute__((warn_unused_result));

/* The same of an environment. */
int migrate_setup_environment(const char *const *env, struct migrate_setup **,
    struct err *) __attribute__((warn_unused_result));

/**
 * migrate_setup_nix(path, host, out, e):
 * Let nix evaluate a folder with a flake, or a file of NixOS's or (home.nix)
 * home-manager's: the set-ups of host ${host}, or of all hosts if NULL.  -1
 * also when no agent is enabled there.
 */
int migrate_setup_nix(const char *path, const char *host,
    struct migrate_setup **, struct err *) __attribute__((warn_unused_result));

/* Frees the whole list. */
void migrate_setup_free(struct migrate_setup **);

/* Does it say something about this setting? */
bool migrate_setup_has(const struct migrate_setup *, enum setting);

/* While reading: what was found so far. */
struct migrate_given {
	struct settings_given *list;
	size_t n;
};
void migrate_given_add(struct migrate_given *, const char *name,
    const char *value, const char *origin);
/* Checks all of it, makes ${s}->set of it, finds out whose it is. */
int migrate_given_take(struct migrate_given *, struct migrate_setup *,
    struct err *) __attribute__((warn_unused_result));

#endif
