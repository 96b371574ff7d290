#include <stddef.h>

#include "platform.h"
#include "settings.h"

static const char *const host_kinds[] = { "nixos", "darwin", "home", "custom",
	NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error",
	NULL };
static const char *const activators[] = { "auto", "service", NULL };
static const char *const activate_modes[] = { "switch", "test-then-commit",
	NULL };
static const char *const histories[] = { "accept", "fast-forward", NULL };
static const char *const follow_modes[] = { "off", "pull", "switch", "boot",
	NULL };
static const char *const colour_modes[] = { "auto", "always", "never", NULL };
static const char *const locations[] = { "home", "work", "cloud", "office",
	"mobile", "other", NULL };
static const char *const device_types[] = { "server", "desktop", "laptop",
	"gaming", "vm", "container", "other", NULL };
static const char *const metrics_modes[] = { "token", "off", NULL };

#define A SETTINGS_AGENT
#define H SETTINGS_HUB
#define C SETTINGS_CLI

#define ROW(n, programs, t, flags, fallback, min, max, words, help) \
	[SET_##n] = { "NIXFLEET_" #n, programs, SETTING_##t, flags, fallback, \
	    min, max, words, help }
#define GONE(n, flags, help) \
	ROW(n, H, STR, (flags) | SETTING_IGNORED, NULL, 0, 0, NULL, help)

