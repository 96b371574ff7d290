#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "migrate_setup.h"
#include "plistfile.h"
#include "settings_file.h"
#include "str.h"
#include "unitfile.h"

#define FILE_MAX (1 << 20)
#define PREFIX	 "NIXFLEET_"

/* What NixFleet v3 and those before it read. */
static const enum setting old[] = {
	SET_URL,
	SET_TOKEN,
	SET_REPO_URL,
	SET_REPO_DIR,
	SET_NIXCFG,
	SET_BRANCH,
	SET_SSH_KEY,
	SET_INTERVAL,
	SET_LOG_LEVEL,
	SET_HOSTNAME,
	SET_NIXPKGS_VERSION,
	SET_THEME_COLOR,
	SET_LOCATION,
	SET_DEVICE_TYPE,
	SET_TOKEN_CACHE,
	SET_AGENT_VERSION,
	SET_ALLOW_INSECURE_HTTP,
	SET_CA_FILE,
	SET_PINNED_PUBKEY,
};

struct reader {
	const char *path;
	struct migrate_setup *setup;
	struct migrate_given given;
	json_t *credentials; /* of a unit: id → file */
	bool second;	     /* of a unit's two passes */
	struct err *failed;  /* NULL: all is well */
	struct err e;
};

void
migrate_given_add(struct migrate_given *g, const char *name, const char *value,
    const char *origin)
{
	struct settings_given *list = str_alloc((g->n + 1) * sizeof(*list));

	if (g->n > 0)
		memcpy(list, g->list, g->n * sizeof(*list));
	free(g->list);
	g->list = list;
	list[g->n].name = str_dup(name);
	list[g->n].value = str_dup(value);
	list[g->n++].origin = str_dup(origin);
}

static void
given_free(struct migrate_given *g)
{
	for (size_t i = 0; i < g->n; i++) {
		char *value = (char *)(uintptr_t)g->list[i].value;

		str_wipefree(&value);
		free((char *)(uintptr_t)g->list[i].name);
		free((char *)(uintptr_t)g->list[i].origin);
	}
	free(g->list);
	g->list = NULL;
	g->n = 0;
}

bool
migrate_setup_has(const struct migrate_setup *s, enum setting i)
{
	const char *origin = settings_origin(s->set, i);

	return (!str_eq(origin, "unset") && !str_eq(origin, "default"));
}

static bool
is_old(enum setting i)
{
	for (size_t n = 0; n < sizeof(old) / sizeof(old[0]); n++)
		if (old[n] == i)
			return (true);
	return (false);
}

/* A hub, and not one setting that v3 did not have. */
static bool
is_v3(const struct migrate_setup *s)
{
	for (int i = 0; i < SET_COUNT; i++)
		if ((settings_table[i].programs & SETTINGS_AGENT) &&
		    migrate_setup_has(s, (enum setting)i) &&
		    !is_old((enum setting)i))
			return (false);
	return (migrate_setup_has(s, SET_URL));
}

int
migrate_given_take(
    struct migrate_given *g, struct migrate_setup *s, struct err *e)
{
	int rc = settings_load_given(SETTINGS_AGENT, g->list, g->n, &s->set, e);

	given_free(g);
	if (rc == -1)
		return (err_wrap(e, "%s", s->source));
	s->v3 = is_v3(s);
	return (0);
}

void
migrate_setup_free(struct migrate_setup **list)
{
	struct migrate_setup *s;

	while ((s = *list) != NULL) {
		*list = s->next;
		settings_free(&s->set);
		free(s->source);
		free(s->host);
		free(s->user);
		free(s->token_file);
		json_decref(s->more);
		free(s);
	}
}

static void
add(struct reader *r, const char *file, int line, const char *name,
    const char *value)
{
	char *origin = str_printf("%s:%d", file, line);

	migrate_given_add(&r->given, name, value, origin);
	free(origin);
}

