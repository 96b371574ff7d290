#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actcommand.h"
#include "flakeref.h"
#include "str.h"

static bool
is_set(const char *s)
{
	return (s != NULL && s[0] != '\0');
}

bool
actcommand_rebuilds(const struct deploy_conf *c)
{
	return ((c->kind == DEPLOY_NIXOS || c->kind == DEPLOY_DARWIN) &&
	    is_set(c->rebuild_command));
}

/* Takes ${word}. */
static void
add(struct actcommand *cmd, char *word)
{
	cmd->argv = realloc(cmd->argv, (cmd->n + 2) * sizeof(*cmd->argv));
	if (cmd->argv == NULL)
		abort();
	cmd->argv[cmd->n++] = word;
	cmd->argv[cmd->n] = NULL;
}

/* An option with its value, unless that is not set. */
static void
add_option(struct actcommand *cmd, const char *name, const char *value)
{
	if (!is_set(value))
		return;
	add(cmd, str_dup(name));
	add(cmd, str_dup(value));
}

static void
add_words(struct actcommand *cmd, const char *words)
{
	size_t n;

	for (words += strspn(words, " \t"); *words != '\0';
	     words += strspn(words, " \t")) {
		n = strcspn(words, " \t");
		add(cmd, str_ndup(words, n));
		words += n;
	}
}

/* "sudo nixos-rebuild switch --flake URL#HOST" */
static void
add_rebuild(struct actcommand *cmd, const struct deploy_conf *c,
    const struct deploy_request *req, bool rollback)
{
	char *url, *registry;

	add(cmd, str_dup("--"));
	add_words(cmd, c->rebuild_command);
	add(cmd, str_dup(deploy_mode_name(req->mode)));
	if (rollback) {
		add(cmd, str_dup("--rollback"));
		return;
	}
	url = flakeref_url(c, req->rev);
	add(cmd, str_dup("--flake"));
	add(cmd, str_printf("%s#%s", url, c->host));
	free(url);
	if ((registry = flakeref_registry(c)) != NULL) {
		add(cmd, str_dup("--option"));
		add(cmd, str_dup("flake-registry"));
		add(cmd, registry);
	}
}

static int
check(const struct deploy_conf *c, const struct deploy_request *req,
    bool rollback, struct err *e)
{
	if (!actcommand_rebuilds(c))
		return (0);
	if (rollback && req->generation != 0)
		return (err_set(e, ERR_REFUSED, "NIXFLEET_REBUILD_COMMAND can "
		    "only go back to the previous generation, not to %lld",
		    (long long)req->generation));
	if (rollback)
		return (0);
	if (!is_set(req->rev))
		return (err_set(e, ERR_INPUT, "NIXFLEET_REBUILD_COMMAND needs "
		    "the commit to switch to"));
	if (flakeref_check(c, req->rev, e) == -1)
		return (-1);
	return (flakeref_register(c, req->rev, e));
}

int
actcommand_make(const struct deploy_conf *c, const struct deploy_request *req,
    const char *dir, bool rollback, struct actcommand *cmd, struct err *e)
{
	char number[24], *profile;

	if (check(c, req, rollback, e) == -1)
		return (-1);
	memset(cmd, 0, sizeof(*cmd));
	profile = deploy_profile(c);
	add(cmd, str_dup(is_set(c->activate_path) ? c->activate_path :
	    "nixfleet-activate"));
	add(cmd, str_dup(actcommand_rebuilds(c) ? "rebuild" : "activate"));
	add_option(cmd, "--dir", dir);
	add_option(cmd, "--op", req->op_id);
	add_option(cmd, "--kind", deploy_kind_name(c->kind));
	add_option(cmd, "--mode", deploy_mode_name(req->mode));
	add_option(cmd, "--profile", profile);
	add_option(cmd, "--path", req->path);
	snprintf(number, sizeof(number), "%lld",
	    (long long)c->activate_timeout);
	add_option(cmd, "--timeout", number);
	if (rollback)
		add(cmd, str_dup("--rollback"));
	snprintf(number, sizeof(number), "%lld",
	    (long long)c->keep_generations);
	add_option(cmd, "--keep", c->keep_generations > 0 ? number : NULL);
	free(profile);
	if (actcommand_rebuilds(c)) {
		add_rebuild(cmd, c, req, rollback);
		return (0);
	}
	snprintf(number, sizeof(number), "%lld", (long long)req->generation);
	add_option(cmd, "--generation", req->generation > 0 ? number : NULL);
	if (c->kind == DEPLOY_CUSTOM)
		add_option(cmd, "--program", c->activate_program);
	if (c->kind == DEPLOY_HOME)
		add_option(cmd, "--backup-extension", c->backup_extension);
	return (0);
}

void
actcommand_free(struct actcommand *cmd)
{
	size_t i;

	for (i = 0; i < cmd->n; i++)
		free(cmd->argv[i]);
	free(cmd->argv);
	memset(cmd, 0, sizeof(*cmd));
}
