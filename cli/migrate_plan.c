#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "migrate_plan.h"
#include "proc.h"
#include "str.h"

#define GIT_DEADLINE 10000
#define SYSTEM_STATE "/var/lib/nixfleet-agent"
#define HOME_REPO    "/.local/state/nixfleet-agent/repo"
#define ADDRESS	     "ADDRESS-OF-THE-REPOSITORY"
#define PLAIN                                                                  \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	"@%+=:,./-_"

extern char **environ;

static bool
by_module(const struct migrate_setup *s)
{
	return (s->form != MIGRATE_ENV && s->form != MIGRATE_LAUNCHD);
}

/* Does the new agent run as a user of its own? */
static bool
own_user(const struct migrate_setup *s)
{
	return (s->form == MIGRATE_NIXOS || s->form == MIGRATE_ENV);
}

/* Where secrets are in the examples of this form's page. */
static const char *
secret(const struct migrate_setup *s, const char *name, char out[128])
{
	const char *folder =
	    s->form == MIGRATE_NIXOS || s->form == MIGRATE_DARWIN
	    ? "/run/agenix/nixfleet-"
	    : "/etc/nixfleet/";
	const char *home = getenv("HOME");

	if ((s->form == MIGRATE_HOME || s->form == MIGRATE_LAUNCHD) &&
	    home != NULL)
		snprintf(out, 128, "%.80s/.config/nixfleet/%s", home, name);
	else
		snprintf(out, 128, "%s%s", folder, name);
	return (out);
}

static void __attribute__((format(printf, 3, 4)))
change(struct migrate_plan *p, const char *what, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(
	    p->changes, json_pack("{s:s, s:s}", "what", what, "text", text));
}

/* One word for a shell, whatever is in it; the caller frees. */
static char *
shell_word(const char *s)
{
	struct buf b = { 0 };

	if (*s != '\0' && s[strspn(s, PLAIN)] == '\0')
		return (str_dup(s));
	buf_adds(&b, "'");
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			buf_adds(&b, "'\\'");
		buf_add(&b, s, 1);
	}
	buf_adds(&b, "'");
	return (buf_take(&b));
}

/* A step and its command; NULL: none. */
static void
step(struct migrate_plan *p, const char *text, char *command)
{
	json_array_append_new(p->steps,
	    json_pack("{s:s, s:o}", "text", text, "commands",
		command == NULL ? json_array() : json_pack("[s]", command)));
	free(command);
}

static void
put(struct migrate_plan *p, enum setting i, const char *value)
{
	char *copy = str_dup(value);

	free(p->value[i]);
	p->value[i] = copy;
}

/* An https address without the name and password in it. */
static bool
without_secret(struct migrate_plan *p, const char *url)
{
	const char *at,
	    *from = str_prefix(url, "https://") ? url + 8
	    : str_prefix(url, "http://")	? url + 7
						: NULL;
	char *clean;

	if (from == NULL || (at = strchr(from, '@')) == NULL ||
	    at > from + strcspn(from, "/"))
		return (false);
	clean = str_printf("%.*s%s", (int)(from - url), url, at + 1);
	put(p, SET_REPO_URL, clean);
	free(clean);
	return (true);
}

/* Where the checkout's origin is, from its configuration alone. */
static char *
origin_of(const char *checkout)
{
	char *file = str_printf("%s/.git/config", checkout);
	const char *argv[] = { "git", "config", "--file", file, "--get",
		"remote.origin.url", NULL };
	struct proc_spec spec = { .argv = argv,
		.env = (const char *const *)environ,
		.deadline = GIT_DEADLINE,
		.stop_fd = -1,
		.keep_out = 4096,
		.keep_err = 4096 };
	struct proc_result res = { 0 };
	char *url = NULL, *text;

	if (proc_run(&spec, &res, NULL) == 0 && res.end == PROC_EXITED &&
	    res.code == 0 && res.out.len > 0) {
		text = str_trim(res.out.data);
		url = *text == '/' ? str_printf("file://%s", text)
				   : str_dup(text);
	}
	proc_result_free(&res);
	free(file);
	return (url);
}

/* The branch that is checked out, or NULL. */
static char *
branch_of(const char *checkout)
{
	static const char ref[] = "ref: refs/heads/";
	char *path = str_printf("%s/.git/HEAD", checkout);
	struct buf b = { 0 };
	char *branch = NULL;

	if (file_read(path, 4096, &b, NULL) == 0 && b.data != NULL &&
	    str_prefix(b.data, ref))
		branch = str_dup(str_trim(b.data + strlen(ref)));
	buf_free(&b);
	free(path);
	return (branch);
}

static bool
is_ssh(const char *url)
{
	return (str_prefix(url, "ssh://") || strstr(url, "://") == NULL);
}