static void
on_line(void *cookie, int line, const char *name, const char *value)
{
	struct reader *r = cookie;

	add(r, r->path, line, name, value);
}

static int
read_env(struct reader *r, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	rc = file_read(r->path, FILE_MAX, &b, e);
	if (rc == 0 &&
	    (rc = settings_file_parse(
		 b.data == NULL ? "" : b.data, b.len, on_line, r, e)) == -1)
		err_wrap(e, "%s", r->path);
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
	return (rc);
}

/*
 * A file that the unit reads.  What we may not read, or is not there yet, as
 * with a secret, is v3's token file; and so is one with nothing but that.
 */
static void
environment_file(struct reader *r, const char *path)
{
	const char *unit = r->path;
	size_t before = r->given.n;
	bool only = true;
	struct err e;

	path += *path == '-';
	r->path = path;
	if (read_env(r, &e) == -1 && e.code == ERR_INPUT) {
		r->e = e;
		r->failed = &r->e;
	}
	r->path = unit;
	for (size_t i = before; i < r->given.n; i++)
		if (!str_eq(
			r->given.list[i].name, settings_table[SET_TOKEN].name))
			only = false;
	if (only) {
		free(r->setup->token_file);
		r->setup->token_file = str_dup(path);
	}
}

/* The specifiers that a unit of ours or of v3 has; others stay. */
static char *
expand(const struct reader *r, const char *word)
{
	struct buf out = { 0 };
	const char *file;

	buf_adds(&out, "");
	for (; *word != '\0'; word++) {
		file = str_prefix(word, "%d/")
		    ? json_string_value(
			  json_object_get(r->credentials, word + 3))
		    : NULL;
		if (file != NULL) {
			buf_adds(&out, file);
			break;
		}
		if (str_prefix(word, "%h") && getenv("HOME") != NULL) {
			buf_adds(&out, getenv("HOME"));
			word++;
			continue;
		}
		word += str_prefix(word, "%%");
		buf_add(&out, word, 1);
	}
	return (buf_take(&out));
}

static void
credential(struct reader *r, const char *value)
{
	const char *colon = strchr(value, ':');
	char *id;

	if (colon == NULL)
		return;
	id = str_ndup(value, (size_t)(colon - value));
	json_object_set_new(r->credentials, id, json_string(colon + 1));
	free(id);
}

static void
environment(struct reader *r, int line, const char *value)
{
	char *word, *whole, *equals;

	while ((word = unitfile_word(&value)) != NULL) {
		whole = expand(r, word);
		if ((equals = strchr(whole, '=')) != NULL) {
			*equals = '\0';
			add(r, r->path, line, whole, equals + 1);
			*equals = '=';
		}
		str_wipefree(&word);
		str_wipefree(&whole);
	}
}

/* First what the others refer to, then the others. */
static void
on_unit(void *cookie, int line, const char *key, const char *value)
{
	struct reader *r = cookie;

	if (!r->second) {
		if (str_eq(key, "LoadCredential"))
			credential(r, value);
		return;
	}
	if (str_eq(key, "User") && *value != '\0') {
		free(r->setup->user);
		r->setup->user = str_dup(value);
	} else if (str_eq(key, "Environment"))
		environment(r, line, value);
	else if (str_eq(key, "EnvironmentFile") && *value != '\0')
		environment_file(r, value);
}

static int
parse_unit(struct reader *r, const char *path, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	r->path = path;
	rc = file_read(path, FILE_MAX, &b, e);
	if (rc == 0 &&
	    (rc = unitfile_parse(
		 b.data == NULL ? "" : b.data, b.len, on_unit, r, e)) == -1)
		err_wrap(e, "%s", path);
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
	return (rc);
}

/* Nix's store holds no unit that nobody's module made. */
static enum migrate_form
form_of_unit(const char *path)
{
	char *real = realpath(path, NULL);
	bool stored = str_prefix(real == NULL ? "" : real, "/nix/store/");

	free(real);
	if (!stored)
		return (MIGRATE_ENV);
	return (strstr(path, "/user/") != NULL ? MIGRATE_HOME : MIGRATE_NIXOS);
}

