#include <stdlib.h>
#include <string.h>

#include "deploy.h"
#include "file.h"
#include "flakeref.h"
#include "nixrun.h"
#include "nixstore.h"
#include "preflight.h"
#include "running.h"
#include "str.h"
#include "tick.h"

#define OUTPUT_MAX (1024 * 1024)	/* of nix build --json */

static int
preflight(const struct deploy_conf *c, struct err *e)
{
	if (preflight_room(nixstore_dir(),
	    "free some with nix-collect-garbage -d", e) == -1)
		return (-1);
	return (preflight_room(c->state_dir, "the state directory needs room",
	    e));
}

/* The store path of output "out", or of the first, of the first result. */
static char *
output_of(const struct buf *json, struct err *e)
{
	json_t *root, *outputs;
	const char *path;
	char *found = NULL;

	root = json_loadb(json->data == NULL ? "" : json->data, json->len, 0,
	    NULL);
	outputs = json_object_get(json_array_get(root, 0), "outputs");
	path = json_string_value(json_object_get(outputs, "out"));
	if (path == NULL)
		path = json_string_value(json_object_iter_value(
		    json_object_iter(outputs)));
	if (path == NULL)
		err_set(e, ERR_PROTO, "nix build --json did not say what it "
		    "built: %.200s", json->data == NULL ? "" : json->data);
	else if (nixstore_check(path, e) == 0)
		found = str_dup(path);
	json_decref(root);
	return (found);
}

static char *
build_attr(const struct deploy_conf *c, const char *url, const char *attr,
    const char *root, struct err *e)
{
	char *installable = str_printf("%s#%s", url, attr), *path = NULL;
	const char *const argv[] = { "nix", "build", "--json", "--out-link",
		root, installable, NULL };
	const struct nixrun run = { .conf = c, .argv = argv,
		.deadline = c->build_timeout, .log = true, .max = OUTPUT_MAX };
	struct buf out = { 0 };

	if (nixrun(&run, &out, e) == 0)
		path = output_of(&out, e);
	buf_free(&out);
	free(installable);
	return (path);
}

/* Try each attribute that may be meant; fill b->attr and b->path. */
static int
build_any(const struct deploy_conf *c, const char *rev, const char *root,
    struct deploy_build *b, struct err *e)
{
	char *attrs[FLAKEREF_TRIES], *url = flakeref_url(c, rev);
	size_t n = flakeref_attrs(c, attrs), i, last = 0;

	b->path = NULL;
	for (i = 0; i < n && b->path == NULL; i++) {
		last = i;
		b->path = build_attr(c, url, attrs[i], root, e);
		if (b->path == NULL && e->code != ERR_NOTFOUND)
			break;
	}
	b->attr = b->path != NULL ? str_dup(attrs[last]) : NULL;
	if (b->path == NULL)
		err_wrap(e, "build of %s", attrs[last]);
	for (i = 0; i < n; i++)
		free(attrs[i]);
	free(url);
	return (b->path != NULL ? 0 : -1);
}

int
deploy_build(const struct deploy_conf *c, const char *rev,
    struct deploy_build *out, struct err *e)
{
	char *roots = NULL, *root = NULL, *now;
	int64_t start = tick_mono();
	struct deploy_build b = { 0 };
	struct err local;
	int r = -1;

	if (e == NULL)
		e = &local;
	err_clear(e);
	if (deploy_check(c, e) == -1 || flakeref_check(c, rev, e) == -1 ||
	    preflight(c, e) == -1 || flakeref_register(c, rev, e) == -1)
		return (-1);
	roots = file_join(c->state_dir, "roots");
	root = file_join(roots, "built");
	if (file_mkdirs(roots, 0700, e) == -1 ||
	    build_any(c, rev, root, &b, e) == -1)
		goto out;
	now = running_path(c);
	b.running = str_eq(now, b.path);
	free(now);
	b.ms = tick_mono() - start;
	*out = b;
	r = 0;
out:
	free(root);
	free(roots);
	return (r);
}

void
deploy_build_free(struct deploy_build *b)
{
	free(b->path);
	free(b->attr);
	memset(b, 0, sizeof(*b));
}