static void
deploy_key(struct migrate_plan *p)
{
	char file[128];

	if (p->value[SET_SSH_KEY] != NULL || !is_ssh(p->value[SET_REPO_URL]))
		return;
	put(p, SET_SSH_KEY, secret(p->setup, "deploy-key", file));
	change(p, "deploy key",
	    "the agent reads the repository with a key of "
	    "its own, not with a person's");
	step(p,
	    "make a key without a passphrase, give its public half to the "
	    "git server as a deploy key, and put its private half where "
	    "the new configuration says (docs/how-to/deploy-key.md)",
	    str_dup("ssh-keygen -t ed25519 -N \"\" -C nixfleet "
		    "-f nixfleet-deploy-key"));
}

/* Address and branch of a person's checkout, where nothing else is said. */
static void
from_checkout(struct migrate_plan *p, const char *dir)
{
	char *url = origin_of(dir), *branch = branch_of(dir);
	char *word = shell_word(dir);

	put(p, SET_REPO_URL, url == NULL ? ADDRESS : url);
	if (url == NULL)
		step(p,
		    "find the repository's address and put it in the place "
		    "of " ADDRESS,
		    str_printf("git -C %s remote get-url origin", word));
	if (branch != NULL && !migrate_setup_has(p->setup, SET_BRANCH) &&
	    !str_eq(branch, "main"))
		put(p, SET_BRANCH, branch);
	free(word);
	free(url);
	free(branch);
}

static void
credentials(struct migrate_plan *p)
{
	const char *url = p->value[SET_REPO_URL];
	char file[128];

	if (url == NULL || !without_secret(p, url))
		return;
	put(p, SET_REPO_TOKEN_FILE, secret(p->setup, "repo-token", file));
	change(p, "repository's token",
	    "it is in the address, where logs and "
	    "process lists show it; it moves to a file of its own");
	step(p,
	    "write the token of the repository's address to the file that "
	    "the new configuration names, mode 0600",
	    NULL);
}

/* The agent is to have a clone of its own. */
static void
repository(struct migrate_plan *p)
{
	const char *dir = p->value[SET_NIXCFG];
	char *word;

	if (dir != NULL && p->value[SET_REPO_URL] == NULL)
		from_checkout(p, dir);
	credentials(p);
	if (dir == NULL)
		return;
	change(p, "repository",
	    "the agent makes a private clone of %s and "
	    "follows its branch; %s stays as it is, and the agent does not "
	    "look at it again",
	    p->value[SET_REPO_URL], dir);
	word = shell_word(dir);
	step(p,
	    "commit and push what is only in the checkout: it will not be "
	    "in the agent's clone",
	    str_printf("git -C %s status --short "
		       "--branch",
		word));
	free(word);
	put(p, SET_NIXCFG, NULL);
	deploy_key(p);
}

static void
token(struct migrate_plan *p)
{
	const char *in_store = p->value[SET_TOKEN_FILE];
	char file[128];

	if (in_store != NULL && str_prefix(in_store, "/nix/store/")) {
		put(p, SET_TOKEN_FILE, secret(p->setup, "token", file));
		change(p, "token",
		    "its file is in the Nix store, where "
		    "everybody can read it");
		step(p,
		    "let the hub have another token and put it where the "
		    "new configuration says (docs/how-to/rotate.md)",
		    NULL);
	}
	if (p->setup->token_file != NULL && p->value[SET_TOKEN_FILE] == NULL)
		put(p, SET_TOKEN_FILE, p->setup->token_file);
	if (p->value[SET_TOKEN_FILE] == NULL &&
	    (p->value[SET_TOKEN] != NULL || p->setup->v3)) {
		put(p, SET_TOKEN_FILE, secret(p->setup, "token", file));
		step(p,
		    "write the agent's token, and nothing else, to the "
		    "file that the new configuration names, mode 0600",
		    NULL);
		if (!p->setup->v3)
			change(p, "token",
			    "a secret stands in a file of its "
			    "own");
	}
	put(p, SET_TOKEN, NULL);
}

/* Who runs what where; only what is different from before. */
static void
user(struct migrate_plan *p, bool was_legacy)
{
	const struct migrate_setup *s = p->setup;
	const char *who = s->user == NULL ? "its user" : s->user;

	if (!own_user(s) || !(s->v3 || was_legacy) ||
	    str_eq(s->user, "nixfleet-agent"))
		return;
	change(p, "user",
	    "the agent runs as nixfleet-agent, a system user "
	    "without root and without sudo, and no longer as %s",
	    who);
	change(p, "permissions",
	    s->form == MIGRATE_NIXOS
		? "systemd reads token and key as root: their files may belong "
		  "to "
		  "root, mode 0400"
		: "token and key belong to nixfleet-agent, mode "
		  "0600");
	if (s->v3)
		change(p, "sudo",
		    "the activation service switches; rules "
		    "that let %s run nixos-rebuild are not needed",
		    who);
}

