#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actclient.h"
#include "actcommand.h"
#include "deploy.h"
#include "file.h"
#include "flakeref.h"
#include "nixstore.h"
#include "platform.h"
#include "str.h"

static const char *const kinds[] = {
	[DEPLOY_NIXOS] = "nixos", [DEPLOY_DARWIN] = "darwin",
	[DEPLOY_HOME] = "home", [DEPLOY_CUSTOM] = "custom",
};
static const char *const modes[] = {
	[DEPLOY_SWITCH] = "switch", [DEPLOY_BOOT] = "boot",
	[DEPLOY_TEST] = "test", [DEPLOY_DRY] = "dry-activate",
	[DEPLOY_TRIAL] = "test-then-commit",
};
static const char *const outcomes[] = {
	[DEPLOY_OK] = "ok", [DEPLOY_FAILED] = "failed",
	[DEPLOY_REFUSED] = "refused", [DEPLOY_STOPPED] = "stopped",
	[DEPLOY_TIMED_OUT] = "timed_out", [DEPLOY_ROLLED_BACK] = "rolled_back",
	[DEPLOY_INTERRUPTED] = "interrupted",
};
static const char *const statuses[] = {
	[DEPLOY_ST_OK] = "ok", [DEPLOY_ST_OUTDATED] = "outdated",
	[DEPLOY_ST_ERROR] = "error", [DEPLOY_ST_UNKNOWN] = "unknown",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int
parse(const char *const *words, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(words[i], word))
			return ((int)i);
	return (-1);
}

int
deploy_kind_parse(const char *word)
{
	return (parse(kinds, COUNT(kinds), word));
}

const char *
deploy_kind_name(enum deploy_kind k)
{
	return (kinds[k]);
}

int
deploy_mode_parse(const char *word)
{
	return (parse(modes, COUNT(modes), word));
}

const char *
deploy_mode_name(enum deploy_mode m)
{
	return (modes[m]);
}

int
deploy_outcome_parse(const char *word)
{
	return (parse(outcomes, COUNT(outcomes), word));
}

const char *
deploy_outcome_name(enum deploy_outcome o)
{
	return (outcomes[o]);
}

const char *
deploy_status_name(enum deploy_status s)
{
	return (statuses[s]);
}

enum deploy_outcome
deploy_outcome_of(const struct err *e)
{
	switch (e->code) {
	case ERR_NONE:
		return (DEPLOY_OK);
	case ERR_STOPPED:
		return (DEPLOY_STOPPED);
	case ERR_TIMEOUT:
		return (DEPLOY_TIMED_OUT);
	case ERR_REFUSED:
	case ERR_BUSY:
		return (DEPLOY_REFUSED);
	default:
		return (DEPLOY_FAILED);
	}
}

static bool
is_set(const char *s)
{
	return (s != NULL && s[0] != '\0');
}

static int
check_root(const struct deploy_conf *c, struct err *e)
{
	const char *command = c->kind == DEPLOY_NIXOS ? "nixos-rebuild" :
	    "darwin-rebuild";

	if (geteuid() == 0 || is_set(c->rebuild_command) ||
	    actclient_wanted(c))
		return (0);
	return (err_set(e, ERR_REFUSED, "activating a %s system needs root, "
	    "and we are not root: start nixfleet-activate.socket, or set "
	    "NIXFLEET_REBUILD_COMMAND to a command that may become root, for "
	    "example \"sudo %s\"", kinds[c->kind], command));
}

static int
check_programs(const struct deploy_conf *c, struct err *e)
{
	if (str_eq(kinds[c->kind], platform_foreign_kind))
		return (err_set(e, ERR_REFUSED, "NIXFLEET_HOST_KIND is %s, "
		    "but this is %s", kinds[c->kind], platform_name));
	if (is_set(c->activate_path) && (file_is_dir(c->activate_path) ||
	    access(c->activate_path, X_OK) == -1))
		return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE \"%s\" "
		    "is not there or cannot be run by us: give the path of "
		    "nixfleet-activate", c->activate_path));
	return (0);
}

/* To test and commit later there must be one who waits in between. */
static int
check_commit(const struct deploy_conf *c, struct err *e)
{
	if (!c->commit_late)
		return (0);
	if (c->kind != DEPLOY_NIXOS)
		return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE_MODE "
		    "test-then-commit is for hosts of kind nixos: the "
		    "activation of kind %s cannot test", kinds[c->kind]));
	if (actclient_wanted(c))
		return (0);
	return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE_MODE "
	    "test-then-commit needs the activation service: start "
	    "nixfleet-activate.socket, and do not set "
	    "NIXFLEET_REBUILD_COMMAND"));
}

