#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

/* Every setting of every program: one row each in settings_table.c. */
enum setting {
	/* agent */
	SET_URL, SET_TOKEN, SET_TOKEN_FILE, SET_TOKEN_CACHE, SET_REPO_URL,
	SET_REPO_DIR, SET_NIXCFG, SET_BRANCH, SET_SSH_KEY, SET_SSH_KNOWN_HOSTS,
	SET_REPO_TOKEN_FILE, SET_REPO_DEPTH, SET_INTERVAL, SET_HOSTNAME,
	SET_NIXPKGS_VERSION, SET_THEME_COLOR, SET_LOCATION, SET_DEVICE_TYPE,
	SET_AGENT_VERSION, SET_STATE_DIR, SET_CONTROL_SOCKET, SET_CA_FILE,
	SET_PINNED_PUBKEY, SET_ALLOW_INSECURE_HTTP, SET_HOST_KIND,
	SET_FLAKE_ATTR, SET_PROFILE, SET_ACTIVATE_PROGRAM, SET_REBUILD_COMMAND,
	SET_ACTIVATE, SET_ACTIVATE_BY, SET_ACTIVATE_SOCKET,
	SET_BACKUP_EXTENSION, SET_COMMIT_NAME, SET_COMMIT_EMAIL,
	SET_FETCH_TIMEOUT, SET_BUILD_TIMEOUT, SET_ACTIVATE_TIMEOUT,
	SET_CONFIRM_TIMEOUT, SET_CONFIRM_TESTS, SET_CONFIRM_PROBES,
	SET_ACTIVATE_MODE, SET_TEST_TIMEOUT, SET_JOURNAL_KEEP,
	SET_KEEP_GENERATIONS,
	SET_TRUST_ALLOWED_SIGNERS, SET_TRUST_GPG_KEYS, SET_TRUST_HISTORY,
	SET_COMMIT_SIGNING_KEY, SET_REPO_SUBDIR, SET_REPO_SEED,
	SET_REPO_SUBMODULES, SET_REPO_UPKEEP, SET_REPO_UPKEEP_TIMEOUT,
	SET_FOLLOW, SET_FOLLOW_INTERVAL, SET_FOLLOW_JITTER, SET_FOLLOW_WINDOW,
	SET_REBOOT_WINDOW,
	/* agent and hub */
	SET_LOG_LEVEL,
	/* hub */
	SET_LISTEN, SET_DATA_DIR, SET_DB_PATH, SET_PASSWORD_HASH,
	SET_PASSWORD_HASH_FILE, SET_TOTP_SECRET, SET_TOTP_SECRET_FILE,
	SET_AGENT_TOKEN, SET_AGENT_TOKEN_FILE, SET_SESSION_SECRET,
	SET_SESSION_DURATION, SET_RATE_LIMIT, SET_RATE_WINDOW,
	SET_ALLOWED_ORIGINS, SET_TRUSTED_PROXIES, SET_TLS_CERT, SET_TLS_KEY,
	SET_VERSION_URL, SET_VERSION_FETCH_TTL, SET_REPO_POLL,
	SET_HEARTBEAT_INTERVAL, SET_ALLOW_SHARED_TOKEN, SET_RETENTION_DAYS,
	SET_HOST_OUTPUT_MIB, SET_OUTPUT_MIB, SET_QUEUE_HOURS, SET_METRICS,
	SET_METRICS_TOKEN, SET_METRICS_TOKEN_FILE, SET_STRANGERS,
	SET_STRANGER_TIMEOUT, SET_ENROL_LIMIT,
	/* operator's command */
	SET_HUB, SET_COLOR,
	/* every program */
	SET_CONFIG,
	/* known from earlier NixFleet, without effect here */
	SET_GITHUB_TOKEN, SET_GITHUB_REPO, SET_GITHUB_API_URL,
	SET_GITHUB_POLL_TTL, SET_NIXCFG_PATH, SET_COLOR_COMMIT_MODE,
	SET_BASE_URL, SET_STALE_MULTIPLIER, SET_STALE_MINIMUM,
	SET_STALE_CLEANUP_INTERVAL, SET_CMD_RETENTION_DAYS,
	SET_LOG_RETENTION_DAYS,
	SET_SYNC_BEACON_INTERVAL, SET_INIT_EVENT_LIMIT, SET_API_TOKEN,
	SET_REQUIRE_TOTP, SET_AGENT_TOKEN_HASH_SECRET,
	SET_ALLOW_SHARED_AGENT_TOKEN, SET_AUTO_PROVISION_AGENT_TOKENS,
	SET_SESSION_SECRETS, SET_ALLOW_LEGACY_UNSIGNED_SESSION_COOKIE,
	SET_DEV_MODE, SET_TRUST_PROXY_HEADERS, SET_TRUSTED_PROXY_IPS,
	SET_UI_ACTION_LOCK_MAX_SECONDS, SET_STATUS_HISTORY_DAYS,
	SET_NIXCFG_VERSION_URL, SET_GIT_HASH, SET_SERVER_HOST,
	SET_COUNT
};