static void
directories(struct migrate_plan *p, bool was_legacy)
{
	const struct migrate_setup *s = p->setup;
	const char *dir = p->value[SET_REPO_DIR];

	if (dir != NULL &&
	    (str_eq(dir, SYSTEM_STATE "/repo") || str_suffix(dir, HOME_REPO)))
		put(p, SET_REPO_DIR, NULL);
	if (s->v3)
		put(p, SET_TOKEN_CACHE, NULL);
	if (!(s->v3 || was_legacy))
		return;
	if (!own_user(s)) {
		change(p, "directories",
		    "the agent keeps all that it has in "
		    "%s, mode 0700",
		    s->form == MIGRATE_DARWIN
			? SYSTEM_STATE
			: "~/.local/state/nixfleet-agent");
		return;
	}
	change(p, "directories",
	    "the agent keeps all that it has in " SYSTEM_STATE
	    ", mode 0700, which belongs to nixfleet-agent");
	if (s->v3 && !was_legacy)
		step(p,
		    "stop the old agent and remove its clone; the new "
		    "one makes its own",
		    str_dup("systemctl stop "
			    "nixfleet-agent && rm -rf " SYSTEM_STATE "/repo"));
}

static void
from_v3(struct migrate_plan *p)
{
	const struct migrate_setup *s = p->setup;

	if (!s->v3)
		return;
	if (by_module(s)) {
		change(p, "flake input",
		    "nixfleet becomes this project; the "
		    "modules' names stay");
		step(p,
		    "let the flake's input nixfleet be this project, put "
		    "the new configuration in the place of the old one, and "
		    "switch by hand once",
		    NULL);
		put(p, SET_AGENT_VERSION, NULL);
	} else
		step(p,
		    s->form == MIGRATE_ENV
			? "install this agent's "
			  "service and put the new configuration into "
			  "/etc/nixfleet/agent.conf"
			: "let NIXFLEET_CONFIG of this "
			  "agent's job name a file with the new configuration",
		    NULL);
	change(p, "version",
	    "a hub of v3 shows the host as outdated until "
	    "%s is that hub's version",
	    by_module(s) ? "the option version"
			 : settings_table[SET_AGENT_VERSION].name);
	change(p, "token",
	    "the shared token only enrols: the host gets one "
	    "of its own at its first contact with a hub of ours");
	change(p, "switch",
	    "a new configuration that cuts the host off is "
	    "taken back by itself");
}

/*
 * Outside of Nix nobody hands the agent its secrets, and what lies in a
 * person's home it cannot see: it has copies of its own.
 */
static void
own_secrets(struct migrate_plan *p, bool was_legacy)
{
	static const struct {
		enum setting i;
		const char *name;
	} files[] = {
		{ SET_TOKEN_FILE, "token" },
		{ SET_SSH_KEY, "deploy-key" },
		{ SET_REPO_TOKEN_FILE, "repo-token" },
	};
	json_t *commands;
	char file[128], *text, *word;

	if (p->setup->form != MIGRATE_ENV || !(p->setup->v3 || was_legacy))
		return;
	commands = json_array();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *old = p->value[files[i].i];

		if (old == NULL)
			continue;
		secret(p->setup, files[i].name, file);
		word = shell_word(old);
		text = str_eq(old, file)
		    ? str_printf("chown nixfleet-agent: %s", file)
		    : str_printf("install -o nixfleet-agent -m 0600 %s %s",
			  word, file);
		free(word);
		json_array_append_new(commands, json_string(text));
		free(text);
		put(p, files[i].i, file);
	}
	json_array_append_new(p->steps,
	    json_pack("{s:s, s:o}", "text",
		"let the agent's user have the secrets, and nobody else",
		"commands", commands));
}

/* What the modules set themselves. */
static bool
modules_own(enum setting i)
{
	return (i == SET_STATE_DIR || i == SET_HOST_KIND || i == SET_ACTIVATE ||
	    i == SET_CONTROL_SOCKET);
}

static void
copy(struct migrate_plan *p)
{
	for (int i = 0; i < SET_COUNT; i++) {
		const struct setting_def *d = &settings_table[i];
		const char *text;

		if (!(d->programs & SETTINGS_AGENT) || i == SET_CONFIG ||
		    !migrate_setup_has(p->setup, (enum setting)i) ||
		    (by_module(p->setup) && modules_own((enum setting)i)))
			continue;
		text = settings_str(p->setup->set, (enum setting)i);
		if (!str_eq(text, d->fallback))
			put(p, (enum setting)i, text);
	}
}

void
migrate_plan_make(const struct migrate_setup *s, struct migrate_plan *p)
{
	bool legacy = migrate_setup_has(s, SET_NIXCFG);

	memset(p, 0, sizeof(*p));
	p->setup = s;
	p->changes = json_array();
	p->steps = json_array();
	copy(p);
	repository(p);
	token(p);
	user(p, legacy);
	directories(p, legacy);
	from_v3(p);
	own_secrets(p, legacy);
}

void
migrate_plan_done(struct migrate_plan *p)
{
	for (int i = 0; i < SET_COUNT; i++)
		str_wipefree(&p->value[i]);
	json_decref(p->changes);
	json_decref(p->steps);
}
