#include <stdlib.h>
#include <string.h>

#include "closure.h"
#include "deploy.h"
#include "nixrun.h"
#include "nixstore.h"
#include "str.h"

#define QUERY_TIMEOUT 60000
#define QUERY_MAX (32 * 1024 * 1024)
#define CHUNK 1000	/* paths in one command's arguments */

static int
query_closure(const struct deploy_conf *c, const char *path,
    struct closure *out, struct err *e)
{
	const char *const argv[] = { "nix-store", "--query", "--requisites",
		path, NULL };
	const struct nixrun run = { .conf = c, .argv = argv,
		.deadline = QUERY_TIMEOUT, .max = QUERY_MAX };
	struct buf b = { 0 };
	int r;

	if ((r = nixrun(&run, &b, e)) == 0)
		closure_parse(b.data == NULL ? "" : b.data, out);
	buf_free(&b);
	return (r);
}

/* Sizes of up to CHUNK paths. */
static int
query_sizes(const struct deploy_conf *c, struct closure_path *paths, size_t n,
    struct err *e)
{
	const char *argv[CHUNK + 4] = { "nix-store", "--query", "--size" };
	const struct nixrun run = { .conf = c, .argv = argv,
		.deadline = QUERY_TIMEOUT, .max = QUERY_MAX };
	struct buf b = { 0 };
	const char *p;
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		argv[3 + i] = paths[i].path;
	if ((r = nixrun(&run, &b, e)) == 0) {
		p = b.data == NULL ? "" : b.data;
		for (i = 0; i < n; i++) {
			paths[i].size = strtoll(p, NULL, 10);
			p += strcspn(p, "\n");
			p += *p == '\n';
		}
	}
	buf_free(&b);
	return (r);
}

static int
query(const struct deploy_conf *c, const char *path, struct closure *out,
    struct err *e)
{
	size_t at, n;

	if (nixstore_check(path, e) == -1 ||
	    query_closure(c, path, out, e) == -1)
		return (-1);
	for (at = 0; at < out->n; at += n) {
		n = out->n - at < CHUNK ? out->n - at : CHUNK;
		if (query_sizes(c, out->paths + at, n, e) == -1) {
			closure_free(out);
			return (-1);
		}
	}
	return (0);
}

json_t *
deploy_diff(const struct deploy_conf *c, const char *from, const char *to,
    struct err *e)
{
	struct closure old = { 0 }, new = { 0 };
	json_t *diff;

	if (from != NULL && query(c, from, &old, e) == -1)
		return (NULL);
	if (query(c, to, &new, e) == -1) {
		closure_free(&old);
		return (NULL);
	}
	diff = closure_diff(&old, &new);
	closure_free(&old);
	closure_free(&new);
	json_object_set_new(diff, "from",
	    from != NULL ? json_string(from) : json_null());
	json_object_set_new(diff, "to", json_string(to));
	return (diff);
}