const struct setting_def settings_table[SET_COUNT] = {
	/* agent */
	ROW(URL, A, URL, 0, NULL, 0, 0, NULL,
	    "address of the hub; empty: work without one"),
	ROW(TOKEN, A, STR, SETTING_SECRET, NULL, 0, 0, NULL,
	    "token that the hub knows this host by"),
	ROW(TOKEN_FILE, A, PATH, 0, NULL, 0, 0, NULL,
	    "file with that token, bare or as NIXFLEET_TOKEN=..."),
	ROW(TOKEN_CACHE, A, PATH, 0, NULL, 0, 0, NULL,
	    "where the host's own token is kept; default: token in the state "
	    "directory"),
	ROW(REPO_URL, A | H, STR, 0, NULL, 0, 0, NULL,
	    "git URL of the configuration; the agent keeps a clone of its "
	    "own"),
	ROW(REPO_DIR, A, PATH, 0, NULL, 0, 0, NULL,
	    "where that clone is; default: repo in the state directory"),
	ROW(NIXCFG, A, PATH, SETTING_DEPRECATED, NULL, 0, 0, NULL,
	    "a person's own checkout, pulled in place; use NIXFLEET_REPO_URL "
	    "instead"),
	ROW(BRANCH, A | H, STR, 0, "main", 0, 0, NULL,
	    "branch of the configuration that hosts follow"),
	ROW(SSH_KEY, A | H, PATH, 0, NULL, 0, 0, NULL,
	    "private key for git over ssh"),
	ROW(SSH_KNOWN_HOSTS, A | H, PATH, 0, NULL, 0, 0, NULL,
	    "known host keys of the git server; default: recorded at first "
	    "contact"),
	ROW(REPO_TOKEN_FILE, A | H, PATH, 0, NULL, 0, 0, NULL,
	    "file with the token for git over https"),
	ROW(REPO_DEPTH, A | H, INT, 0, "0", 0, 1000000, NULL,
	    "commits of history in the clone; 0: all"),
	ROW(INTERVAL, A, SECONDS, 0, "5", 1, 3600, NULL,
	    "seconds between heartbeats"),
	ROW(HOSTNAME, A, STR, 0, NULL, 0, 0, NULL,
	    "this host's name in the fleet; default: the system's"),
	ROW(NIXPKGS_VERSION, A, STR, 0, NULL, 0, 0, NULL,
	    "version of nixpkgs to report; default: found out"),
	ROW(THEME_COLOR, A, COLOUR, 0, NULL, 0, 0, NULL,
	    "colour of this host in the dashboard, as #rgb or #rrggbb"),
	ROW(LOCATION, A, WORD, 0, "home", 0, 0, locations,
	    "where this host is"),
	ROW(DEVICE_TYPE, A, WORD, 0, "desktop", 0, 0, device_types,
	    "what this host is"),
	ROW(AGENT_VERSION, A, STR, 0, NULL, 0, 0, NULL,
	    "version to report to the hub; default: the real one"),
	ROW(STATE_DIR, A | C, PATH, 0, NULL, 0, 0, NULL,
	    "state of the agent; default: the parent of NIXFLEET_REPO_DIR, "
	    "else the platform's place"),
	ROW(CONTROL_SOCKET, A | C, PATH, 0, NULL, 0, 0, NULL,
	    "socket that the nixfleet command talks to"),
	ROW(CA_FILE, A | C, PATH, 0, NULL, 0, 0, NULL,
	    "certificates to trust for the hub instead of the system's, and "
	    "for https probes besides them"),
	ROW(PINNED_PUBKEY, A | C, STR, 0, NULL, 0, 0, NULL,
	    "public key the hub must have: sha256//... or a file"),
	ROW(ALLOW_INSECURE_HTTP, A | C, BOOL, 0, "false", 0, 0, NULL,
	    "allow a hub without TLS that is not on this machine"),
	ROW(HOST_KIND, A, WORD, 0, platform_kind, 0, 0, host_kinds,
	    "how this host is built and activated"),
	ROW(FLAKE_ATTR, A, STR, 0, NULL, 0, 0, NULL,
	    "attribute of the flake to build; default: by kind and host "
	    "name"),
	ROW(PROFILE, A, PATH, 0, NULL, 0, 0, NULL,
	    "profile to set; default: by kind"),
	ROW(ACTIVATE_PROGRAM, A, STR, 0, NULL, 0, 0, NULL,
	    "program in the closure that activates it (custom); default: "
	    "bin/activate"),
	ROW(REBUILD_COMMAND, A, STR, 0, NULL, 0, 0, NULL,
	    "command used instead of our own activation, such as \"sudo "
	    "nixos-rebuild\""),
	ROW(ACTIVATE, A, PATH, 0, NULL, 0, 0, NULL,
	    "path of nixfleet-activate; default: found in PATH"),
	ROW(ACTIVATE_BY, A, WORD, 0, "auto", 0, 0, activators,
	    "service: the activation service activates, also a custom "
	    "closure; auto: it activates systems where its socket exists, "
	    "else the agent's own user does"),
	ROW(ACTIVATE_SOCKET, A, PATH, 0, "/run/nixfleet-activate/socket", 0, 0,
	    NULL, "socket of the activation service"),
	ROW(BACKUP_EXTENSION, A, STR, 0, "backup", 0, 0, NULL,
	    "suffix that home-manager gives to files in its way"),
	ROW(COMMIT_NAME, A, STR, 0, "NixFleet", 0, 0, NULL,
	    "author of the commits that an update makes"),
	ROW(COMMIT_EMAIL, A, STR, 0, "nixfleet@localhost", 0, 0, NULL,
	    "address of that author"),
	ROW(FETCH_TIMEOUT, A | H, SECONDS, 0, "10m", 5, 86400, NULL,
	    "limit for one clone, fetch or push"),
	ROW(BUILD_TIMEOUT, A, SECONDS, 0, "4h", 10, 604800, NULL,
	    "limit for one build"),
	ROW(ACTIVATE_TIMEOUT, A, SECONDS, 0, "15m", 5, 86400, NULL,
	    "limit for one activation"),
	ROW(CONFIRM_TIMEOUT, A, SECONDS, 0, "2m", 0, 86400, NULL,
	    "time to reach hub or git server after an activation by the "
	    "service, which else goes back; 0: never goes back"),
	ROW(CONFIRM_TESTS, A, BOOL, 0, "false", 0, 0, NULL,
	    "go back also if one of the host's own tests fails in that time"),
	ROW(CONFIRM_PROBES, A, LIST, 0, NULL, 0, 0, NULL,
	    "go back also if one of these fails in that time and did not "
	    "before: tcp://HOST:PORT, http://..., https://... or exec:/PROGRAM "
	    "ARG..., each after within=SECONDS (5) and, for http, status=CODE "
	    "(200 to 399) if it differs"),
	ROW(ACTIVATE_MODE, A, WORD, 0, "switch", 0, 0, activate_modes,
	    "when profile and boot entry of a nixos system change: with the "
	    "switch, or only after it was confirmed"),
	ROW(TEST_TIMEOUT, A, SECONDS, 0, "15m", 1, 86400, NULL,
	    "limit for all of the host's tests together"),
	ROW(KEEP_GENERATIONS, A, INT, 0, "0", 0, 1000, NULL,
	    "newest generations of the profile that are kept after an "
	    "activation, with those that run, were booted or come back with a "
	    "rollback; 0: all"),
	ROW(JOURNAL_KEEP, A, INT, 0, "200", 10, 100000, NULL,
	    "finished operations kept in the journal"),
	ROW(TRUST_ALLOWED_SIGNERS, A, PATH, 0, NULL, 0, 0, NULL,
	    "ssh keys that may sign the branch's tip, as ssh-keygen's allowed "
	    "signers"),
	ROW(TRUST_GPG_KEYS, A, PATH, 0, NULL, 0, 0, NULL,
	    "file of public gpg keys that may sign the branch's tip"),
	ROW(TRUST_HISTORY, A, WORD, 0, "accept", 0, 0, histories,
	    "what happens when the branch was rewritten: follow it, or refuse "
	    "it until an operator accepts the revision"),
	ROW(COMMIT_SIGNING_KEY, A, PATH, 0, NULL, 0, 0, NULL,
	    "private ssh key that signs the commits that an update makes"),
	ROW(REPO_SUBDIR, A | H, STR, 0, NULL, 0, 0, NULL,
	    "directory of the flake inside the repository; default: its top"),
	ROW(REPO_SEED, A, PATH, 0, NULL, 0, 0, NULL,
	    "bundle or repository that the first clone takes its objects "
	    "from"),
	ROW(REPO_SUBMODULES, A, BOOL, 0, "false", 0, 0, NULL,
	    "check out submodules and build with them"),
	ROW(REPO_UPKEEP, A, SECONDS, 0, "24h", 0, 2592000, NULL,
	    "how often every byte of the clone is checked, and the clone "
	    "packed, when nothing else runs; 0: never"),
	ROW(REPO_UPKEEP_TIMEOUT, A, SECONDS, 0, "15m", 1, 86400, NULL,
	    "limit for doing that once"),
	ROW(FOLLOW, A, WORD, 0, "off", 0, 0, follow_modes,
	    "what to do by itself when the branch moves: nothing, pull, switch "
	    "to it, or prepare it for the next boot"),
	ROW(FOLLOW_INTERVAL, A, SECONDS, 0, "5m", 1, 604800, NULL,
	    "how often to look whether it moved"),
	ROW(FOLLOW_JITTER, A, SECONDS, 0, "1m", 0, 86400, NULL,
	    "each host waits a fixed part of this after its start and after "
	    "the beginning of a window, so that not all come at once"),
	ROW(FOLLOW_WINDOW, A, HOURS, 0, NULL, 0, 0, NULL,
	    "hours of the week, local time, in which to follow, such as "
	    "\"Mon-Fri 22:00-06:00, Sun 00:00-24:00\"; default: always"),
	ROW(REBOOT_WINDOW, A, HOURS, 0, NULL, 0, 0, NULL,
	    "hours of the week in which to restart the machine if what was "
	    "followed needs it; default: never"),

	/* agent and hub */
	ROW(LOG_LEVEL, A | H, WORD, 0, "info", 0, 0, log_levels,
	    "least level that is logged"),

	/* hub */
	ROW(LISTEN, H, ADDRESS, 0, "127.0.0.1:8000", 0, 0, NULL,
	    "address and port to listen on"),
	ROW(DATA_DIR, H, PATH, 0, "/data", 0, 0, NULL,
	    "where the hub keeps its data"),
	ROW(DB_PATH, H, PATH, 0, NULL, 0, 0, NULL,
	    "the database; default: nixfleet.db in the data directory"),
	ROW(PASSWORD_HASH, H, STR, SETTING_SECRET, NULL, 0, 0, NULL,
	    "operators' password as a crypt(3) hash (bcrypt, yescrypt)"),
	ROW(PASSWORD_HASH_FILE, H, PATH, 0, NULL, 0, 0, NULL,
	    "file with that hash"),
	ROW(TOTP_SECRET, H, STR, SETTING_SECRET, NULL, 0, 0, NULL,
	    "base32 secret for one-time codes"),
	ROW(TOTP_SECRET_FILE, H, PATH, 0, NULL, 0, 0, NULL,
	    "file with that secret"),
	ROW(AGENT_TOKEN, H, STR, SETTING_SECRET, NULL, 0, 0, NULL,
	    "token that new hosts enrol with"),
	ROW(AGENT_TOKEN_FILE, H, PATH, 0, NULL, 0, 0, NULL,
	    "file with that token"),
	GONE(SESSION_SECRET, SETTING_SECRET,
	    "sessions are random tokens here and need no secret"),
	ROW(SESSION_DURATION, H, SECONDS, 0, "24h", 60, 31536000, NULL,
	    "how long a login lasts"),
	ROW(RATE_LIMIT, H, INT, 0, "5", 1, 100000, NULL,
	    "login attempts of one address within the window"),
	ROW(RATE_WINDOW, H, SECONDS, 0, "1m", 1, 86400, NULL,
	    "window of that limit"),
	ROW(ALLOWED_ORIGINS, H, LIST, 0, NULL, 0, 0, NULL,
	    "other origins whose pages may connect"),
	ROW(TRUSTED_PROXIES, H, LIST, 0, NULL, 0, 0, NULL,
	    "addresses of proxies whose forwarded headers count"),
	ROW(TLS_CERT, H, PATH, 0, NULL, 0, 0, NULL,
	    "certificate chain (PEM); needs NIXFLEET_TLS_KEY"),
	ROW(TLS_KEY, H, PATH, 0, NULL, 0, 0, NULL,
	    "key of that certificate (PEM)"),
	ROW(VERSION_URL, H, URL, 0, NULL, 0, 0, NULL,
	    "version.json with the newest commit, for those who have one"),
	ROW(VERSION_FETCH_TTL, H, SECONDS, 0, "30s", 1, 86400, NULL,
	    "how often version.json is fetched"),
	ROW(REPO_POLL, H, SECONDS, 0, "30s", 1, 86400, NULL,
	    "how often the configuration repository is looked at"),
	ROW(METRICS, H, WORD, 0, "token", 0, 0, metrics_modes,
	    "who may read GET /metrics: with a token, or nobody"),
	ROW(METRICS_TOKEN, H, STR, SETTING_SECRET, NULL, 0, 0, NULL,
	    "token for GET /metrics alone; a session's is good too"),
	ROW(METRICS_TOKEN_FILE, H, PATH, 0, NULL, 0, 0, NULL,
	    "file with that token"),
	ROW(STRANGERS, H, INT, 0, "512", 8, 100000, NULL,
	    "connections of one address that have not shown a token or a "
	    "session yet; the oldest makes room for the newest"),
	ROW(STRANGER_TIMEOUT, H, SECONDS, 0, "1m", 1, 3600, NULL,
	    "time for a new connection to show one, or for an agent to "
	    "register"),
	ROW(ENROL_LIMIT, H, INT, 0, "1000", 0, 100000, NULL,
	    "new hosts that one address may enrol in an hour; 0: none"),
	ROW(HEARTBEAT_INTERVAL, H, SECONDS, 0, "5s", 1, 3600, NULL,
	    "heartbeat interval that the hub asks agents for"),
	ROW(ALLOW_SHARED_TOKEN, H, BOOL, 0, "true", 0, 0, NULL,
	    "let hosts that cannot keep a token of their own use the shared "
	    "one"),
	ROW(RETENTION_DAYS, H, INT, 0, "30", 1, 3650, NULL,
	    "days that finished operations and events are kept"),
	ROW(HOST_OUTPUT_MIB, H, INT, 0, "256", 1, 1048576, NULL,
	    "MiB of operations' output that is kept of one host; the oldest "
	    "goes first"),
	ROW(OUTPUT_MIB, H, INT, 0, "4096", 1, 1073741824, NULL,
	    "MiB of operations' output that is kept of all hosts"),
	ROW(QUEUE_HOURS, H, INT, 0, "168", 1, 8760, NULL,
	    "hours that an operation waits for a host that is offline"),

	/* operator's command */
	ROW(HUB, C, URL, 0, NULL, 0, 0, NULL,
	    "address of the hub; default: the one logged in to"),
	ROW(COLOR, C, WORD, 0, "auto", 0, 0, colour_modes,
	    "when to print in colour"),

	/* every program */
	ROW(CONFIG, A | H | C, PATH, 0, NULL, 0, 0, NULL,
	    "file of NAME=value lines with settings"),

	/* known from earlier NixFleet, without effect here */
	GONE(GITHUB_TOKEN, SETTING_SECRET,
	    "pull requests are not merged here"),
	GONE(GITHUB_REPO, 0,
	    "pull requests are not merged here"),
	GONE(GITHUB_API_URL, 0,
	    "pull requests are not merged here"),
	GONE(GITHUB_POLL_TTL, 0,
	    "pull requests are not merged here"),
	GONE(NIXCFG_PATH, 0,
	    "the hub keeps a mirror of NIXFLEET_REPO_URL instead"),
	GONE(COLOR_COMMIT_MODE, 0,
	    "colours are kept in the database"),
	GONE(BASE_URL, 0,
	    "the hub goes by the address that it is asked at"),
	GONE(STALE_MULTIPLIER, 0,
	    "a host is late after three intervals"),
	GONE(STALE_MINIMUM, 0,
	    "a host is late after three intervals"),
	GONE(STALE_CLEANUP_INTERVAL, 0,
	    "a host is late after three intervals"),
	GONE(CMD_RETENTION_DAYS, 0,
	    "use NIXFLEET_RETENTION_DAYS"),
	GONE(LOG_RETENTION_DAYS, 0,
	    "use NIXFLEET_RETENTION_DAYS"),
	GONE(SYNC_BEACON_INTERVAL, 0,
	    "browsers are kept in step every 30 s"),
	GONE(INIT_EVENT_LIMIT, 0,
	    "the newest 100 events are sent"),
	GONE(API_TOKEN, SETTING_SECRET,
	    "use nixfleet login or POST /api/login"),
	GONE(REQUIRE_TOTP, 0,
	    "codes are asked for when NIXFLEET_TOTP_SECRET is set"),
	GONE(AGENT_TOKEN_HASH_SECRET, SETTING_SECRET,
	    "tokens are stored as hashes that need no secret"),
	GONE(ALLOW_SHARED_AGENT_TOKEN, 0,
	    "use NIXFLEET_ALLOW_SHARED_TOKEN"),
	GONE(AUTO_PROVISION_AGENT_TOKENS, 0,
	    "hosts get a token of their own when they enrol"),
	GONE(SESSION_SECRETS, SETTING_SECRET,
	    "sessions are random tokens here and need no secret"),
	GONE(ALLOW_LEGACY_UNSIGNED_SESSION_COOKIE, 0,
	    "sessions are random tokens here"),
	GONE(DEV_MODE, 0,
	    "there is no such mode"),
	GONE(TRUST_PROXY_HEADERS, 0,
	    "use NIXFLEET_TRUSTED_PROXIES"),
	GONE(TRUSTED_PROXY_IPS, 0,
	    "use NIXFLEET_TRUSTED_PROXIES"),
	GONE(UI_ACTION_LOCK_MAX_SECONDS, 0,
	    "every operation has its own deadline"),
	GONE(STATUS_HISTORY_DAYS, 0,
	    "use NIXFLEET_RETENTION_DAYS"),
	GONE(NIXCFG_VERSION_URL, 0,
	    "use NIXFLEET_VERSION_URL"),
	GONE(GIT_HASH, 0,
	    "the version is built in"),
	GONE(SERVER_HOST, 0,
	    "the hub goes by the address that it is asked at"),
};
