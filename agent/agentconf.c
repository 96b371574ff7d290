#include <sys/stat.h>
#include <sys/types.h>

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agenthost.h"
#include "childenv.h"
#include "file.h"
#include "names.h"
#include "proc.h"
#include "str.h"

#include "agentconf.h"

#define SERVICE_STATE "/var/lib/nixfleet-activate"
#define RUN_DIR "/run/nixfleet-agent"

static char *
home_dir(void)
{
	const char *home = getenv("HOME");
	struct passwd *pw;

	if (home != NULL && home[0] == '/')
		return (str_dup(home));
	if ((pw = getpwuid(getuid())) != NULL && pw->pw_dir != NULL)
		return (str_dup(pw->pw_dir));
	return (str_dup("/"));
}

static char *
default_state_dir(void)
{
	const char *system = agenthost_state_dir();
	char *home, *dir;

	if (system != NULL)
		return (str_dup(system));
	home = home_dir();
	dir = str_printf("%s/.local/state/nixfleet-agent", home);
	free(home);
	return (dir);
}

static char *
state_dir(const struct settings *set)
{
	const char *dir = settings_str(set, SET_STATE_DIR);

	if (dir != NULL)
		return (str_dup(dir));
	if ((dir = settings_str(set, SET_REPO_DIR)) != NULL &&
	    settings_str(set, SET_REPO_URL) != NULL)
		return (file_dirname(dir));
	return (default_state_dir());
}

/* The first label of the machine's own name. */
static char *
system_hostname(void)
{
	char name[256] = "", *found = agenthost_name();

	if (found != NULL)
		return (found);
	(void)gethostname(name, sizeof(name) - 1);
	name[strcspn(name, ".")] = '\0';
	return (str_dup(name));
}

static char *
user_name(void)
{
	struct passwd *pw = getpwuid(getuid());
	const char *env = getenv("USER");

	if (pw != NULL && pw->pw_name != NULL)
		return (str_dup(pw->pw_name));
	return (str_dup(env != NULL ? env : ""));
}