/* The unit and its drop-ins. */
static int
read_unit(struct reader *r, struct err *e)
{
	const char *unit = r->path;
	char *pattern = str_printf("%s.d/*.conf", unit);
	glob_t more = { 0 };
	int rc = 0;

	r->credentials = json_object();
	r->setup->form = form_of_unit(unit);
	(void)glob(pattern, 0, NULL, &more);
	for (int pass = 0; pass < 2 && rc == 0; pass++) {
		r->second = pass == 1;
		rc = parse_unit(r, unit, e);
		for (size_t i = 0; i < more.gl_pathc && rc == 0; i++)
			rc = parse_unit(r, more.gl_pathv[i], e);
	}
	if (rc == 0 && r->failed != NULL) {
		*e = r->e;
		rc = -1;
	}
	globfree(&more);
	free(pattern);
	json_decref(r->credentials);
	return (rc);
}

static void
on_plist(void *cookie, int line, const char *keys, const char *value)
{
	static const char section[] = "EnvironmentVariables/";
	struct reader *r = cookie;

	if (str_prefix(keys, section))
		add(r, r->path, line, keys + strlen(section), value);
	else if (str_prefix(keys, "ProgramArguments/") &&
	    strstr(value, "/nix/store/") != NULL)
		r->setup->form = MIGRATE_HOME;
	else if (str_eq(keys, "UserName")) {
		free(r->setup->user);
		r->setup->user = str_dup(value);
	}
}

static int
read_plist(struct reader *r, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	r->setup->form = MIGRATE_LAUNCHD;
	rc = file_read(r->path, FILE_MAX, &b, e);
	if (rc == 0 &&
	    (rc = plistfile_parse(
		 b.data == NULL ? "" : b.data, b.len, on_plist, r, e)) == -1)
		err_wrap(e, "%s", r->path);
	/* A daemon's job is nix-darwin's, an agent's home-manager's. */
	if (r->setup->form == MIGRATE_HOME &&
	    strstr(r->path, "LaunchDaemons/") != NULL)
		r->setup->form = MIGRATE_DARWIN;
	if (b.data != NULL)
		str_wipe(b.data, b.len);
	buf_free(&b);
	return (rc);
}

int
migrate_setup_file(const char *path, struct migrate_setup **out, struct err *e)
{
	struct migrate_setup *s = str_alloc(sizeof(*s));
	struct reader r = { .path = path, .setup = s };
	int rc;

	s->source = str_dup(path);
	s->form = MIGRATE_ENV;
	if (str_suffix(path, ".service"))
		rc = read_unit(&r, e);
	else if (str_suffix(path, ".plist"))
		rc = read_plist(&r, e);
	else
		rc = read_env(&r, e);
	if (rc == 0)
		rc = migrate_given_take(&r.given, s, e);
	given_free(&r.given);
	if (rc == 0)
		*out = s;
	else
		migrate_setup_free(&s);
	return (rc);
}

int
migrate_setup_environment(
    const char *const *env, struct migrate_setup **out, struct err *e)
{
	struct migrate_setup *s = str_alloc(sizeof(*s));
	struct migrate_given g = { 0 };
	const char *equals;

	s->source = str_dup("the environment");
	s->form = MIGRATE_ENV;
	for (; *env != NULL; env++) {
		char *name;

		if (!str_prefix(*env, PREFIX) ||
		    (equals = strchr(*env, '=')) == NULL)
			continue;
		name = str_ndup(*env, (size_t)(equals - *env));
		migrate_given_add(&g, name, equals + 1, "environment");
		free(name);
	}
	if (migrate_given_take(&g, s, e) == -1) {
		migrate_setup_free(&s);
		return (-1);
	}
	*out = s;
	return (0);
}