enum { SETTINGS_AGENT = 1, SETTINGS_HUB = 2, SETTINGS_CLI = 4 };

enum setting_type {
	SETTING_STR, SETTING_INT, SETTING_BOOL, SETTING_WORD,
	SETTING_PATH,		/* absolute */
	SETTING_SECONDS,	/* "90", "90s", "5m", "1h30m", "7d" */
	SETTING_URL,		/* http, https, ws or wss */
	SETTING_LIST,		/* comma-separated */
	SETTING_COLOUR,		/* "#rgb", "#rrggbb" */
	SETTING_ADDRESS,	/* "HOST:PORT", "[HOST]:PORT", ":PORT" */
	SETTING_HOURS,		/* weekhours.h */
};

enum {
	SETTING_SECRET = 1,	/* never printed */
	SETTING_DEPRECATED = 2, /* accepted, with a warning */
	SETTING_IGNORED = 4,	/* known from NixFleet v3, has no effect here */
};

struct setting_def {
	const char *name;	/* with NIXFLEET_ */
	unsigned programs;
	enum setting_type type;
	unsigned flags;
	const char *fallback;	/* NULL: unset */
	int64_t min, max;	/* SETTING_INT, SETTING_SECONDS */
	const char *const *words; /* SETTING_WORD, NULL-terminated */
	const char *help;	/* one line, no full stop */
};
extern const struct setting_def settings_table[SET_COUNT];

struct settings;

/**
 * settings_load(program, environ, out, e):
 * Read the settings of SETTINGS_*.  Order: the environment, the file named by
 * NIXFLEET_CONFIG (KEY=VALUE lines, '#' comments, optional quotes, as systemd
 * reads an EnvironmentFile), the default.  ALL that is wrong is reported at
 * once, a line each: name, origin (environment, or file:line), the value
 * unless secret, what is allowed; an unknown NIXFLEET_ name with the nearest
 * known one.  Names of the other programs are known and ignored.  Empty
 * values mean "unset".
 */
int	 settings_load(unsigned program, const char *const *env,
	    struct settings **, struct err *)
	    __attribute__((warn_unused_result));

/* A setting that stands somewhere else, as in a service's unit. */
struct settings_given {
	const char *name, *value;
	const char *origin;	/* where: "FILE:LINE" */
};

/**
 * settings_load_given(program, given, n, out, e):
 * As settings_load, with these (later ones win) for the environment.
 */
int	 settings_load_given(unsigned program, const struct settings_given *,
	    size_t n, struct settings **, struct err *)
	    __attribute__((warn_unused_result));

void	 settings_free(struct settings **);

/* The value; NULL if unset.  Valid as long as the settings. */
const char *settings_str(const struct settings *, enum setting);
/* Of SETTING_INT and SETTING_SECONDS. */
int64_t	 settings_int(const struct settings *, enum setting);
bool	 settings_bool(const struct settings *, enum setting);
/* "environment", "default", "unset" or "FILE:LINE". */
const char *settings_origin(const struct settings *, enum setting);

/**
 * settings_secret(s, value, file, out, e):
 * The secret of setting ${value}, or the contents of the file that setting
 * ${file} names, read afresh.  The file may hold the bare secret or one line
 * NAME=secret where NAME is ${value}'s own name (quotes allowed).  *${out}
 * is NULL if neither is set; the caller frees it with str_wipefree.
 */
int	 settings_secret(const struct settings *, enum setting value,
	    enum setting file, char **out, struct err *)
	    __attribute__((warn_unused_result));

/* Warnings (deprecated, ignored), NULL-terminated. */
const char *const *settings_warnings(const struct settings *);

/* A table of every setting: name, value (secrets as "set"), origin, help. */
void	 settings_explain(const struct settings *, FILE *);

/* The settings part of --help, made from the table. */
void	 settings_help(unsigned program, FILE *);

#endif
