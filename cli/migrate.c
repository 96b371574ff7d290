#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "migrate.h"
#include "migrate_plan.h"
#include "migrate_text.h"
#include "out.h"
#include "show.h"
#include "str.h"

extern char **environ;

/* Where an agent's service is told, nearest first; ~ is the home directory. */
static const char *const places[] = {
	"/etc/systemd/system/nixfleet-agent.service",
	"/run/systemd/system/nixfleet-agent.service",
	"/usr/lib/systemd/system/nixfleet-agent.service",
	"/lib/systemd/system/nixfleet-agent.service",
	"~/.config/systemd/user/nixfleet-agent.service",
	"~/Library/LaunchAgents/com.nixfleet.agent.plist",
	"/Library/LaunchDaemons/com.nixfleet.agent.plist",
	"/etc/nixfleet/agent.conf",
};
/* And where configurations are that nobody has switched to. */
static const char *const folders[] = {
	"/etc/nixos/flake.nix",
	"/etc/nixos/configuration.nix",
	"~/.config/home-manager/flake.nix",
	"~/.config/home-manager/home.nix",
	"~/.config/nixpkgs/home.nix",
};

/* The first that is there; the caller frees. */
static char *
find(const char *const *list, size_t n)
{
	const char *home = getenv("HOME");
	char *path;

	for (size_t i = 0; i < n; i++) {
		if (list[i][0] != '~')
			path = str_dup(list[i]);
		else if (home != NULL)
			path = str_printf("%s%s", home, list[i] + 1);
		else
			continue;
		if (file_exists(path))
			return (path);
		free(path);
	}
	return (NULL);
}

static bool
in_environment(void)
{
	static const char *const names[] = { "NIXFLEET_REPO_URL",
		"NIXFLEET_NIXCFG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]) != NULL)
			return (true);
	return (false);
}

/* The host of a flake that is meant: named, this machine, or NULL for all. */
static const char *
host_of(const struct verb_call *call, char own[HOST_NAME_MAX + 1])
{
	if (call->options & OPTION_ALL)
		return (NULL);
	if (call->nargs > 1)
		return (call->args[1]);
	own[0] = '\0';
	(void)gethostname(own, HOST_NAME_MAX);
	own[HOST_NAME_MAX] = '\0';
	own[strcspn(own, ".")] = '\0';
	return (own);
}

/* A path as it was given or found. */
static int
read_path(const struct verb_call *call, const char *path,
    struct migrate_setup **out, struct err *e)
{
	char own[HOST_NAME_MAX + 1], *flake, *dir;
	const char *host = host_of(call, own);
	bool has_flake;
	int rc;

	if (!file_exists(path))
		return (err_set(e, ERR_NOTFOUND, "%s does not exist", path));
	if (str_suffix(path, "/flake.nix")) {
		dir = file_dirname(path);
		rc = migrate_setup_nix(dir, host, out, e);
		free(dir);
		return (rc);
	}
	if (str_suffix(path, ".nix"))
		return (migrate_setup_nix(path, NULL, out, e));
	if (!file_is_dir(path))
		return (migrate_setup_file(path, out, e));
	flake = file_join(path, "flake.nix");
	has_flake = file_exists(flake);
	free(flake);
	if (has_flake)
		return (migrate_setup_nix(path, host, out, e));
	dir = file_join(path, "configuration.nix");
	rc = file_exists(dir) ? migrate_setup_nix(dir, NULL, out, e)
			      : err_set(e, ERR_NOTFOUND,
				    "%s has neither a flake.nix nor a "
				    "configuration.nix",
				    path);
	free(dir);
	return (rc);
}

static int
read_found(
    const struct verb_call *call, struct migrate_setup **out, struct err *e)
{
	char *path = find(places, sizeof(places) / sizeof(places[0]));
	int rc;

	if (path == NULL && in_environment())
		return (migrate_setup_environment(
		    (const char *const *)environ, out, e));
	if (path == NULL)
		path = find(folders, sizeof(folders) / sizeof(folders[0]));
	if (path == NULL)
		return (err_set(e, ERR_NOTFOUND,
		    "no agent's service, "
		    "environment or Nix configuration was found on this "
		    "machine; name one: nixfleet migrate PATH"));
	rc = read_path(call, path, out, e);
	free(path);
	return (rc);
}

static void
print_list(const json_t *list, const char *title, bool steps)
{
	json_t *item, *command;
	size_t i, j;

	if (json_array_size(list) == 0)
		return;
	out_linef("%s", "");
	out_linef("%s", title);
	json_array_foreach (list, i, item) {
		if (!steps) {
			out_linef("  %-20s %s", show_str(item, "what"),
			    show_str(item, "text"));
			continue;
		}
		out_linef("  %zu. %s", i + 1, show_str(item, "text"));
		json_array_foreach (
		    json_object_get(item, "commands"), j, command)
			out_linef("       %s", json_string_value(command));
	}
}

static void
print_text(const struct migrate_plan *p, const char *text)
{
	const struct migrate_setup *s = p->setup;
	const char *line = text;
	size_t n;

	out_linef("%s%s%s: %s", s->source, s->host == NULL ? "" : ", host ",
	    s->host == NULL ? "" : s->host,
	    s->v3 ? "an agent of NixFleet v3" : "an agent of ours");
	if (json_array_size(p->changes) == 0) {
		out_linef("It is migrated; there is nothing to do.");
		return;
	}
	out_linef("%s", "");
	out_linef("The new configuration:");
	out_linef("%s", "");
	for (; *line != '\0'; line += n + 1) {
		n = strcspn(line, "\n");
		out_line("", line, n);
	}
	print_list(p->changes, "What changes:", false);
	print_list(p->steps, "To do, in this order:", true);
}

static void
print_json(const struct migrate_plan *p, const char *text)
{
	static const char *const forms[] = {
		[MIGRATE_NIXOS] = "nixos",
		[MIGRATE_DARWIN] = "darwin",
		[MIGRATE_HOME] = "home",
		[MIGRATE_LAUNCHD] = "launchd",
		[MIGRATE_ENV] = "env",
	};
	const struct migrate_setup *s = p->setup;
	bool done = json_array_size(p->changes) == 0;
	json_t *o = json_pack("{s:s, s:s?, s:b, s:s, s:b, s:s?, s:O, s:O}",
	    "source", s->source, "host", s->host, "v3", s->v3, "for",
	    forms[s->form], "migrated", done, "configuration",
	    done ? NULL : text, "changes", p->changes, "steps", p->steps);

	out_json(o);
	json_decref(o);
}

int
migrate_run(const struct verb_call *call)
{
	struct migrate_setup *list = NULL;
	struct migrate_plan plan;
	struct err e;
	char *text;
	int rc;

	rc = call->nargs > 0 ? read_path(call, call->args[0], &list, &e)
			     : read_found(call, &list, &e);
	if (rc == -1)
		return (out_error(&e));
	for (struct migrate_setup *s = list; s != NULL; s = s->next) {
		migrate_plan_make(s, &plan);
		text = migrate_text(&plan);
		if (call->options & OPTION_JSON)
			print_json(&plan, text);
		else
			print_text(&plan, text);
		free(text);
		migrate_plan_done(&plan);
	}
	migrate_setup_free(&list);
	return (VERB_OK);
}
