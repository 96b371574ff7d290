#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy.h"
#include "file.h"
#include "flakeref.h"
#include "nixrun.h"
#include "nixstore.h"
#include "record.h"
#include "running.h"
#include "str.h"
#include "sysparts.h"

#define EVAL_TIMEOUT 60000
#define PATH_MAX_OUT 4096
#define LOCK_MAX (16 * 1024 * 1024)
#define DAY (24LL * 3600 * 1000)
#define LOCK_OK 7	/* days; dialect3.md F.3 */
#define LOCK_OLD 30

void
deploy_state_free(struct deploy_state *st)
{
	free(st->desired);
	free(st->running);
	memset(st, 0, sizeof(*st));
}

/* The store path that ${attr} would have. */
static char *
eval_attr(const struct deploy_conf *c, const char *url, const char *attr,
    struct err *e)
{
	char *installable = str_printf("%s#%s.outPath", url, attr);
	const char *const argv[] = { "nix", "eval", "--raw", installable,
		NULL };
	struct deploy_conf quiet = *c;
	const struct nixrun run = { .conf = &quiet, .argv = argv,
		.deadline = EVAL_TIMEOUT, .log = true, .max = PATH_MAX_OUT };
	struct buf out = { 0 };
	char *path = NULL;

	quiet.on_line = NULL;
	quiet.on_progress = NULL;
	if (nixrun(&run, &out, e) == 0) {
		path = buf_take(&out);
		if (!nixstore_valid(path)) {
			err_set(e, ERR_PROTO, "nix eval: \"%.200s\" is not a "
			    "store path", path);
			free(path);
			path = NULL;
		}
	}
	buf_free(&out);
	free(installable);
	return (path);
}

static char *
eval(const struct deploy_conf *c, const char *rev, struct err *e)
{
	char *attrs[FLAKEREF_TRIES], *url, *path = NULL;
	size_t n, i;

	if (flakeref_check(c, rev, e) == -1 ||
	    flakeref_register(c, rev, e) == -1)
		return (NULL);
	url = flakeref_url(c, rev);
	n = flakeref_attrs(c, attrs);
	e->code = ERR_NOTFOUND;
	for (i = 0; i < n; i++) {
		if (path == NULL && e->code == ERR_NOTFOUND)
			path = eval_attr(c, url, attrs[i], e);
		free(attrs[i]);
	}
	free(url);
	return (path);
}

/* The desired closure, or a specialisation of it. */
static bool
runs(const struct deploy_state *st)
{
	char *name = sysparts_specialisation(st->desired, st->running);
	bool special = name != NULL;

	free(name);
	return (special || str_eq(st->running, st->desired));
}

void
deploy_system_state(const struct deploy_conf *c, const char *rev,
    struct deploy_state *st)
{
	struct err e;

	memset(st, 0, sizeof(*st));
	st->running = running_path(c);
	if ((st->desired = eval(c, rev, &e)) == NULL) {
		st->status = e.code == ERR_TIMEOUT || e.code == ERR_STOPPED ?
		    DEPLOY_ST_UNKNOWN : DEPLOY_ST_ERROR;
		snprintf(st->message, sizeof(st->message), "%.*s",
		    DEPLOY_SENTENCE - 1, e.text);
	} else if (st->running == NULL) {
		st->status = DEPLOY_ST_OUTDATED;
		snprintf(st->message, sizeof(st->message),
		    "no closure of ours is known to run");
	} else if (runs(st)) {
		st->status = DEPLOY_ST_OK;
		snprintf(st->message, sizeof(st->message),
		    "the desired closure runs");
	} else {
		st->status = DEPLOY_ST_OUTDATED;
		snprintf(st->message, sizeof(st->message),
		    "%.110s runs, %.110s is desired",
		    nixstore_name(st->running),
		    nixstore_name(st->desired));
	}
}

int
deploy_attr_check(const struct deploy_conf *c, const char *rev, struct err *e)
{
	char *path = eval(c, rev, e);

	free(path);
	return (path == NULL ? -1 : 0);
}

/* ---- flake.lock ---- */

static void
lock_age(int64_t days, struct deploy_state *st)
{
	const char *unit = days == 1 ? "day" : "days";

	st->status = days <= LOCK_OK ? DEPLOY_ST_OK : DEPLOY_ST_OUTDATED;
	if (days <= LOCK_OK)
		snprintf(st->message, sizeof(st->message),
		    "flake.lock was updated %lld %s ago", (long long)days,
		    unit);
	else
		snprintf(st->message, sizeof(st->message),
		    "flake.lock is %lld days old%s", (long long)days,
		    days > LOCK_OLD ? ", more than a month: update it" : "");
}

void
deploy_lock_state(const char *dir, int64_t committed, int64_t now,
    struct deploy_state *st)
{
	char *path = file_join(dir, "flake.lock");

	memset(st, 0, sizeof(*st));
	st->status = DEPLOY_ST_UNKNOWN;
	if (!file_exists(path))
		snprintf(st->message, sizeof(st->message),
		    "the repository has no flake.lock");
	else if (committed < 0)
		snprintf(st->message, sizeof(st->message),
		    "flake.lock was never committed");
	else
		lock_age(now > committed ? (now - committed) / DAY : 0, st);
	free(path);
}

/* The node that a root input names, directly or by a path ("follows"). */
static const json_t *
node_of(const json_t *nodes, const json_t *ref)
{
	const json_t *node = json_object_get(nodes, "root"), *next;
	size_t i;

	for (i = 0; i < json_array_size(ref); i++) {
		next = json_object_get(json_object_get(node, "inputs"),
		    json_string_value(json_array_get(ref, i)));
		if (!json_is_string(next))
			return (NULL);
		node = json_object_get(nodes, json_string_value(next));
	}
	return (json_is_array(ref) ? node :
	    json_object_get(nodes, json_string_value(ref)));
}

static json_t *
inputs_of(const json_t *lock)
{
	const json_t *nodes = json_object_get(lock, "nodes"), *locked;
	json_t *out = json_array(), *inputs, *ref, *entry;
	const char *name;

	inputs = json_object_get(json_object_get(nodes, "root"), "inputs");
	json_object_foreach(inputs, name, ref) {
		locked = json_object_get(node_of(nodes, ref), "locked");
		entry = json_pack("{s:s}", "name", name);
		json_object_set(entry, "rev",
		    json_object_get(locked, "rev"));
		json_object_set(entry, "last_modified",
		    json_object_get(locked, "lastModified"));
		json_array_append_new(out, entry);
	}
	return (out);
}

json_t *
deploy_lock_inputs(const char *dir, struct err *e)
{
	char *path = file_join(dir, "flake.lock");
	json_t *lock = NULL, *out = NULL;
	struct buf b = { 0 };

	if (file_read(path, LOCK_MAX, &b, e) == 0 &&
	    record_parse(b.data == NULL ? "" : b.data, b.len, &lock, e) == 0)
		out = inputs_of(lock);
	else
		err_wrap(e, "%s", path);
	json_decref(lock);
	buf_free(&b);
	free(path);
	return (out);
}
