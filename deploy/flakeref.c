#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "flakeref.h"
#include "str.h"

/* Whoever else's registry has this name comes first, so nobody's should. */
#define REGISTRY_NAME "nixfleet-source-with-submodules"
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool
is_set(const char *s)
{
	return (s != NULL && s[0] != '\0');
}

static void
add_encoded(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr(ALNUM "/-._~", *s) != NULL)
			buf_add(b, s, 1);
		else
			buf_addf(b, "%%%02X", (unsigned)(unsigned char)*s);
}

static bool
is_below(const struct deploy_conf *c)
{
	return (is_set(c->flake_dir) && !str_eq(c->flake_dir, "."));
}

char *
flakeref_registry(const struct deploy_conf *c)
{
	return (is_set(c->build_dir) && is_below(c) ?
	    file_join(c->state_dir, "registry.json") : NULL);
}

int
flakeref_register(const struct deploy_conf *c, const char *rev, struct err *e)
{
	char *path = flakeref_registry(c), *text = NULL;
	json_t *all;
	int rc;

	if (path == NULL)
		return (0);
	all = json_pack("{s:i, s:[{s:{s:s, s:s}, s:{s:s, s:s, s:s}}]}",
	    "version", 2, "flakes", "from", "type", "indirect", "id",
	    REGISTRY_NAME, "to", "type", "path", "path", c->build_dir, "rev",
	    rev);
	if (all == NULL || (text = json_dumps(all, JSON_COMPACT)) == NULL)
		rc = err_set(e, ERR_INPUT, "\"%s\" cannot be written into a "
		    "registry of nix: its name must be UTF-8", c->build_dir);
	else
		rc = file_write(path, text, strlen(text), 0600, e);
	json_decref(all);
	free(text);
	free(path);
	return (rc);
}

char *
flakeref_url(const struct deploy_conf *c, const char *rev)
{
	struct buf b = { 0 };

	/* "?submodules=1" would have nix ask the servers again, by itself;
	   "path:" with "dir=" is refused by nix 2.8 but not from a registry. */
	if (is_set(c->build_dir) && is_below(c)) {
		buf_adds(&b, "flake:" REGISTRY_NAME "?dir=");
		add_encoded(&b, c->flake_dir);
		return (buf_take(&b));
	}
	buf_adds(&b, is_set(c->build_dir) ? "path:" : "git+file://");
	add_encoded(&b, is_set(c->build_dir) ? c->build_dir : c->repo_dir);
	buf_addf(&b, "?rev=%s", rev);
	if (is_below(c)) {
		buf_adds(&b, "&dir=");
		add_encoded(&b, c->flake_dir);
	}
	if (c->shallow && !is_set(c->build_dir))
		buf_adds(&b, "&shallow=1");
	return (buf_take(&b));
}

char *
flakeref_user(const struct deploy_conf *c)
{
	const struct passwd *pw;

	if (is_set(c->user))
		return (str_dup(c->user));
	pw = getpwuid(geteuid());
	return (str_dup(pw == NULL ? "root" : pw->pw_name));
}

/* The pattern with "{host}" and "{user}" replaced. */
static char *
expand(const char *pattern, const struct deploy_conf *c)
{
	char *user = flakeref_user(c);
	struct buf b = { 0 };

	while (*pattern != '\0')
		if (str_prefix(pattern, "{host}")) {
			buf_adds(&b, c->host);
			pattern += 6;
		} else if (str_prefix(pattern, "{user}")) {
			buf_adds(&b, user);
			pattern += 6;
		} else
			buf_add(&b, pattern++, 1);
	free(user);
	return (buf_take(&b));
}

static const char *const patterns[][FLAKEREF_TRIES] = {
	[DEPLOY_NIXOS] = {
	    "nixosConfigurations.\"{host}\".config.system.build.toplevel" },
	[DEPLOY_DARWIN] = { "darwinConfigurations.\"{host}\".system" },
	[DEPLOY_HOME] = {
	    "homeConfigurations.\"{user}@{host}\".activationPackage",
	    "homeConfigurations.\"{host}\".activationPackage" },
	[DEPLOY_CUSTOM] = { NULL },
};

size_t
flakeref_attrs(const struct deploy_conf *c, char *attrs[FLAKEREF_TRIES])
{
	size_t n;

	if (is_set(c->flake_attr)) {
		attrs[0] = expand(c->flake_attr, c);
		return (1);
	}
	for (n = 0; n < FLAKEREF_TRIES && patterns[c->kind][n] != NULL; n++)
		attrs[n] = expand(patterns[c->kind][n], c);
	return (n);
}

static bool
all_of(const char *s, const char *chars)
{
	return (is_set(s) && s[strspn(s, chars)] == '\0');
}

static int
check_dir(const struct deploy_conf *c, struct err *e)
{
	if (!is_set(c->repo_dir) || c->repo_dir[0] != '/')
		return (err_set(e, ERR_INPUT,
		    "the repository's directory must be an absolute path"));
	if (is_set(c->flake_dir) && (c->flake_dir[0] == '/' ||
	    strstr(c->flake_dir, "..") != NULL))
		return (err_set(e, ERR_INPUT, "the flake's directory \"%s\" "
		    "must be inside the repository", c->flake_dir));
	return (0);
}

int
flakeref_check(const struct deploy_conf *c, const char *rev, struct err *e)
{
	const char *p;

	if (!all_of(c->host, ALNUM "-_."))
		return (err_set(e, ERR_INPUT, "host name \"%s\": letters, "
		    "digits, '-', '_' and '.' only", c->host ? c->host : ""));
	if (is_set(c->user) && !all_of(c->user, ALNUM "-_."))
		return (err_set(e, ERR_INPUT, "user name \"%s\": letters, "
		    "digits, '-', '_' and '.' only", c->user));
	if (is_set(c->flake_attr))
		for (p = c->flake_attr; *p != '\0'; p++)
			if (isspace((unsigned char)*p) ||
			    iscntrl((unsigned char)*p) || *p == '#')
				return (err_set(e, ERR_INPUT,
				    "NIXFLEET_FLAKE_ATTR \"%s\": an attribute "
				    "path like packages.x86_64-linux.{host}, "
				    "without blanks and '#'", c->flake_attr));
	if (rev != NULL && (strlen(rev) != 40 && strlen(rev) != 64))
		return (err_set(e, ERR_INPUT,
		    "\"%.80s\" is not a whole revision", rev));
	if (rev != NULL && rev[strspn(rev, "0123456789abcdef")] != '\0')
		return (err_set(e, ERR_INPUT,
		    "\"%.80s\" is not a revision", rev));
	return (check_dir(c, e));
}