static char *
control_socket(const struct settings *set, const char *state)
{
	const char *path = settings_str(set, SET_CONTROL_SOCKET);
	struct stat st;

	if (path != NULL)
		return (str_dup(path));
	if (stat(RUN_DIR, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid())
		return (str_dup(RUN_DIR "/control.sock"));
	return (file_join(state, "control.sock"));
}

/* Add a line to what is wrong. */
static void __attribute__((format(printf, 2, 3)))
wrong(struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (e->code == ERR_NONE)
		err_set(e, ERR_INPUT, "%s", text);
	else
		err_set(e, ERR_INPUT, "%s\n%s", e->text, text);
}

static void
fill_repo(struct agentconf *c, struct err *e)
{
	const char *url = settings_str(c->set, SET_REPO_URL);
	const char *dir = settings_str(c->set, SET_REPO_DIR);
	const char *legacy = settings_str(c->set, SET_NIXCFG);

	if (url != NULL) {
		c->repo_dir = dir != NULL ? str_dup(dir) :
		    file_join(c->state_dir, "repo");
	} else if (legacy != NULL) {
		c->repo_dir = str_dup(legacy);
		c->legacy_dir = str_dup(legacy);
	} else {
		wrong(e, "NIXFLEET_REPO_URL is not set: give the address of "
		    "the configuration repository (or, deprecated, its "
		    "checkout in NIXFLEET_NIXCFG)");
	}
}

/* What this host can follow, and how. */
static void
fill_follow(const struct agentconf *c, struct err *e)
{
	const char *mode = settings_str(c->set, SET_FOLLOW), *why = NULL;

	/* A person's checkout is that person's to move. */
	if (c->legacy_dir != NULL && !str_eq(mode, "off"))
		why = "needs NIXFLEET_REPO_URL: with NIXFLEET_NIXCFG it must "
		    "be \"off\"";
	else if (c->kind != DEPLOY_NIXOS && str_eq(mode, "boot"))
		why = "is for hosts of the kind nixos: write \"switch\"";
	if (why != NULL)
		wrong(e, "NIXFLEET_FOLLOW (%s) is \"%s\", which %s",
		    settings_origin(c->set, SET_FOLLOW), mode, why);
}

static void
fill_hub(struct agentconf *c, struct err *e)
{
	const char *url = settings_str(c->set, SET_URL);
	struct err sub = { 0 };

	if (url == NULL)
		return;
	c->url_text = str_dup(url);
	if (url_agent(url, settings_bool(c->set, SET_ALLOW_INSECURE_HTTP),
	    &c->url, &sub) == -1)
		wrong(e, "NIXFLEET_URL (%s): %s",
		    settings_origin(c->set, SET_URL), sub.text);
}

static void
fill_probes(struct agentconf *c, struct err *e)
{
	struct err sub = { 0 };

	if (probe_parse(settings_str(c->set, SET_CONFIRM_PROBES), &c->probes,
	    &sub) == -1)
		wrong(e, "NIXFLEET_CONFIRM_PROBES (%s): %s",
		    settings_origin(c->set, SET_CONFIRM_PROBES), sub.text);
}

static void
fill(struct agentconf *c, struct err *e)
{
	const char *name = settings_str(c->set, SET_HOSTNAME);
	const char *version = settings_str(c->set, SET_AGENT_VERSION);
	const char *cache = settings_str(c->set, SET_TOKEN_CACHE);
	const char *sub_dir = settings_str(c->set, SET_REPO_SUBDIR);
	struct err sub = { 0 };

	c->state_dir = state_dir(c->set);
	c->user = user_name();
	c->kind = (enum deploy_kind)deploy_kind_parse(
	    settings_str(c->set, SET_HOST_KIND));
	c->interval = settings_int(c->set, SET_INTERVAL);
	c->version = version != NULL ? version : NIXFLEET_VERSION;
	c->control_socket = control_socket(c->set, c->state_dir);
	c->token_cache = cache != NULL ? str_dup(cache) :
	    file_join(c->state_dir, "token");
	c->hostname = name != NULL ? str_dup(name) : system_hostname();
	if (names_hostname_check(c->hostname, &sub) == -1)
		wrong(e, "NIXFLEET_HOSTNAME (%s): %s", name != NULL ?
		    settings_origin(c->set, SET_HOSTNAME) :
		    "the machine's own name", sub.text);
	fill_repo(c, e);
	fill_probes(c, e);
	if (c->legacy_dir == NULL && settings_bool(c->set,
	    SET_REPO_SUBMODULES))
		c->build_dir = file_join(c->state_dir, "git/source");
	fill_follow(c, e);
	if (c->repo_dir != NULL && sub_dir != NULL)
		c->flake_dir = file_join(c->repo_dir, sub_dir);
	else
		c->flake_dir = str_dup(c->repo_dir);
}

int
agentconf_load(enum agentconf_use use, const char *const *env,
    struct agentconf **out, struct settings **partial, struct err *e)
{
	struct agentconf *c = str_alloc(sizeof(*c));
	struct err found = { 0 };

	if (settings_load(SETTINGS_AGENT, env, &c->set, e) == -1) {
		agentconf_free(&c);
		return (-1);
	}
	fill(c, &found);
	if (use == AGENTCONF_DAEMON)
		fill_hub(c, &found);
	if (found.code != ERR_NONE) {
		if (e != NULL)
			*e = found;
		if (partial != NULL) {
			*partial = c->set;
			c->set = NULL;
		}
		agentconf_free(&c);
		return (-1);
	}
	*out = c;
	return (0);
}

void
agentconf_free(struct agentconf **cp)
{
	struct agentconf *c = *cp;

	if (c == NULL)
		return;
	settings_free(&c->set);
	url_free(&c->url);
	probe_free(&c->probes);
	free(c->url_text);
	free(c->state_dir);
	free(c->repo_dir);
	free(c->flake_dir);
	free(c->build_dir);
	free(c->legacy_dir);
	free(c->hostname);
	free(c->user);
	free(c->control_socket);
	free(c->token_cache);
	free(c);
	*cp = NULL;
}

void
agentconf_repo(const struct agentconf *c, struct repo_conf *r)
{

	memset(r, 0, sizeof(*r));
	r->url = settings_str(c->set, SET_REPO_URL);
	r->branch = settings_str(c->set, SET_BRANCH);
	r->dir = c->repo_dir;
	r->state_dir = c->state_dir;
	r->ssh_key = settings_str(c->set, SET_SSH_KEY);
	r->known_hosts = settings_str(c->set, SET_SSH_KNOWN_HOSTS);
	r->token_file = settings_str(c->set, SET_REPO_TOKEN_FILE);
	r->submodules = c->build_dir != NULL;
	r->depth = (int)settings_int(c->set, SET_REPO_DEPTH);
	r->legacy_dir = c->legacy_dir;
	r->commit_name = settings_str(c->set, SET_COMMIT_NAME);
	r->commit_email = settings_str(c->set, SET_COMMIT_EMAIL);
	r->fetch_timeout_ms = settings_int(c->set, SET_FETCH_TIMEOUT) * 1000;
	r->upkeep_s = settings_int(c->set, SET_REPO_UPKEEP);
	r->upkeep_timeout_ms = settings_int(c->set,
	    SET_REPO_UPKEEP_TIMEOUT) * 1000;
	r->signing_key = settings_str(c->set, SET_COMMIT_SIGNING_KEY);
	r->allowed_signers = settings_str(c->set, SET_TRUST_ALLOWED_SIGNERS);
	r->gpg_keys = settings_str(c->set, SET_TRUST_GPG_KEYS);
	r->fast_forward = str_eq(settings_str(c->set, SET_TRUST_HISTORY),
	    "fast-forward");
	r->subdir = settings_str(c->set, SET_REPO_SUBDIR);
	r->seed = settings_str(c->set, SET_REPO_SEED);
	r->stop_fd = -1;
}

void
agentconf_deploy(const struct agentconf *c, struct deploy_conf *d)
{

	memset(d, 0, sizeof(*d));
	d->kind = c->kind;
	d->host = c->hostname;
	d->user = c->user;
	d->repo_dir = c->repo_dir;
	d->build_dir = c->build_dir;
	d->flake_dir = settings_str(c->set, SET_REPO_SUBDIR);
	d->flake_attr = settings_str(c->set, SET_FLAKE_ATTR);
	d->profile = settings_str(c->set, SET_PROFILE);
	d->activate_program = settings_str(c->set, SET_ACTIVATE_PROGRAM);
	d->rebuild_command = settings_str(c->set, SET_REBUILD_COMMAND);
	d->backup_extension = settings_str(c->set, SET_BACKUP_EXTENSION);
	d->state_dir = c->state_dir;
	d->activate_path = settings_str(c->set, SET_ACTIVATE);
	d->service_socket = settings_str(c->set, SET_ACTIVATE_SOCKET);
	d->service_dir = SERVICE_STATE;
	d->by_service = str_eq(settings_str(c->set, SET_ACTIVATE_BY),
	    "service");
	d->shallow = settings_int(c->set, SET_REPO_DEPTH) > 0;
	d->build_timeout = settings_int(c->set, SET_BUILD_TIMEOUT) * 1000;
	d->activate_timeout =
	    settings_int(c->set, SET_ACTIVATE_TIMEOUT) * 1000;
	d->confirm_timeout = settings_int(c->set, SET_CONFIRM_TIMEOUT) * 1000;
	d->commit_late = str_eq(settings_str(c->set, SET_ACTIVATE_MODE),
	    "test-then-commit");
	d->test_timeout = settings_int(c->set, SET_TEST_TIMEOUT) * 1000;
	d->keep_generations = settings_int(c->set, SET_KEEP_GENERATIONS);
	d->stop_fd = -1;
}

/* Is it a setting that holds a secret? */
static bool
secret(const char *name)
{
	size_t i;

	for (i = 0; i < SET_COUNT; i++)
		if (str_eq(settings_table[i].name, name))
			return (settings_table[i].flags & SETTING_SECRET);
	return (false);
}

void
agentconf_child_env(const char *const *env, struct proc_env *out)
{
	const char *eq;
	char *name;

	for (; *env != NULL; env++) {
		if ((eq = strchr(*env, '=')) == NULL)
			continue;
		name = str_ndup(*env, (size_t)(eq - *env));
		if (!secret(name) && !childenv_service(name))
			proc_env_set(out, name, eq + 1);
		free(name);
	}
}