/* Who wants the service must have no other way, and a service. */
static int
check_by_service(const struct deploy_conf *c, struct err *e)
{
	if (!c->by_service)
		return (0);
	if (c->kind == DEPLOY_HOME)
		return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE_BY is "
		    "service, but a host of kind home is activated by the "
		    "user itself: remove it"));
	if (actcommand_rebuilds(c))
		return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE_BY is "
		    "service, and NIXFLEET_REBUILD_COMMAND is \"%s\": remove "
		    "one of them", c->rebuild_command));
	if (!actclient_there(c))
		return (err_set(e, ERR_REFUSED, "NIXFLEET_ACTIVATE_BY is "
		    "service, but there is no socket %s: start "
		    "nixfleet-activate.socket", c->service_socket));
	return (0);
}

int
deploy_check(const struct deploy_conf *c, struct err *e)
{
	if (flakeref_check(c, NULL, e) == -1 || check_programs(c, e) == -1)
		return (-1);
	if (c->kind == DEPLOY_CUSTOM && !is_set(c->flake_attr))
		return (err_set(e, ERR_REFUSED, "host kind custom: set "
		    "NIXFLEET_FLAKE_ATTR to the attribute to build, for "
		    "example packages.x86_64-linux.{host}"));
	if (c->kind == DEPLOY_CUSTOM && !is_set(c->profile))
		return (err_set(e, ERR_REFUSED, "host kind custom: set "
		    "NIXFLEET_PROFILE to the profile to keep, an absolute "
		    "path"));
	if (is_set(c->profile) && (c->profile[0] != '/' ||
	    strstr(c->profile, "/../") != NULL))
		return (err_set(e, ERR_INPUT, "NIXFLEET_PROFILE \"%s\" must be "
		    "an absolute path", c->profile));
	if ((c->kind == DEPLOY_NIXOS || c->kind == DEPLOY_DARWIN) &&
	    check_root(c, e) == -1)
		return (-1);
	return (check_by_service(c, e) == -1 ? -1 : check_commit(c, e));
}

int
deploy_check_service(const struct deploy_conf *c, struct err *e)
{
	struct actrequest req = { 0 };
	int r;

	if (!actclient_wanted(c))
		return (0);
	req.verb = str_dup(actrequest_verb_name(ACTVERB_STATUS));
	actclient_host(c, &req);
	if ((r = actclient_ask(c, &req, e)) == -1)
		err_wrap(e, "the activation service (nixfleet-activate.socket)"
		    " is of no use to this host");
	actrequest_free(&req);
	return (r);
}

bool
deploy_confirms(const struct deploy_conf *c)
{
	return (actclient_wanted(c) && c->confirm_timeout > 0);
}

int
deploy_reboot(const struct deploy_conf *c, struct err *e)
{
	struct actrequest req = { 0 };
	int r;

	if (!actclient_wanted(c))
		return (err_set(e, ERR_NOTFOUND, "there is no activation "
		    "service"));
	req.verb = str_dup(actrequest_verb_name(ACTVERB_REBOOT));
	r = actclient_ask(c, &req, e);
	actrequest_free(&req);
	return (r);
}

static char *
home_profile(const struct deploy_conf *c)
{
	const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
	const struct passwd *pw;
	char *dir, *path, *user;

	/* Where home-manager itself looks: XDG first, then per-user. */
	if (is_set(state))
		dir = file_join(state, "nix/profiles");
	else {
		if (!is_set(home))
			home = (pw = getpwuid(geteuid())) == NULL ? "/" :
			    pw->pw_dir;
		dir = file_join(home, ".local/state/nix/profiles");
	}
	user = flakeref_user(c);
	path = str_printf("%s/profiles/per-user/%s", nixstore_state_dir(),
	    user);
	free(user);
	if (!file_is_dir(dir) && file_is_dir(path)) {
		free(dir);
		dir = path;
	} else
		free(path);
	path = file_join(dir, "home-manager");
	free(dir);
	return (path);
}

char *
deploy_profile(const struct deploy_conf *c)
{
	if (is_set(c->profile))
		return (str_dup(c->profile));
	if (c->kind == DEPLOY_HOME)
		return (home_profile(c));
	return (file_join(nixstore_state_dir(), "profiles/system"));
}
