#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lockfile.h"
#include "str.h"

/* A hostile file must not make us walk for ever. */
#define DEPTH_MAX 12
#define INPUTS_MAX 2000

static int
by_name(const void *a, const void *b)
{
	const struct lockfile_input *x = a, *y = b;

	return (strcmp(x->name, y->name));
}

static void
add(struct lockfile *lf, const char *name, const json_t *node)
{
	const json_t *locked = json_object_get(node, "locked");
	const char *rev = json_string_value(json_object_get(locked, "rev"));
	struct lockfile_input *in;

	if (rev == NULL)
		rev = json_string_value(json_object_get(locked, "narHash"));
	lf->inputs = realloc(lf->inputs, (lf->n + 1) * sizeof(*lf->inputs));
	if (lf->inputs == NULL)
		abort();
	in = &lf->inputs[lf->n++];
	in->name = str_dup(name);
	in->rev = str_dup(rev != NULL ? rev : "");
	in->time = json_integer_value(json_object_get(locked, "lastModified"));
}

/* An input is a node's name; an array is "follows" and has no lock itself. */
static void
walk(struct lockfile *lf, const json_t *nodes, const json_t *node,
    const char *prefix, int depth)
{
	json_t *inputs = json_object_get(node, "inputs"), *v;
	const json_t *sub;
	const char *key;
	char *name;

	if (depth > DEPTH_MAX)
		return;
	json_object_foreach(inputs, key, v) {
		if (!json_is_string(v) || lf->n >= INPUTS_MAX)
			continue;
		sub = json_object_get(nodes, json_string_value(v));
		if (!json_is_object(sub))
			continue;
		name = str_printf("%s%s%s", prefix, *prefix ? "/" : "", key);
		add(lf, name, sub);
		walk(lf, nodes, sub, name, depth + 1);
		free(name);
	}
}

int
lockfile_parse(const char *text, size_t len, struct lockfile *res,
    struct err *e)
{
	struct lockfile lf = { 0 };
	json_error_t je;
	json_t *obj, *nodes, *root;

	if (len == 0) {
		*res = lf;
		return (0);
	}
	if ((obj = json_loadb(text, len, 0, &je)) == NULL)
		return (err_set(e, ERR_INPUT, "flake.lock: line %d: %s",
		    je.line, je.text));
	nodes = json_object_get(obj, "nodes");
	root = json_object_get(nodes, json_is_string(json_object_get(obj,
	    "root")) ? json_string_value(json_object_get(obj, "root")) :
	    "root");
	if (!json_is_object(root)) {
		json_decref(obj);
		return (err_set(e, ERR_INPUT, "flake.lock: no root node"));
	}
	walk(&lf, nodes, root, "", 0);
	json_decref(obj);
	if (lf.n > 0)
		qsort(lf.inputs, lf.n, sizeof(*lf.inputs), by_name);
	*res = lf;
	return (0);
}

void
lockfile_free(struct lockfile *lf)
{
	for (size_t i = 0; i < lf->n; i++) {
		free(lf->inputs[i].name);
		free(lf->inputs[i].rev);
	}
	free(lf->inputs);
	*lf = (struct lockfile){ 0 };
}
